"""Carry a submission to its batch system: exactly once, whatever dies when.

Submit inert, adopt, open: jobs that were never adopted never run. Whoever takes over from a launcher that
died looks for the attempt's mark, and only proof of absence makes the submission a new one again.
"""

from time import monotonic, perf_counter

import metrics
from batch import (
    Absent,
    BatchForgot,
    BatchRefused,
    BatchSystem,
    BatchUnavailable,
    Found,
)
from batch.directory import OrderChanged
from db import adoptions, endings, gates, launches, submissions
from db.adoptions import IdTaken
from db.launches import LaunchAttempt
from db.submissions import Submission
from domain.configuration import runs_script
from domain.gates import why_wait
from domain.launches import LaunchState
from domain.submissions import SubmissionState
from workers import credentials, memory, orders, scripts
from workers.leases import Lease
from workers.outcomes import Anew, Lost, NothingSubmitted, NotToldYet, Undecided, ours
from workers.points import around
from workers.tools import SCRIPT_LEASE_S, Tools, log

WAIT_S = 10.0
"""How long until a launch that has to wait is looked at again."""
UNCERTAIN_S = 10.0
"""How long until an uncertain launch is looked at again."""
UNDECIDED_S = 60.0
"""The same of one about which somebody has to decide."""
UNDER_WAY = {LaunchState.SENT, LaunchState.ACKNOWLEDGED, LaunchState.OPENED, LaunchState.SEEN}


async def launch(tools: Tools, submission_id: int) -> None:
    """Take a submission and launch it, or go on where another launcher stopped. Safe to run twice."""
    submission, since = None, monotonic()
    why = await _why_wait(tools, submission_id)
    if why is None:
        async with around("launch.claim"):
            submission, why = await _claim(tools, submission_id)
    if why is not None:
        async with around("launch.wait"):
            told = await launches.wait(tools.db, submission_id, why, WAIT_S)
        if told:
            await tools.ring()
    if submission is None:
        return
    going_on = _go_on(tools, submission, Lease(tools, submission, since))
    if runs_script(submission.configuration):
        tools.beside.start(going_on)
    else:
        await going_on


async def _go_on(tools: Tools, submission: Submission, lease: Lease) -> None:
    """Bring a submission that is ours as far as it goes."""
    began = perf_counter()
    outcome = await _outcome(tools, submission, lease)
    metrics.launched(submission.batch_system, outcome, began)
    await tools.ring()


async def _why_wait(tools: Tools, submission_id: int) -> str | None:
    """What has to come first, if anything: it is a new submission as long, and shows it."""
    why = await memory.held_back(tools)
    if why is not None and not await _is_under_way(tools, submission_id):
        return f"It waits: {why}."
    submission = await submissions.by_id(tools.db, submission_id)
    if submission is None or submission.state is not SubmissionState.NEW:
        return None
    if runs_script(submission.configuration) and not tools.beside.has_room:
        return "It waits: as many launch scripts run here as may."
    return await credentials.why(tools, submission)


async def _claim(tools: Tools, submission_id: int) -> tuple[Submission | None, str | None]:
    """Take a submission, or None with what keeps it from its batch system, or because somebody has it."""
    is_under_way = await _is_under_way(tools, submission_id)
    async with tools.db.acquire() as conn, conn.transaction():
        gate = None if is_under_way else await gates.lock(conn, submission_id)
        if gate and (why := why_wait(gate, tools.rate)):
            return None, why
        leases = tools.launch_lease_s, SCRIPT_LEASE_S
        submission = await launches.claim(conn, submission_id, tools.holder, *leases)
        if gate and submission:
            await gates.enter(conn, gate.name, tools.rate.apart)
    return submission, None


async def _outcome(tools: Tools, submission: Submission, lease: Lease) -> str:
    """How far a launch came, in a word."""
    try:
        async with lease.kept():
            await _carry(tools, submission, lease)
    except Lost:
        log.info("submission %s is launched by somebody else", submission.id)
        return "lost"
    except BatchRefused as e:
        await _fail(tools, submission, f"Refused by {submission.batch_system}: {e}")
        return "refused"
    except (OrderChanged, NothingSubmitted) as e:
        await _fail(tools, submission, str(e))
        return "failed"
    except Anew as e:
        await _conclude(tools, submission, SubmissionState.NEW, str(e))
        return "absent"
    except NotToldYet as e:
        again_s = UNDECIDED_S if isinstance(e, Undecided) else UNCERTAIN_S
        await _conclude(tools, submission, SubmissionState.UNCERTAIN, str(e), again_s)
        return "uncertain"
    except BatchUnavailable as e:
        async with around("launch.fault"):
            await gates.fault(tools.db, submission.batch_system, str(e))
        await _conclude(tools, submission, SubmissionState.UNCERTAIN, str(e), UNCERTAIN_S)
        return "uncertain"
    async with around("launch.well"):
        await gates.well(tools.db, submission.batch_system)
    return "launched"


