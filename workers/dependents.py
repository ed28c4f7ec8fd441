"""Launch the stages that depend on one whose submission is located."""

from collections.abc import Sequence

from db import datasets, families, joins, outputs, stragglers
from db.families import Dependency
from db.pool import Connection
from db.submissions import Submission
from domain.dependencies import matches
from domain.stages import TriggerKind
from workers.points import around
from workers.tools import log

PAGE = 5000


async def fire(conn: Connection, origin: Submission, family: Sequence[int]) -> list[Submission]:
    """Feed the stages after this one, and launch each once for this submission; returns the launches.

    Files that were located after the dependents started are fed too; they go to a later slice.
    """
    made: list[Submission] = []
    async with around("dependents.fire"):
        first = await families.fire(conn, origin.id)
        for dependency in await families.outgoing(conn, origin.stage_id):
            if not dependency.is_self_edge:
                await _feed(conn, dependency, origin, family)
            if first and await _due(conn, dependency, origin):
                made += await _launch(conn, dependency, origin)
    return made


async def _feed(
    conn: Connection, dependency: Dependency, origin: Submission, family: Sequence[int]
) -> None:
    target = dependency.dataset_id
    if origin.is_test:
        target = await families.test_dataset(conn, dependency)
    if target is None:
        return
    depth = origin.output_ancestor_depth
    await datasets.lock(conn, target)
    after = 0
    while page := await outputs.located_files(conn, depth, family, after, PAGE):
        after = page[-1][0]
        chosen = [file_id for file_id, name in page if matches(name, dependency.patterns)]
        if chosen:
            await datasets.publish(conn, target, chosen)


async def _due(conn: Connection, dependency: Dependency, origin: Submission) -> bool:
    """Whether the stage is launched now: where it joins, only when this was the last that it waits for."""
    if dependency.trigger is TriggerKind.JOIN:
        return await joins.arrive(conn, dependency, origin)
    return True


async def _launch(conn: Connection, dependency: Dependency, origin: Submission) -> list[Submission]:
    found = await stragglers.launch(conn, dependency, origin)
    if why := found[-1].why:
        log.info("submission %s, dependency %s: %s", origin.id, dependency.id, why)
    return [outcome.submission for outcome in found if outcome.submission]
