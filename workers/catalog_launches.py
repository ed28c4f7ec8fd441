"""Launches in the catalogs that have their files: there they get a name, and a project that hands them out.

All of it can be repeated: a worker that is killed anywhere leaves what another one finds and goes on with.
"""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from catalogs import (
    CatalogChild,
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    DescentCatalog,
    DescentQuery,
    ListingCatalog,
    NamingCatalog,
    ProjectCatalog,
)
from db.clock import read_time
from db.files import catalogs
from db.files.catalogs import Catalog
from db.launching import catalog_launches
from db.launching.catalog_launches import CatalogLaunch, CatalogLaunchClaim, CatalogLaunchInput
from db.submissions import input_files, job_driven_transitions, output_files, submissions
from db.submissions.submissions import Submission
from domain.files.catalogs import GIVES_NAMES
from domain.files.lineage import Generations
from domain.files.listings import compute_next_try
from domain.launching.catalog_launches import (
    FATES,
    LOOK,
    NOT_FINISHED,
    NOT_HANDED_OUT,
    CatalogLaunchState,
    make_fate,
    name_project,
)
from domain.setup.job_types import Consumption
from workers.catalog_access import find_access
from workers.dispatch import Dispatcher, TaskPool
from workers.failpoints import wrap_failpoints
from workers.leases import keep_lease
from workers.setbacks import hold_thing
from workers.staging import explain_staging, require_one_catalog, take_staging_step
from workers.tools import WorkerTools, log

OF_EACH, MOST = 2, 8
"""Launches made known at once to each catalog, and to all."""
TOGETHER = 1_000
"""Files whose fates, and outputs, are written down in one transaction."""


def make_dispatcher() -> Dispatcher[CatalogLaunchClaim, int]:
    """Hand launches out by their catalogs: a slow one keeps only its own."""
    pool = TaskPool[int]("catalog_launches", OF_EACH, MOST)
    return Dispatcher(pool, _take_launch, _carry_out, lambda claim: claim.catalog_id)


async def explain_launch_wait(tools: WorkerTools, submission: Submission) -> str | None:
    """Why a launch waits for the catalog that has its files, or nothing: it is asked for what is missing."""
    found = await _request_launch(tools, submission)
    wants_project = submission.runs_with.consumption is Consumption.PROJECT
    if wants_project and (found is None or not found.project):
        return "It waits: its files are in no SAM catalog, so that no project can hand them out."
    if found is None or found.state is not CatalogLaunchState.REQUESTED:
        return None
    if found.staging:
        return explain_staging(found)
    return f"It waits until its files have a name in their catalog: {found.trouble or found.name}"


async def _request_launch(tools: WorkerTools, submission: Submission) -> CatalogLaunch | None:
    """What is asked of its catalog; None: none that gives names has its files."""
    config, id = submission.runs_with, submission.id
    if known := await catalog_launches.find_by_submissions(tools.db, [id]):
        return known[0]
    if config.works_on is None:
        return await catalog_launches.request_named_launch(tools.db, id)
    wants_project = config.consumption is Consumption.PROJECT
    project = name_project(config.works_on, id) if wants_project else ""
    return await catalog_launches.request_launch(tools.db, id, [*GIVES_NAMES], project)


async def read_variables(tools: WorkerTools, submission: Submission) -> dict[str, str]:
    """By which a launch, and its jobs, find its files in their catalog: SAM's own names."""
    found = await catalog_launches.find_by_submissions(tools.db, [submission.id])
    if not found or found[0].staging:
        return {}
    (catalog,) = await catalogs.find_by_ids(tools.db, [found[0].catalog_id])
    experiment = submission.runs_with.experiment
    project = {"SAM_PROJECT": found[0].project, "SAM_PROJECT_NAME": found[0].project}
    return {
        "SAM_WEB_BASE_URL": catalog.url,
        "SAM_EXPERIMENT": experiment,
        "SAM_STATION": catalog.settings.get("station", experiment),
        "SAM_GROUP": catalog.settings.get("group", experiment),
        **(project if found[0].project else {}),
    }


