"""What follows when a submission's jobs are over: outputs are looked at, then recovery or dependents."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial

from catalogs import CatalogUnavailable, ClaimedFile, ClaimProblem, ConfirmedFile
from db.clock import read_time
from db.pool import Connection
from db.submissions import completion, decisions, output_files, recovery_chain
from db.submissions import submissions as rows
from db.submissions.submissions import Submission
from domain.campaigns.stages import Completion
from domain.changes import ServicePart, make_service_actor
from domain.recovery.advances import (
    FamilyMember,
    has_failed_done,
    is_compensated,
    look_again_s,
    may_become_located,
    may_fire,
)
from domain.submissions.completion import (
    OUTPUTS_UNKNOWN,
    CompletionTally,
    OutputSource,
    choose_output_source,
    is_located,
)
from domain.submissions.file_states import OUTPUTS_QUESTION, describe_refusal
from domain.submissions.submissions import SubmissionState
from workers import catalog_launches, dependents, recover
from workers.dispatch import Dispatcher, TaskPool
from workers.failpoints import wrap_failpoints
from workers.folders import list_experiment_folders
from workers.halves import commit_by_halves
from workers.late_clusters import find_reason_to_wait
from workers.leases import keep_lease
from workers.output_catalogs import InspectedOutput, OutputCatalogs, OutputsNotDeclared
from workers.setbacks import hold_thing
from workers.tools import WorkerTools, log

COMPLETED = frozenset({SubmissionState.COMPLETED, SubmissionState.LOCATED})
HOLD_S = 10.0
"""How long until a submission is looked at again whose recovery and dependents wait."""
WAIT_PREFIX = "Recovery and dependents: "
"""How that begins which is asked meanwhile."""
LOOK = 200
"""Outputs looked at together."""
OF_EACH, MOST = 4, 16
"""Submissions advanced at once for each experiment, and for all."""
UNKNOWN_S = 5.0
"""How long until one is looked at again whose catalog is being asked what became of its files."""
UNAVAILABLE_S = 30.0
"""How long until outputs are looked at again where the catalog did not answer."""


def make_dispatcher() -> Dispatcher[Submission, int]:
    """Hand submissions out by their experiments: the large files of one don't keep the others'."""
    pool = TaskPool[int]("advance", OF_EACH, MOST)
    return Dispatcher(
        pool, _claim_advance, _advance_submission, lambda submission: submission.experiment_id
    )


async def _claim_advance(tools: WorkerTools, full: Sequence[int]) -> Submission | None:
    async with wrap_failpoints("advance.take"):
        return await recovery_chain.claim(tools.db, tools.lease_s, full)


async def _advance_submission(tools: WorkerTools, submission: Submission) -> None:
    async with hold_thing(tools, "advance") as thing:
        thing.name_submission(submission.id)
        thing.let_go = partial(recovery_chain.look_again, tools.db, submission.id)
        await catalog_launches.release_staged_files(tools, submission)
        if await _look_and_keep(tools, submission):
            await _follow_up(tools, submission)


async def _look_and_keep(tools: WorkerTools, submission: Submission) -> bool:
    """Look at what it made while it is ours; False where the files can't be looked at: nothing is concluded."""
    assert submission.check_at is not None  # noqa: S101 - it was just set
    id, ours = submission.id, submission.check_at
    unknown = await catalog_launches.explain_unknown(tools, submission)
    if unknown is not None:
        await _wait_for_catalog(tools, submission, unknown)
        return False

    async def renew(until: datetime) -> datetime | None:
        nonlocal ours
        renewed = await recovery_chain.put_off(tools.db, id, until, tools.lease_s)
        ours = renewed or ours
        return renewed

    try:
        async with keep_lease(f"submission {id}", ours, renew, tools.lease_s / 3):
            await inspect_outputs(tools, submission)
    except CatalogUnavailable as e:
        log.warning("submission %s is looked at later: %s", id, e)
        await recovery_chain.put_off(tools.db, id, ours, UNAVAILABLE_S)
        return False
    except OutputsNotDeclared as e:
        await _postpone_follow_up(tools, submission, str(e), UNAVAILABLE_S)
        return False
    return True


