"""Launch the stages that depend on one whose submission is located."""

from collections.abc import Sequence

from db.files import datasets
from db.launching import joins, late_files
from db.pool import Connection
from db.submissions import output_files, recovery_chain
from db.submissions.recovery_chain import OutgoingDependency
from db.submissions.submissions import Submission
from domain.campaigns.dependencies import match_patterns
from domain.campaigns.stages import TriggerKind
from domain.changes import ServicePart, make_service_actor
from workers.failpoints import wrap_failpoints
from workers.tools import log

PAGE = 5000


async def launch_dependents(
    conn: Connection, origin: Submission, family: Sequence[int]
) -> list[Submission]:
    """Feed the stages after this one, and launch each once for this submission; returns the launches.

    Files that were located after the dependents started are fed too; they go to a later slice.
    """
    made: list[Submission] = []
    async with wrap_failpoints("dependents.fire"):
        first = await recovery_chain.claim_dependents(conn, origin.id)
        for dependency in await recovery_chain.list_outgoing(conn, origin.stage_id):
            if not dependency.is_self_edge:
                await _feed_dependent(conn, dependency, origin, family)
            if first and await _is_due(conn, dependency, origin):
                made += await _launch_dependent(conn, dependency, origin)
    return made


async def _feed_dependent(
    conn: Connection, dependency: OutgoingDependency, origin: Submission, family: Sequence[int]
) -> None:
    target = await recovery_chain.find_fed_dataset(conn, dependency, origin)
    if target is None:
        return
    depth = origin.output_ancestor_depth
    await datasets.lock(conn, target)
    after = 0
    while page := await output_files.list_located(conn, depth, family, after, PAGE):
        after = page[-1][0]
        chosen = [file_id for file_id, name in page if match_patterns(name, dependency.patterns)]
        if chosen:
            await datasets.publish_files(
                conn, target, chosen, make_service_actor(ServicePart.ADVANCE)
            )


async def _is_due(conn: Connection, dependency: OutgoingDependency, origin: Submission) -> bool:
    """Whether the stage is launched now: where it joins, only when this was the last that it waits for.

    What began a loop is not launched again by it.
    """
    if dependency.in_loop and await recovery_chain.is_after_stage(
        conn, origin.id, dependency.downstream_id
    ):
        log.info("submission %s, dependency %s: the loop has gone round", origin.id, dependency.id)
        return False
    if dependency.trigger is TriggerKind.JOIN:
        return await joins.add_arrival(conn, dependency, origin)
    return True


async def _launch_dependent(
    conn: Connection, dependency: OutgoingDependency, origin: Submission
) -> list[Submission]:
    if _is_known_by_name(dependency, origin):
        found = [await late_files.launch_named(conn, dependency, origin)]
    else:
        found = await late_files.launch_slices(conn, dependency, origin)
    if why := found[-1].why:
        log.info("submission %s, dependency %s: %s", origin.id, dependency.id, why)
    return [outcome.submission for outcome in found if outcome.submission]


def _is_known_by_name(dependency: OutgoingDependency, origin: Submission) -> bool:
    """The stage is launched once with a name for what was made, as POMS does: nobody told that, or it isn't fed."""
    if dependency.trigger is not TriggerKind.PER_PARENT or dependency.is_self_edge:
        return False
    return not (dependency.is_fed and origin.runs_with.tells_outputs)