async def explain_unknown(tools: WorkerTools, submission: Submission) -> str | None:
    """Why it isn't known yet what became of the files of a submission that is over.

    None: it is known, or no project tells it. Empty: it is being asked.
    """
    if submission.runs_with.consumption is not Consumption.PROJECT:
        return None
    return await catalog_launches.explain_conclusion_wait(tools.db, submission.id)


async def release_staged_files(tools: WorkerTools, submission: Submission) -> None:
    """Have the files of a submission that is over let go that were brought to disk for it."""
    await catalog_launches.request_release(tools.db, submission.id)


async def _take_launch(tools: WorkerTools, full: Sequence[int]) -> CatalogLaunchClaim | None:
    return await catalog_launches.claim(tools.db, tools.lease_s, full)


async def _carry_out(tools: WorkerTools, claim: CatalogLaunchClaim) -> None:
    async def renew(mine: CatalogLaunchClaim) -> CatalogLaunchClaim | None:
        is_ours = await catalog_launches.renew_claim(tools.db, mine, tools.lease_s)
        return mine if is_ours else None

    async with hold_thing(tools, "catalog_launches") as thing:
        thing.name_submission(claim.submission_id)
        name = f"submission {claim.submission_id} in its catalog"
        async with keep_lease(name, claim, renew, tools.lease_s / 3):
            await _ask_catalog(tools, claim)
    await tools.ring()


async def _ask_catalog(tools: WorkerTools, claim: CatalogLaunchClaim) -> None:
    """Do what is next, or note why it can't be done."""
    (catalog,) = await catalogs.find_by_ids(tools.db, [claim.catalog_id])
    try:
        access = await find_access(tools, catalog)
        async with tools.catalogs.open(access) as asked:
            await _take_next_step(tools, claim, catalog, asked)
        await catalogs.note_answer(tools.db, catalog.id)
    except (CatalogUnavailable, CatalogRefused) as error:
        if isinstance(error, CatalogUnavailable | CatalogSignInRefused):
            await catalogs.note_trouble(tools.db, catalog.id, str(error))
        log.warning("submission %s, catalog %s: %s", claim.submission_id, catalog.name, error)
        at = compute_next_try(claim.attempts + 1, await read_time(tools.db))
        await catalog_launches.postpone_launch(tools.db, claim, str(error), at)


async def _take_next_step(
    tools: WorkerTools, claim: CatalogLaunchClaim, catalog: Catalog, asked: ListingCatalog
) -> None:
    is_known = claim.state is not CatalogLaunchState.REQUESTED
    if claim.staging:
        await take_staging_step(tools, claim, catalog, asked)
    elif not claim.is_over and not is_known:
        await _make_known(tools, claim, catalog, asked)
    elif claim.project and is_known:
        follow = _conclude_project if claim.is_over else _follow_project
        await follow(tools, claim, catalog, asked)
    else:
        if claim.project:  # it may have been begun by who was killed then
            await _require_projects(asked).end_project(claim.project)
        await catalog_launches.record_conclusion(tools.db, claim, claim.counts)


async def _make_known(
    tools: WorkerTools, claim: CatalogLaunchClaim, catalog: Catalog, asked: ListingCatalog
) -> None:
    """Give its files their name there, and begin their project."""
    assert isinstance(asked, NamingCatalog)  # noqa: S101 - its kind gives names
    async with wrap_failpoints("catalog.name"):
        if files := await catalog_launches.list_files(tools.db, claim.submission_id):
            await _name_files(tools, claim, asked, files, catalog.name)
        else:
            await _name_what_was_made(tools, claim, asked)
    if claim.project:
        async with wrap_failpoints("catalog.project"):
            await _require_projects(asked).start_project(claim.project, claim.name)
    await catalog_launches.record_ready(tools.db, claim, LOOK)


