"""What is being listed: put aside as it comes, compared when it is complete, published in the order of its runs.

Statements that go through all of a listing may take long, and are bounded by `LONG_S`. They find files by a step down
an index for each (LATERAL … LIMIT 1), whatever the planner believes of tables that have just grown: as joins they
took minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.changes import sign_as_service
from db.files import datasets, files
from db.files.listings import ListingClaim, tell_listing
from db.pool import Connection, Pool, begin_transaction, fetch_many
from domain.changes import ChangeKind, ServicePart, make_service_actor
from domain.files.datasets import NewFile, compare_files
from domain.files.listings import ListingState, ToldCounts

LONG_S = 300.0
SLICE = 1_000
"""Files that are published in one transaction, which others who add files wait for."""
STAGED_COLUMNS = ("listing_id", "place", "name", "size", "checksum", "events", "run", "metadata")


class ListingLost(Exception):
    """Another worker has the listing by now: nothing was written."""


BEGIN = """
    UPDATE dataset_listing
       SET state = 'reading', begun_at = now(), listed = 0, told_before = $3, told_after = NULL
     WHERE id = $1 AND claims = $2
    RETURNING true
"""
DROP_STAGED = "DELETE FROM listed_file WHERE listing_id = $1"


async def begin_reading(db: Pool, claim: ListingClaim, told: ToldCounts) -> None:
    """Forget what was read before, and begin anew."""
    async with db.acquire() as conn, conn.transaction():
        if not await conn.fetchval(BEGIN, claim.id, claim.claims, told.files):
            raise ListingLost
        await conn.execute(DROP_STAGED, claim.id, timeout=LONG_S)


STAGE = """
    UPDATE dataset_listing SET listed = listed + $3 WHERE id = $1 AND claims = $2 AND state = 'reading'
    RETURNING listed - $3
"""


async def stage_files(db: Pool, claim: ListingClaim, found: Sequence[NewFile]) -> int:
    """Put some aside; returns how many there are by now."""
    async with db.acquire() as conn, conn.transaction():
        first = await conn.fetchval(STAGE, claim.id, claim.claims, len(found))
        if first is None:
            raise ListingLost
        records = [
            (claim.id, first + n, f.name, f.size, f.checksum, f.events, f.run, orjson.dumps(f.metadata).decode())
            for n, f in enumerate(found)
        ]  # fmt: skip
        await conn.copy_records_to_table("listed_file", records=records, columns=STAGED_COLUMNS)
    return int(first) + len(found)


NOTED_BEFORE = """ON CONFLICT (dataset_id, name) DO UPDATE
           SET kind = excluded.kind, listing_id = excluded.listing_id, details = excluded.details,
               since = CASE WHEN x.kind = excluded.kind THEN x.since ELSE now() END"""
"""What becomes of a difference that an earlier listing has noted: it is as old as its kind."""

# The first of what is listed several times alike stays; of what contradicts itself nothing.
DROP_DOUBLES = f"""
    WITH doubled AS (
        SELECT name, min(place) AS first, min(size) <> max(size) OR count(DISTINCT checksum) > 1 AS contradicts
          FROM listed_file WHERE listing_id = $1 GROUP BY name HAVING count(*) > 1
    ), dropped AS (
        DELETE FROM listed_file l USING doubled d
         WHERE l.listing_id = $1 AND l.name = d.name AND (d.contradicts OR l.place > d.first)
    ), noted AS (
        INSERT INTO listing_difference AS x (dataset_id, name, kind, listing_id, details)
        SELECT $2, name, 'doubled', $1, 'It is listed with several sizes or checksums.' FROM doubled WHERE contradicts
            {NOTED_BEFORE}
        RETURNING true
    )
    SELECT count(*) FROM noted