async def _postpone_follow_up(
    tools: WorkerTools, submission: Submission, why: str, seconds: float = HOLD_S
) -> None:
    """Look again later, and say why nothing follows meanwhile."""
    async with wrap_failpoints("script.hold"), tools.db.acquire() as conn, conn.transaction():
        await recovery_chain.postpone_advance(conn, submission, f"{WAIT_PREFIX}{why}", seconds)


async def _wait_for_catalog(tools: WorkerTools, submission: Submission, trouble: str) -> None:
    """Look again when its project has told what became of its files; where that is in trouble, say so."""
    if trouble:
        why = f"its project can't be asked what became of its files: {trouble}"
        await _postpone_follow_up(tools, submission, why)
        return
    assert submission.check_at is not None  # noqa: S101 - it was just set
    await recovery_chain.put_off(tools.db, submission.id, submission.check_at, UNKNOWN_S)


async def _follow_up(tools: WorkerTools, submission: Submission) -> None:
    """Do what follows of what was found."""
    if why := await find_reason_to_wait(tools, submission.family):
        await _postpone_follow_up(tools, submission, why)
        return
    async with (
        wrap_failpoints("advance.settle"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        made = await settle_submission(conn, submission)
    await tools.tell(made)


async def inspect_outputs(tools: WorkerTools, submission: Submission) -> None:
    """Look at every output that a job declared: the file itself decides whether it is located.

    Catalogs outside that are told of outputs have a say, too: they know it before it counts as located. What was made
    from others comes after these.
    """
    folders = await list_experiment_folders(tools, submission.experiment_id)
    async with AsyncExitStack() as stack:
        outside = await OutputCatalogs.find(tools, submission, stack)
        for depth in await output_files.list_declared_depths(tools.db, submission.id):
            after = (0, "")
            while found := await output_files.list_declared(
                tools.db, submission.id, after, LOOK, depth
            ):
                after = found[-1].number, found[-1].name
                claimed = [ClaimedFile(o.path, o.size, o.checksum) for o in found]
                said = await tools.catalog.confirm(claimed, folders)
                inspected = await outside.declare([*zip(found, said, strict=True)])
                await _record_inspections(tools, submission.id, inspected)


async def _record_inspections(
    tools: WorkerTools, id: int, inspected: Sequence[InspectedOutput]
) -> None:
    """Write down what was found; an output that the catalog can't take is missing, with the database's words."""

    async def commit(those: Sequence[InspectedOutput]) -> None:
        async with wrap_failpoints("advance.look"), tools.db.acquire() as conn, conn.transaction():
            await _record_inspection(conn, id, those)

    async def refused(one: InspectedOutput, why: str) -> None:
        problem = ClaimProblem(f"It can't be catalogued: {why}", needs_decision=True)
        await commit([(one[0], problem)])

    await commit_by_halves(inspected, commit, refused)


async def _record_inspection(
    conn: Connection, id: int, inspected: Sequence[InspectedOutput]
) -> None:
    good = [output for output, found in inspected if isinstance(found, ConfirmedFile)]
    bad = [(output, found) for output, found in inspected if isinstance(found, ClaimProblem)]
    if good and await output_files.locate_outputs(
        conn, id, [(o.number, o.name) for o in good]
    ) < len(good):
        found = await output_files.list_conflicts(conn, id, good)
        await output_files.refuse_outputs(
            conn, id, [(c, describe_refusal(c.maker_id, c.maker_number)) for c in found]
        )
    for ask in (True, False):
        missed = [
            (output, problem.text) for output, problem in bad if problem.needs_decision is ask
        ]
        await output_files.record_missing(conn, id, missed, ask=ask)


async def settle_submission(conn: Connection, submission: Submission) -> list[Submission]:
    """Decide and do, in one transaction, what follows for a submission and its family; what it launched."""
    family = await recovery_chain.lock_members(conn, submission.family)
    origin = await _locate_member(conn, family[0], family)
    family = [origin, *[await _locate_member(conn, m, [origin, *family[1:]]) for m in family[1:]]]
    now = next(member for member in family if member.id == submission.id)
    if origin.decision_needed.startswith(WAIT_PREFIX):
        await decisions.ask_person(
            conn, origin.id, _open_question(origin), make_service_actor(ServicePart.ADVANCE)
        )
    recovery = (
        await recover.launch_next_recovery(conn, now, family) if now.advanced_at is None else None
    )
    await _schedule_next_look(conn, now)
    if recovery is not None:
        return [recovery]
    members = [
        replace(_describe_member(m), advanced=m.advanced_at is not None or m.id == now.id)
        for m in family
    ]
    if may_fire(members[0], members):
        return await dependents.launch_dependents(conn, origin, [m.id for m in family])
    return []


def _open_question(submission: Submission) -> str:
    """What is asked of its outputs, besides what was asked while it waited."""
    faults = submission.reason and (submission.outputs_refused or submission.outputs_declared)
    return OUTPUTS_QUESTION if faults and submission.state is not SubmissionState.LOCATED else ""


def _describe_member(submission: Submission) -> FamilyMember:
    """What the pure rules ask of a submission."""
    return FamilyMember(
        submission.state,
        advanced=submission.advanced_at is not None,
        is_recovery=submission.origin_id is not None,
        missing=submission.outputs_declared,
        left=submission.files - submission.files_done,
    )


async def _schedule_next_look(conn: Connection, submission: Submission) -> None:
    """Note that recovery has been decided, and look again while outputs are missing."""
    again_s = None
    if submission.outputs_declared > 0 or _may_get_more(submission):
        ended = submission.ended_at or submission.created_at
        again_s = look_again_s((await read_time(conn) - ended).total_seconds())
    await recovery_chain.mark_advanced(conn, submission.id, advanced=True, check_in_s=again_s)


def _may_get_more(submission: Submission) -> bool:
    """Whether its catalog may come to know of more that was made from its files."""
    is_told = choose_output_source(submission.runs_with.consumption) is OutputSource.CATALOG
    return is_told and submission.state in (SubmissionState.COMPLETED, SubmissionState.FAILED)


async def _locate_member(
    conn: Connection, member: Submission, family: Sequence[Submission]
) -> Submission:
    """Move a member to located where its outputs (an origin's: its family's) suffice."""
    described = [_describe_member(m) for m in family]
    if not may_become_located(_describe_member(member), described):
        return member
    needs_all = has_failed_done(_describe_member(member), described)
    tally = await _tally_outputs(conn, member, family, needs_all=needs_all)
    if not is_located(tally) and not is_compensated(
        _describe_member(member), _describe_member(family[0])
    ):
        return member
    reason = _explain_location(member, tally)
    moved = await rows.move_state(conn, member.id, [member.state], SubmissionState.LOCATED, reason)
    if moved and moved.decision_needed == OUTPUTS_QUESTION:
        await decisions.ask_person(conn, member.id, "", make_service_actor(ServicePart.ADVANCE))
    return moved or member


def _explain_location(member: Submission, tally: CompletionTally) -> str:
    if not tally.tells_outputs and tally.completion is Completion.LOCATED:
        return OUTPUTS_UNKNOWN
    # Outputs that were refused are no less so since the others suffice.
    return member.reason if member.outputs_refused else ""


async def _tally_outputs(
    conn: Connection, member: Submission, family: Sequence[Submission], *, needs_all: bool
) -> CompletionTally:
    config = member.runs_with
    counted = family if member.origin_id is None else [member]
    found = await completion.count_results(conn, await completion.find_wanted(conn, member, family))
    return CompletionTally(
        completion=config.completion,
        percentage=100 if needs_all else config.completion_pct,
        wanted=found.wanted,
        located=found.complete,
        is_recovery=member.origin_id is not None,
        completed=any(m.state in COMPLETED for m in counted),
        tells_outputs=config.tells_outputs,
    )
