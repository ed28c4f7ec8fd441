"""List what outside catalogs have of datasets: complete or nothing, and gone on with where a worker was killed."""

from collections.abc import Sequence
from contextlib import aclosing

from catalogs import (
    CatalogFile,
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    DefinitionSummary,
    DescribingCatalog,
    ListingCatalog,
    ListingIncomplete,
)
from db.clock import read_time
from db.files import catalogs, datasets, listed_files, listings
from db.files.catalogs import Catalog
from db.files.listed_files import ListingLost
from db.files.listings import ListingClaim
from domain.files.datasets import MOST_METADATA, NewFile, check_facts
from domain.files.listings import (
    READ_ALL_EVERY,
    ListingState,
    ToldCounts,
    compute_next_listing,
    compute_next_try,
    is_complete,
    is_told_unchanged,
    must_wait_for_decision,
)
from workers.catalog_access import find_access
from workers.dispatch import Dispatcher, TaskPool
from workers.failpoints import wrap_failpoints
from workers.leases import keep_lease
from workers.setbacks import hold_thing
from workers.tools import WorkerTools, log

OF_EACH, MOST = 2, 8
"""Listings at once of each catalog, and of all."""
STAGE_TOGETHER = 5_000
DESCRIBED_TOGETHER = 1_000


def make_dispatcher() -> Dispatcher[ListingClaim, int]:
    """Hand listings out by their catalogs: a slow one keeps only its own."""
    pool = TaskPool[int]("listings", OF_EACH, MOST)
    return Dispatcher(pool, _take_listing, _carry_out_listing, lambda claim: claim.catalog_id)


async def _take_listing(tools: WorkerTools, full: Sequence[int]) -> ListingClaim | None:
    await listings.ask_due_listings(tools.db)
    return await listings.claim_listing(tools.db, tools.holder, tools.lease_s, full)


async def _carry_out_listing(tools: WorkerTools, claim: ListingClaim) -> None:
    async def renew(mine: ListingClaim) -> ListingClaim | None:
        return mine if await listings.renew_claim(tools.db, mine, tools.lease_s) else None

    async with hold_thing(tools, "listings") as thing:
        thing.name(f"dataset:{claim.dataset_id}", experiment_id=claim.experiment_id)
        async with keep_lease(f"listing {claim.id}", claim, renew, tools.lease_s / 3):
            try:
                await _list_dataset(tools, claim)
            except ListingLost:
                log.info("listing %s: another worker has it", claim.id)
    await tools.ring()


async def _list_dataset(tools: WorkerTools, claim: ListingClaim) -> None:
    """Read it, if that is not done, and publish what is new; or note why nothing is known."""
    (catalog,) = await catalogs.find_by_ids(tools.db, [claim.catalog_id])
    is_read = claim.state is ListingState.PUBLISHING
    try:
        if is_read or await _read_listing(tools, claim, catalog):
            await _publish_listing(tools, claim, catalog)
        if not is_read:
            await catalogs.note_answer(tools.db, catalog.id)
    except CatalogUnavailable as error:
        await catalogs.note_trouble(tools.db, catalog.id, str(error))
        retry_at = compute_next_try(claim.attempts + 1, await read_time(tools.db))
        await listings.postpone_listing(tools.db, claim, str(error), retry_at)
    except CatalogRefused as error:
        if isinstance(error, CatalogSignInRefused):
            await catalogs.note_trouble(tools.db, catalog.id, str(error))
        await listings.fail_listing(tools.db, claim, str(error))


