"""Carry a submission to its batch system: exactly once, whatever dies when.

Submit inert, adopt, open: jobs that were never adopted never run. Whoever takes over from a launcher that
died looks for the attempt's mark, and only proof of absence makes the submission a new one again.
"""

from collections.abc import Coroutine
from contextlib import suppress
from time import monotonic, perf_counter
from typing import Any

import metrics
from batch import (
    BatchForgot,
    BatchRefused,
    BatchSystem,
    BatchUnavailable,
    ClusterRef,
    MarkAbsent,
    MarkFound,
)
from db.batch import admission
from db.launching import adoptions, launches
from db.launching.adoptions import IdTaken
from db.launching.launches import LaunchAttempt
from db.outages import find_outage
from db.setup import batch_allowances
from db.setup import credentials as credential_rows
from db.submissions import job_driven_transitions
from db.submissions.submissions import Submission
from domain.batch.admission import explain_wait
from domain.changes import ServicePart, make_service_actor
from domain.launching.launches import LaunchState, begin_again_s
from domain.setup.batch_rules import BatchAllowance
from domain.submissions.submissions import SubmissionState
from lanes import LaneUnavailable
from workers import installation, orders, scripts
from workers.failpoints import wrap_failpoints
from workers.folders import list_experiment_folders
from workers.launch_waits import explain_wait_before_launch, is_under_way
from workers.leases import LaunchLease
from workers.outcomes import (
    LaunchAnew,
    LaunchLost,
    LaunchUndecided,
    NothingSubmitted,
    NotToldYet,
    require_ours,
)
from workers.setbacks import ThingInHand, hold_thing
from workers.tools import SCRIPT_LEASE_S, WorkerTools, log

WAIT_S = 10.0
"""How long until a launch that has to wait is looked at again."""
UNCERTAIN_S = 10.0
"""How long until an uncertain launch is looked at again."""
UNDECIDED_S = 60.0
"""The same of one about which somebody has to decide."""


async def launch_submission(tools: WorkerTools, submission_id: int) -> None:
    """Take a submission and launch it, or go on where another launcher stopped. Safe to run twice.

    Raises nothing that is the matter of this submission alone: that is set aside.
    """
    if await _is_anothers(tools, submission_id):
        return
    async with hold_thing(tools, "launch") as thing:
        thing.name_submission(submission_id)
        await _launch_claimed(tools, submission_id, thing)


async def _is_anothers(tools: WorkerTools, submission_id: int) -> bool:
    """Whether what carries its mark may be another installation's; a spool that can't be used is said later."""
    with suppress(OSError, LaneUnavailable):
        await installation.check_installation(tools)
    return bool(tools.guard.doubt) and await is_under_way(tools, submission_id)


async def _launch_claimed(tools: WorkerTools, submission_id: int, thing: ThingInHand) -> None:
    submission, since = None, monotonic()
    why = await explain_wait_before_launch(tools, submission_id)
    if why is None:
        async with wrap_failpoints("launch.claim"):
            submission, why = await _claim_submission(tools, submission_id)
    if why is not None:
        async with wrap_failpoints("launch.wait"):
            told = await launches.postpone_launch(tools.db, submission_id, why, WAIT_S)
        if told:
            await tools.ring()
    if submission is None:
        return
    going_on = _continue_launch(tools, submission, LaunchLease(tools, submission, since))
    if submission.runs_with.runs_script:
        thing.hand_over()
        tools.background.start(_continue_in_background(tools, submission.id, going_on))
    else:
        await going_on


async def _continue_in_background(
    tools: WorkerTools, submission_id: int, going_on: Coroutine[Any, Any, None]
) -> None:
    async with hold_thing(tools, "launch") as thing:
        thing.name_submission(submission_id)
        await going_on


async def _continue_launch(tools: WorkerTools, submission: Submission, lease: LaunchLease) -> None:
    """Bring a submission that is ours as far as it goes."""
    began = perf_counter()
    outcome = await _run_claimed_launch(tools, submission, lease)
    metrics.count_launch(submission.batch_system, outcome, began)
    await tools.ring()