async def _is_under_way(tools: Tools, submission_id: int) -> bool:
    """Whether jobs may be there already, to be found and adopted."""
    attempt = await launches.current(tools.db, submission_id)
    return attempt is not None and attempt.state in UNDER_WAY


async def _carry(tools: Tools, submission: Submission, lease: Lease) -> None:
    system = tools.systems.get(submission.batch_system)
    if system is None:
        raise BatchRefused("there is no such batch system here")
    attempt = await launches.current(tools.db, submission.id)
    if runs_script(submission.configuration):
        await scripts.carry(tools, submission, attempt, lease)
        return
    if attempt is not None and attempt.state is LaunchState.SENT:
        attempt = await _find(tools, system, attempt)
    if attempt is None or attempt.state is LaunchState.ABANDONED:
        attempt = await orders.intend(tools, submission)
    if attempt.state is LaunchState.INTENDED:
        attempt = await _submit(tools, system, submission, attempt)
    if attempt.state is LaunchState.ACKNOWLEDGED:
        await _open(tools, system, attempt)
    await _conclude(tools, submission, SubmissionState.IDLE)


async def _find(tools: Tools, system: BatchSystem, attempt: LaunchAttempt) -> LaunchAttempt:
    """Somebody was about to submit: what the batch system knows of the mark decides."""
    sighting = await system.find(attempt.mark)
    if isinstance(sighting, Found):
        return await _adopt(tools, attempt, sighting.native_ids[0], "found by its mark")
    if not isinstance(sighting, Absent):
        raise NotToldYet(f"It can't be told whether the jobs were submitted: {sighting.why}")
    raise await _abandon(tools, attempt, sighting.proof)


async def _abandon(tools: Tools, attempt: LaunchAttempt, proof: str) -> Anew | Lost:
    async with around("launch.abandon"):
        abandoned = await adoptions.abandon(tools.db, attempt, tools.holder, proof)
    said = f"Nothing is there that could run: {proof}. Once more."
    await launches.say(tools.db, attempt, said)
    return Anew(said) if abandoned else Lost()


async def _submit(
    tools: Tools, system: BatchSystem, submission: Submission, attempt: LaunchAttempt
) -> LaunchAttempt:
    attempt, directory, credential = await orders.ready(tools, submission, attempt)
    order = orders.launch(submission, attempt, directory, credential)
    async with around("launch.submit"):
        native_id = await system.submit(order)
    said = f"{submission.jobs} jobs submitted to {system.name} as cluster {native_id}, closed."
    return await _adopt(tools, attempt, native_id, said)


async def _adopt(tools: Tools, attempt: LaunchAttempt, native_id: str, said: str) -> LaunchAttempt:
    try:
        async with around("launch.adopt"):
            adopted = await adoptions.adopt(tools.db, attempt, tools.holder, native_id, said)
    except IdTaken as owner:
        system = attempt.batch_system
        raise NotToldYet(
            f"{system} calls its jobs {native_id}, as it called those of {owner}, which it has lost: this"
            " goes on when that has ended (see the discrepancies)"
        ) from owner
    await launches.say(tools.db, attempt, said)
    return ours(adopted)


async def _open(tools: Tools, system: BatchSystem, attempt: LaunchAttempt) -> None:
    assert attempt.native_id is not None  # noqa: S101 - an acknowledged attempt has one
    try:
        async with around("launch.open"):
            await system.open(attempt.native_id)
    except BatchForgot as lost:
        raise await _abandon(tools, attempt, str(lost)) from lost
    async with around("launch.opened"):
        await launches.step(
            tools.db, attempt, tools.holder, [LaunchState.ACKNOWLEDGED], LaunchState.OPENED
        )
    await launches.say(tools.db, attempt, f"Cluster {attempt.native_id} is open: its jobs may run.")


async def _conclude(
    tools: Tools,
    submission: Submission,
    state: SubmissionState,
    reason: str = "",
    retry_s: float = 0,
) -> None:
    async with around("launch.conclude"):
        await launches.conclude(tools.db, submission.id, tools.holder, state, reason, retry_s)


async def _fail(tools: Tools, submission: Submission, reason: str) -> None:
    """Give up: nothing was submitted, and nothing will be."""
    log.warning("submission %s: %s", submission.id, reason)
    async with around("launch.fail"), tools.db.acquire() as conn, conn.transaction():
        await endings.discard(
            conn, submission.id, [SubmissionState.SUBMITTING, SubmissionState.UNCERTAIN],
            SubmissionState.LAUNCH_FAILED, reason, tools.holder,
        )  # fmt: skip