"""
ANALYZE = "ANALYZE listed_file"

COMPARE = f"""
    WITH compared AS MATERIALIZED (
        SELECT l.place, l.name, l.run, there.is_there,
               f.size <> l.size OR (split_part(f.checksum, ':', 1) = split_part(l.checksum, ':', 1)
                                    AND lower(f.checksum) <> lower(l.checksum)) AS contradicts,
               format('%s bytes, %s; in the catalog %s bytes, %s', f.size, coalesce(f.checksum, 'no checksum'),
                      l.size, coalesce(l.checksum, 'no checksum')) AS details
          FROM listed_file l
          LEFT JOIN LATERAL (SELECT f.id, f.size, f.checksum FROM file f
                              WHERE f.experiment_id = $3 AND f.name = l.name AND f.test_of = 0 LIMIT 1) f ON true
          LEFT JOIN LATERAL (SELECT true AS is_there FROM dataset_file d
                              WHERE d.dataset_id + 0 = $2 AND d.file_id = f.id LIMIT 1) there ON true
         WHERE l.listing_id = $1
    ), noted AS (
        INSERT INTO listing_difference AS x (dataset_id, name, kind, listing_id, details)
        SELECT $2, name, 'differs', $1, details FROM compared WHERE contradicts
            {NOTED_BEFORE}
        RETURNING true
    ), fresh AS (
        SELECT place, row_number() OVER (ORDER BY run NULLS LAST, name) AS ordered
          FROM compared WHERE is_there IS NULL AND contradicts IS NOT TRUE
    ), put AS (
        UPDATE listed_file l SET ordered = fresh.ordered
          FROM fresh WHERE l.listing_id = $1 AND l.place = fresh.place
        RETURNING true
    )
    SELECT (SELECT count(*) FROM put) AS fresh, (SELECT count(*) FROM noted) AS differing
"""


def _render_missing(dataset: str) -> str:
    """SQL for the names that a dataset has and listing $1 has not."""
    return f"""
    SELECT f.name, (x.kind = 'gone') IS TRUE AS is_known
      FROM dataset_file d JOIN file f ON f.id = d.file_id
      LEFT JOIN LATERAL (SELECT true AS is_listed FROM listed_file l
                          WHERE l.listing_id = $1 AND l.name = f.name LIMIT 1) l ON true
      LEFT JOIN LATERAL (SELECT x.kind, x.listing_id FROM listing_difference x
                          WHERE x.dataset_id = {dataset} AND x.name = f.name LIMIT 1) x ON true
     WHERE d.dataset_id = {dataset} AND l.is_listed IS NULL AND (x.kind = 'doubled' AND x.listing_id = $1) IS NOT TRUE
    """


# The names first, by their index alone: else all that is left would be looked up and sorted, again and again.
FRESH = """
    SELECT l.name, there.is_there IS NULL AS is_fresh
      FROM (SELECT DISTINCT name FROM listed_file WHERE listing_id = $1 AND name > $4 ORDER BY name LIMIT $5) l
      LEFT JOIN LATERAL (SELECT f.id FROM file f
                          WHERE f.experiment_id = $3 AND f.name = l.name AND f.test_of = 0 LIMIT 1) f ON true
      LEFT JOIN LATERAL (SELECT true AS is_there FROM dataset_file d
                          WHERE d.dataset_id + 0 = $2 AND d.file_id = f.id LIMIT 1) there ON true
     ORDER BY l.name
"""


@dataclass(frozen=True, slots=True)
class ListedName:
    """A name of a listing."""

    name: str
    is_fresh: bool
    """The dataset does not have it."""


async def list_names(db: Pool, claim: ListingClaim, after: str, limit: int) -> list[ListedName]:
    """The next names of a listing, behind `after`."""
    whose = claim.id, claim.dataset_id, claim.experiment_id
    return await fetch_many(db, ListedName, FRESH, *whose, after, limit)


DESCRIBE = """
    WITH mine AS (
        SELECT true AS is_mine FROM dataset_listing WHERE id = $1 AND claims = $2 AND state = 'reading'
    ), described AS (
        UPDATE listed_file l
           SET checksum = coalesce(x.checksum, l.checksum), events = coalesce(x.events, l.events),
               run = coalesce(x.run, l.run), metadata = x.metadata
          FROM mine, unnest($3::text[], $4::text[], $5::bigint[], $6::int[], $7::text[])
                     AS x (name, checksum, events, run, metadata)
         WHERE l.listing_id = $1 AND l.name = x.name
    )
    SELECT is_mine FROM mine
"""


async def describe_listed(db: Pool, claim: ListingClaim, found: Sequence[NewFile]) -> None:
    """Write down what the catalog has told of files that it has listed."""
    columns = [
        (f.name, f.checksum, f.events, f.run, orjson.dumps(f.metadata).decode()) for f in found
    ]
    if not await db.fetchval(
        DESCRIBE, claim.id, claim.claims, *map(list, zip(*columns, strict=True)), timeout=LONG_S
    ):
        raise ListingLost


COUNT_GONE = f"""
    SELECT d.head - (SELECT count(*) FROM listing_difference WHERE dataset_id = $2 AND kind = 'gone') AS had,
           (SELECT count(*) FROM ({_render_missing("$2")}) AS m WHERE NOT m.is_known) AS gone
      FROM dataset d WHERE d.id = $2