async def _claim_submission(
    tools: WorkerTools, submission_id: int
) -> tuple[Submission | None, str | None]:
    """Take a submission, or None with what keeps it from its batch system, or because somebody has it."""
    under_way = await is_under_way(tools, submission_id)
    async with tools.db.acquire() as conn, conn.transaction():
        gate = None if under_way else await admission.lock_admission(conn, submission_id)
        if gate and (why := explain_wait(gate, tools.rate)):
            return None, why
        leases = tools.launch_lease_s, SCRIPT_LEASE_S
        submission = await launches.claim_submission(conn, submission_id, tools.holder, *leases)
        if gate and submission:
            await admission.enter_launch(conn, gate.name, tools.rate.apart)
    return submission, None


async def _run_claimed_launch(
    tools: WorkerTools, submission: Submission, lease: LaunchLease
) -> str:
    """How far a launch came, in a word."""
    try:
        async with lease.keep_renewed():
            await _carry_launch(tools, submission, lease)
    except LaunchLost:
        log.info("submission %s is launched by somebody else", submission.id)
        return "lost"
    except BatchRefused as e:
        await _fail_launch(tools, submission, f"Refused by {submission.batch_system}: {e}")
        return "refused"
    except NothingSubmitted as e:
        await _fail_launch(tools, submission, str(e))
        return "failed"
    except LaunchAnew as e:
        why = f"{e} Before that: {submission.reason}" if submission.reason else str(e)
        again_s = begin_again_s(submission.launch_attempt)
        await _conclude_launch(tools, submission, SubmissionState.NEW, why, again_s)
        return "absent"
    except (NotToldYet, BatchUnavailable, OSError, LaneUnavailable) as e:
        return await _postpone_launch(tools, submission, e)
    async with wrap_failpoints("launch.well"):
        await admission.record_success(tools.db, submission.batch_system)
    return "launched"


async def _postpone_launch(tools: WorkerTools, submission: Submission, error: Exception) -> str:
    """Let a launch wait for what is not its own fault, and say what that is."""
    if isinstance(error, OSError | LaneUnavailable):
        return await _put_back(tools, submission, error)
    if isinstance(error, BatchUnavailable):
        await _record_fault(tools, submission, str(error))
    again_s = UNDECIDED_S if isinstance(error, LaunchUndecided) else UNCERTAIN_S
    await _conclude_launch(tools, submission, SubmissionState.UNCERTAIN, str(error), again_s)
    return "uncertain"


async def _record_fault(tools: WorkerTools, submission: Submission, said: str) -> None:
    row = await credential_rows.find_by_submission(tools.db, submission.id)
    async with wrap_failpoints("launch.fault"):
        await admission.record_fault(
            tools.db, submission.batch_system, said, own_credential=row is not None
        )


async def _put_back(tools: WorkerTools, submission: Submission, error: Exception) -> str:
    """Our own disk is full or away: the launch waits for that, and nobody else does."""
    if find_outage(error):
        raise error  # the database is away: nothing can be put anywhere
    under_way = await is_under_way(tools, submission.id)
    state = SubmissionState.UNCERTAIN if under_way else SubmissionState.NEW
    log.warning("submission %s: %s", submission.id, error)
    why = f"It waits: the spool can't be used: {getattr(error, 'strerror', None) or error}."
    await _conclude_launch(tools, submission, state, why, WAIT_S)
    return "uncertain" if under_way else "put_back"


async def _carry_launch(tools: WorkerTools, submission: Submission, lease: LaunchLease) -> None:
    system = tools.systems.get(submission.batch_system)
    if system is None:
        raise BatchRefused("there is no such batch system here")
    attempt = await launches.find_current_attempt(tools.db, submission.id)
    if submission.runs_with.runs_script:
        await scripts.carry_script_launch(tools, submission, attempt, lease)
        return
    if attempt is not None and attempt.state is LaunchState.SENT:
        attempt = await _find_mark(tools, system, attempt)
    if attempt is None or attempt.state is LaunchState.ABANDONED:
        attempt = await orders.begin_attempt(tools, submission)
    if attempt.state is LaunchState.INTENDED:
        attempt = await _submit_attempt(tools, system, submission, attempt)
    if attempt.state is LaunchState.ACKNOWLEDGED:
        await _open_gate(tools, system, attempt)
    await _conclude_launch(tools, submission, SubmissionState.IDLE)