async def _name_files(
    tools: WorkerTools,
    claim: CatalogLaunchClaim,
    asked: NamingCatalog,
    files: Sequence[tuple[str, str]],
    catalog: str,
) -> None:
    require_one_catalog(files, catalog)
    await asked.name_files(claim.name, [name for name, _ in files])
    if dataset := await catalog_launches.find_dataset(tools.db, claim):
        await asked.name_query(*dataset)


async def _name_what_was_made(
    tools: WorkerTools, claim: CatalogLaunchClaim, asked: NamingCatalog
) -> None:
    """Give what a submission makes the name by which the launch after it looks for it, as POMS does."""
    made = await catalog_launches.find_upstream(tools.db, claim.submission_id)
    if made is None:
        raise CatalogRefused("What it works on is not known any more: its dependency is gone.")
    query = DescentQuery(made.name, made.steps, made.created_at, made.version)
    await asked.name_descendants(claim.name, query, made.patterns)


def _require_projects(asked: ListingCatalog) -> ProjectCatalog:
    assert isinstance(asked, ProjectCatalog)  # noqa: S101 - catalogs that give names have projects
    return asked


async def _follow_project(
    tools: WorkerTools, claim: CatalogLaunchClaim, _catalog: Catalog, asked: ListingCatalog
) -> None:
    """Look how far a project is while its jobs run; what moved is looked at file by file."""
    projects = _require_projects(asked)
    found = await projects.read_project(claim.project)
    if found is None:
        raise CatalogRefused(f"The catalog has no project {claim.project} any more.")
    counts = [found.waiting, found.delivered, found.consumed, found.failed]
    if counts != claim.counts:
        # What failed may be handed out again as long as the project runs.
        await _record_fates(tools, claim, projects, ("delivered", "consumed"))
    await catalog_launches.record_progress(tools.db, claim, LOOK, counts)