"""


@dataclass(frozen=True, slots=True)
class ListingComparison:
    """What a complete listing brings."""

    fresh: int
    differing: int
    doubled: int
    gone: int
    """That were not gone before."""
    had: int
    """Files that were not gone before."""


async def compare_listing(conn: Connection, claim: ListingClaim) -> ListingComparison:
    """Compare what was read with what the dataset has, and put what is new in order."""
    whose = claim.id, claim.dataset_id
    doubled = await conn.fetchval(DROP_DOUBLES, *whose, timeout=LONG_S)
    await conn.execute(ANALYZE, timeout=LONG_S)
    row: Any = await conn.fetchrow(COMPARE, *whose, claim.experiment_id, timeout=LONG_S)
    gone: Any = await conn.fetchrow(COUNT_GONE, *whose, timeout=LONG_S)
    return ListingComparison(row["fresh"], row["differing"], doubled, gone["gone"], gone["had"])


_SERVICE = sign_as_service(ServicePart.LISTINGS)
COMPLETE = f"""
    WITH moved AS (
        UPDATE dataset_listing
           SET state = $3, told_after = $4, told_bytes = $5, told_revision = $6, fresh = $7, differing = $8,
               doubled = $9, gone = $10, placed_to = 0, attempts = 0, trouble = '',
               held_until = CASE WHEN $3 <> 'waiting'::listing_state THEN held_until END
         WHERE id = $1 AND claims = $2 AND state = 'reading'
        RETURNING *
    ), told AS ({tell_listing(ChangeKind.DATASET_LISTING_WAITS, _SERVICE)} WHERE m.state = 'waiting')
    SELECT true FROM moved
"""


async def end_reading(
    conn: Connection,
    claim: ListingClaim,
    state: ListingState,
    told: ToldCounts,
    found: ListingComparison,
) -> None:
    """Let a listing count: what it brings is published next, or waits for somebody."""
    if not await conn.fetchval(
        COMPLETE, claim.id, claim.claims, state, told.files, told.bytes, told.revision,
        found.fresh, found.differing, found.doubled, found.gone,
    ):  # fmt: skip
        raise ListingLost


NEXT = """
    SELECT name, size, checksum, events, run, metadata FROM listed_file
     WHERE listing_id = $1 AND ordered > $2 AND ordered <= $3 ORDER BY ordered
"""
MOVE_ON = """
    UPDATE dataset_listing SET placed_to = $4, differing = differing + $5
     WHERE id = $1 AND claims = $2 AND state = 'publishing' AND placed_to = $3
    RETURNING fresh
"""
NOTE_DIFFERENCE = """
    INSERT INTO listing_difference (dataset_id, name, kind, listing_id, details)
    SELECT $1, name, 'differs', $2, 'Another file of this name came meanwhile.' FROM unnest($3::text[]) AS x (name)
        ON CONFLICT (dataset_id, name) DO UPDATE SET kind = excluded.kind, listing_id = excluded.listing_id