async def _find_mark(
    tools: WorkerTools, system: BatchSystem, attempt: LaunchAttempt
) -> LaunchAttempt:
    """Somebody was about to submit: what the batch system knows of the mark decides."""
    sighting = await system.find(attempt.mark)
    if isinstance(sighting, MarkFound):
        return await _adopt_cluster(tools, attempt, sighting.native_ids[0], "found by its mark")
    if not isinstance(sighting, MarkAbsent):
        raise NotToldYet(f"It can't be told whether the jobs were submitted: {sighting.why}")
    raise await _abandon_attempt(tools, attempt, sighting.proof)


async def _abandon_attempt(
    tools: WorkerTools, attempt: LaunchAttempt, proof: str
) -> LaunchAnew | LaunchLost:
    async with wrap_failpoints("launch.abandon"):
        abandoned = await adoptions.abandon_attempt(tools.db, attempt, tools.holder, proof)
    said = f"Nothing is there that could run: {proof}. Once more."
    await launches.append_log(tools.db, attempt, said)
    return LaunchAnew(said) if abandoned else LaunchLost()


async def _submit_attempt(
    tools: WorkerTools, system: BatchSystem, submission: Submission, attempt: LaunchAttempt
) -> LaunchAttempt:
    attempt, directory, credential = await orders.prepare_attempt(tools, submission, attempt)
    folders = await list_experiment_folders(tools, submission.experiment_id)
    allowances = await batch_allowances.find_by_system(tools.db, submission.experiment_id)
    allowance = allowances.get(submission.batch_system, BatchAllowance())
    order = orders.build_launch(
        submission, attempt, directory, credential, folders, allowance, tools.store
    )
    async with wrap_failpoints("launch.submit"):
        native_id = await system.submit(order)
    said = f"{submission.jobs} jobs submitted to {system.name} as cluster {native_id}, closed."
    return await _adopt_cluster(tools, attempt, native_id, said)


async def _adopt_cluster(
    tools: WorkerTools, attempt: LaunchAttempt, native_id: str, said: str
) -> LaunchAttempt:
    try:
        async with wrap_failpoints("launch.adopt"):
            adopted = await adoptions.adopt_cluster(
                tools.db, attempt, tools.holder, native_id, said
            )
    except IdTaken as owner:
        system = attempt.batch_system
        raise NotToldYet(
            f"{system} calls its jobs {native_id}, as it called those of {owner}, which it has lost: this"
            " goes on when that has ended (see the discrepancies)"
        ) from owner
    await launches.append_log(tools.db, attempt, said)
    return require_ours(adopted)


async def _open_gate(tools: WorkerTools, system: BatchSystem, attempt: LaunchAttempt) -> None:
    assert attempt.native_id is not None  # noqa: S101 - an acknowledged attempt has one
    try:
        async with wrap_failpoints("launch.open"):
            await system.open(ClusterRef(attempt.native_id, attempt.mark))
    except BatchForgot as lost:
        raise await _abandon_attempt(tools, attempt, str(lost)) from lost
    async with wrap_failpoints("launch.opened"):
        await launches.advance_attempt(
            tools.db, attempt, tools.holder, [LaunchState.ACKNOWLEDGED], LaunchState.OPENED
        )
    await launches.append_log(
        tools.db, attempt, f"Cluster {attempt.native_id} is open: its jobs may run."
    )


async def _conclude_launch(
    tools: WorkerTools,
    submission: Submission,
    state: SubmissionState,
    reason: str = "",
    retry_s: float = 0,
) -> None:
    async with wrap_failpoints("launch.conclude"):
        await launches.conclude_launch(
            tools.db, submission.id, tools.holder, state, reason, retry_s
        )


async def _fail_launch(tools: WorkerTools, submission: Submission, reason: str) -> None:
    """Give up: nothing was submitted, and nothing will be."""
    log.warning("submission %s: %s", submission.id, reason)
    async with wrap_failpoints("launch.fail"), tools.db.acquire() as conn, conn.transaction():
        await job_driven_transitions.discard_launch(
            conn, submission.id, [SubmissionState.SUBMITTING, SubmissionState.UNCERTAIN],
            SubmissionState.LAUNCH_FAILED, make_service_actor(ServicePart.LAUNCH, reason), tools.holder,
        )  # fmt: skip