async def _conclude_project(
    tools: WorkerTools, claim: CatalogLaunchClaim, catalog: Catalog, asked: ListingCatalog
) -> None:
    """Have a project hand out no more, and write down what became of its files and what was made from them."""
    projects = _require_projects(asked)
    async with wrap_failpoints("catalog.end"):
        await projects.end_project(claim.project)
    counts = await _record_fates(tools, claim, projects, [*FATES])
    async with (
        wrap_failpoints("catalog.left"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        await job_driven_transitions.lock_submissions(conn, [claim.submission_id])
        left = claim.submission_id, NOT_FINISHED, NOT_HANDED_OUT
        await catalog_launches.fail_left_over(conn, *left)
    await _record_descendants(tools, claim, catalog, asked)
    await catalog_launches.record_conclusion(tools.db, claim, counts)


async def _record_fates(
    tools: WorkerTools, claim: CatalogLaunchClaim, projects: ProjectCatalog, states: Sequence[str]
) -> list[int]:
    """Write down what a project says of its files, of those in some states; how many are in each of `FATES`."""
    found = dict.fromkeys(FATES, 0)
    async with aclosing(projects.list_project_files(claim.project)) as batches:
        async for batch in batches:
            for at in range(0, len(batch), TOGETHER):
                some = batch[at : at + TOGETHER]
                for file in some:
                    found[file.state] += 1
                told = {file.name: file.state for file in some if file.state in states}
                await _apply_fates(tools, claim.submission_id, told)
    return [found[state] for state in FATES]


async def _apply_fates(tools: WorkerTools, id: int, told: Mapping[str, str]) -> None:
    inputs = await catalog_launches.find_inputs(tools.db, id, [*told])
    fates = [
        make_fate(id, inputs[name].number, inputs[name].file_id, told[name])
        for name in sorted(inputs)
    ]
    if fates:
        async with (
            wrap_failpoints("catalog.fates"),
            tools.db.acquire() as conn,
            conn.transaction(),
        ):
            await job_driven_transitions.lock_submissions(conn, [id])
            await input_files.apply_fates(conn, fates)


@dataclass(frozen=True, slots=True)
class DescendantPlace:
    """Where a descendant of a submission's inputs belongs: whose job's output it is, and what it was made from."""

    number: int
    above: Generations
    made_from: Sequence[str]
    counts: bool
    """Whether all inputs that it comes from are done."""


Places = dict[str, DescendantPlace]
"""Of the files of one generation, by name."""


async def _record_descendants(
    tools: WorkerTools, claim: CatalogLaunchClaim, catalog: Catalog, asked: ListingCatalog
) -> None:
    """Write down, as outputs, what the catalog knows to be made from the inputs, as deep as outputs are looked for."""
    assert isinstance(asked, DescentCatalog)  # noqa: S101 - catalogs that give names know lineage
    submission = await submissions.find_by_id(tools.db, claim.submission_id)
    assert submission is not None  # noqa: S101 - submissions stay
    above = Places()
    for steps in range(1, submission.output_ancestor_depth + 1):
        below, version = Places(), submission.runs_with.version
        query = DescentQuery(claim.name, steps, submission.created_at, version)
        async with aclosing(asked.list_descendants(query)) as batches:
            async for batch in batches:
                for at in range(0, len(batch), TOGETHER):
                    some = batch[at : at + TOGETHER]
                    placed = await _place_descendants(tools, claim.submission_id, some, above)
                    below |= placed
                    await _locate_outputs(tools, claim.submission_id, catalog.name, some, placed)
        above = below


async def _place_descendants(
    tools: WorkerTools, id: int, some: Sequence[CatalogChild], above: Places
) -> Places:
    parents = sorted({name for child in some for name in child.parents})
    inputs = await catalog_launches.find_inputs(tools.db, id, parents)
    found = {child.name: _place_child(child, inputs, above) for child in some}
    return {name: place for name, place in found.items() if place is not None}


def _place_child(
    child: CatalogChild, inputs: Mapping[str, CatalogLaunchInput], above: Places
) -> DescendantPlace | None:
    """Where it belongs; None: it comes from no input of ours."""
    mine = [inputs[name] for name in child.parents if name in inputs]
    made_from = [name for name in child.parents if name in above and name not in inputs]
    if not mine and not made_from:
        return None
    generations: dict[int, frozenset[int]] = {}
    if mine:
        generations[1] = frozenset(each.file_id for each in mine)
    for name in made_from:
        for step, ids in above[name].above.items():
            generations[step + 1] = generations.get(step + 1, frozenset()) | ids
    return DescendantPlace(
        min([each.number for each in mine] + [above[name].number for name in made_from]),
        generations,
        made_from,
        all(each.is_done for each in mine) and all(above[name].counts for name in made_from),
    )


async def _locate_outputs(
    tools: WorkerTools, id: int, catalog: str, some: Sequence[CatalogChild], placed: Places
) -> None:
    rows = [_build_output(id, child, placed[child.name]) for child in some if child.name in placed]
    if rows:
        keys = [(placed[child.name].number, child.name) for child in some if child.name in placed]
        async with (
            wrap_failpoints("catalog.outputs"),
            tools.db.acquire() as conn,
            conn.transaction(),
        ):
            await output_files.declare_outputs(conn, rows)
            await output_files.locate_outputs(conn, id, keys, catalog)


def _build_output(id: int, child: CatalogChild, place: DescendantPlace) -> dict[str, Any]:
    """As a job's payload would declare it."""
    far = {str(step): sorted(ids) for step, ids in place.above.items() if step > 1}
    return {
        "submission_id": id,
        "number": place.number,
        "attempt": 1,
        "name": child.name,
        "path": child.location or "",
        "size": child.size,
        "checksum": child.checksum or "",
        "events": child.events,
        "parents": sorted(place.above.get(1, ())),
        "made_from": place.made_from,
        "ancestors": far or None,
        "metadata": {},
        "state": "declared" if place.counts else "superseded",
    }