"""


async def publish_next(db: Pool, claim: ListingClaim, placed_to: int, catalog: str) -> int | None:
    """Give the next thousand their ordinals; up to which place that is, None where there are no more.

    `catalog` is the name of the catalog that knows them; where they lie it is asked when that is needed.
    """
    async with begin_transaction(db) as conn:
        rows = await conn.fetch(NEXT, claim.id, placed_to, placed_to + SLICE)
        if not rows:
            return None
        given = [
            NewFile(name, size, None, checksum, events, run, orjson.loads(metadata), catalog)
            for name, size, checksum, events, run, metadata in rows
        ]
        await datasets.lock(conn, claim.dataset_id)
        names = [file.name for file in given]
        await files.put_files(conn, claim.experiment_id, given)
        there = {
            row.name: row for row in await files.find_by_names(conn, claim.experiment_id, names)
        }
        others = [file.name for file in given if not _is_that_file(there[file.name], file)]
        ids = [there[name].id for name in names if name not in set(others)]
        by = make_service_actor(ServicePart.LISTINGS)
        await datasets.publish_files(conn, claim.dataset_id, ids, by)
        if others:
            await conn.execute(NOTE_DIFFERENCE, claim.dataset_id, claim.id, others)
        moved = placed_to, placed_to + SLICE, len(others)
        if await conn.fetchval(MOVE_ON, claim.id, claim.claims, *moved) is None:
            raise ListingLost
    return placed_to + SLICE


def _is_that_file(there: files.File, listed: NewFile) -> bool:
    """Nothing that says which bytes it has is contradicted; what else is known of it is its own."""
    contradicted = {each.part for each in compare_files(there.known, listed)}
    return contradicted.isdisjoint({"size", "checksum"})


FINISH = f"""
    WITH seen AS (
        INSERT INTO listing_difference AS x (dataset_id, name, kind, listing_id, details)
        SELECT $3, m.name, 'gone', $1, '' FROM ({_render_missing("$3")}) AS m
            {NOTED_BEFORE}
        RETURNING name
    ), over AS (
        DELETE FROM listing_difference x
         WHERE dataset_id = $3 AND listing_id <> $1 AND NOT EXISTS (SELECT FROM seen WHERE seen.name = x.name)
    ), moved AS (
        UPDATE dataset_listing
           SET state = 'published', ended_at = now(), holder = NULL, held_until = NULL, trouble = '',
               gone = (SELECT count(*) FROM seen)
         WHERE id = $1 AND claims = $2 AND state = 'publishing'
        RETURNING *
    ), known AS (
        UPDATE dataset d
           SET listed_at = moved.begun_at, unknown_since = NULL, list_at = $4,
               idle_listings = CASE WHEN moved.fresh > 0 THEN 0 ELSE d.idle_listings + 1 END
          FROM moved WHERE d.id = moved.dataset_id
    ), told AS ({tell_listing(ChangeKind.DATASET_LISTED, _SERVICE)})
    SELECT true FROM moved
"""


# A file of the dataset that the catalog has otherwise, or not at all, is found by its ordinal when slices are cut.
PLACE_DIFFERENCES = """
    UPDATE listing_difference x SET ordinal = d.ordinal
      FROM file f
      JOIN LATERAL (SELECT ordinal FROM dataset_file d
                     WHERE d.dataset_id + 0 = $1 AND d.file_id = f.id LIMIT 1) d ON true
     WHERE x.dataset_id = $1 AND x.ordinal IS NULL AND f.experiment_id = $2 AND f.name = x.name AND f.test_of = 0
"""


async def finish_listing(db: Pool, claim: ListingClaim, next_at: Any) -> None:
    """All is published: note what is gone, and when the dataset is listed again."""
    async with begin_transaction(db) as conn:
        done = await conn.fetchval(
            FINISH, claim.id, claim.claims, claim.dataset_id, next_at, timeout=LONG_S
        )
        if not done:
            raise ListingLost
        whose = claim.dataset_id, claim.experiment_id
        await conn.execute(PLACE_DIFFERENCES, *whose, timeout=LONG_S)


FINISH_UNCHANGED = """
    WITH moved AS (
        UPDATE dataset_listing
           SET state = 'published', ended_at = now(), begun_at = now(), is_unchanged = true, holder = NULL,
               held_until = NULL, trouble = '', told_before = $3, told_after = $3
         WHERE id = $1 AND claims = $2
        RETURNING *
    ), older AS (
        DELETE FROM dataset_listing l USING moved m WHERE l.dataset_id = m.dataset_id AND l.id < m.id AND l.is_unchanged
    )
    UPDATE dataset d SET listed_at = moved.begun_at, unknown_since = NULL, list_at = $4,
           idle_listings = d.idle_listings + 1
      FROM moved WHERE d.id = moved.dataset_id
    RETURNING d.id
"""


async def finish_unchanged(db: Pool, claim: ListingClaim, told: ToldCounts, next_at: Any) -> None:
    """Nothing need be read. Of such listings the newest alone is kept."""
    if not await db.fetchval(FINISH_UNCHANGED, claim.id, claim.claims, told.files, next_at):
        raise ListingLost


LEFT_OVER = """
    DELETE FROM listed_file WHERE ctid = ANY (ARRAY(
        SELECT f.ctid FROM listed_file f JOIN dataset_listing l ON l.id = f.listing_id
         WHERE l.state IN ('published', 'failed') LIMIT 50000))
"""


async def delete_left_over(db: Pool) -> None:
    """Drop what was put aside for listings that are over."""
    while await db.execute(LEFT_OVER, timeout=LONG_S) != "DELETE 0":
        pass