async def _read_listing(tools: WorkerTools, claim: ListingClaim, catalog: Catalog) -> bool:
    """Put a whole listing aside and compare it; true when it is to be published."""
    access = await find_access(tools, catalog)
    async with tools.catalogs.open(access) as asked:
        summary = await asked.describe(claim.definition)
        before = _tell_counts(summary)
        if claim.requested_by is None and await _is_unchanged(tools, claim, summary):
            next_at = await _compute_next(tools, claim, 0)
            await listed_files.finish_unchanged(tools.db, claim, before, next_at)
            return False
        async with wrap_failpoints("listing.begin"):
            await listed_files.begin_reading(tools.db, claim, before)
        listed = await _stage_files(tools, claim, asked, catalog.name)
        if isinstance(asked, DescribingCatalog):
            await _describe_fresh(tools, claim, asked, catalog.name)
        after = _tell_counts(await asked.describe(claim.definition))
    if not is_complete(listed, before.files, after.files):
        said = f"before it said that there are {before.files}, after it {after.files}"
        raise ListingIncomplete(f"The catalog listed {listed} files; {said}.")
    async with (
        wrap_failpoints("listing.compare"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        found = await listed_files.compare_listing(conn, claim)
        waits = must_wait_for_decision(found.gone, found.had)
        state = ListingState.WAITING if waits else ListingState.PUBLISHING
        await listed_files.end_reading(conn, claim, state, after, found)
    return not waits


async def _stage_files(
    tools: WorkerTools, claim: ListingClaim, asked: ListingCatalog, catalog: str
) -> int:
    listed = 0
    async with aclosing(asked.list_files(claim.definition)) as batches:
        async for batch in batches:
            for at in range(0, len(batch), STAGE_TOGETHER):
                some = [
                    _check_listed_file(file, catalog) for file in batch[at : at + STAGE_TOGETHER]
                ]
                async with wrap_failpoints("listing.stage"):
                    listed = await listed_files.stage_files(tools.db, claim, some)
    return listed


async def _describe_fresh(
    tools: WorkerTools, claim: ListingClaim, asked: DescribingCatalog, catalog: str
) -> None:
    """Ask what the listing didn't say of files that are new to the dataset; what is there already is known."""
    after = ""
    while names := await listed_files.list_names(tools.db, claim, after, DESCRIBED_TOGETHER):
        fresh = [each.name for each in names if each.is_fresh]
        if fresh and (found := await asked.describe_files(fresh)):
            async with wrap_failpoints("listing.describe"):
                files = [_check_listed_file(file, catalog) for file in found]
                await listed_files.describe_listed(tools.db, claim, files)
        after = names[-1].name


def _check_listed_file(file: CatalogFile, catalog: str) -> NewFile:
    """What a catalog lists as a file of ours; raises CatalogRefused where it can be none."""
    if file.size is None:
        raise CatalogRefused(f"The catalog doesn't say how large {file.name[:200]!r} is.")
    metadata = dict(file.metadata)
    if file.created_at is not None:
        metadata.setdefault("end_time", file.created_at.timestamp())
    found = NewFile(
        file.name, file.size, None, file.checksum, file.events, file.run, metadata, catalog
    )
    for part, said in check_facts(found):
        raise CatalogRefused(f"The catalog has {file.name[:200]!r}, its {part} can't be: {said}")
    if metadata and len(str(metadata)) > MOST_METADATA:
        raise CatalogRefused(
            f"The metadata of {file.name[:200]!r} have over {MOST_METADATA} bytes."
        )
    return found


async def _publish_listing(tools: WorkerTools, claim: ListingClaim, catalog: Catalog) -> None:
    place: int | None = claim.placed_to
    while place is not None:
        reached = place
        async with wrap_failpoints("listing.publish"):
            place = await listed_files.publish_next(tools.db, claim, place, catalog.name)
        await tools.ring()
    async with wrap_failpoints("listing.finish"):
        next_at = await _compute_next(tools, claim, reached)
        await listed_files.finish_listing(tools.db, claim, next_at)
    await listed_files.delete_left_over(tools.db)


def _tell_counts(summary: DefinitionSummary) -> ToldCounts:
    return ToldCounts(summary.files, summary.bytes, summary.revision)


async def _is_unchanged(
    tools: WorkerTools, claim: ListingClaim, summary: DefinitionSummary
) -> bool:
    last = await listings.find_last_read(tools.db, claim.dataset_id)
    if last is None or last.begun_at is None:
        return False
    if await read_time(tools.db) - last.begun_at > READ_ALL_EVERY and not summary.is_closed:
        return False
    told = ToldCounts(last.told_after, last.told_bytes, last.told_revision)
    return is_told_unchanged(told, _tell_counts(summary), is_closed=summary.is_closed)


async def _compute_next(tools: WorkerTools, claim: ListingClaim, fresh: int) -> object:
    (dataset,) = await datasets.find_by_ids(tools.db, [claim.dataset_id])
    idle = 0 if fresh else dataset.idle_listings + 1
    return compute_next_listing(dataset.policy, idle, await read_time(tools.db))
