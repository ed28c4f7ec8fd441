"""What a launch waits for before it is carried to its batch system, and why, which it shows as long."""

from socket import gethostname

from db.disks import explain_unwritable
from db.launching import launches
from db.outages import find_outage
from db.setup import setup_uses
from db.submissions import submissions
from db.submissions.submissions import Submission
from domain.launching.launches import LaunchState
from domain.submissions.submissions import SubmissionState
from lanes import LaneUnavailable
from workers import catalog_launches, credentials, installation, late_clusters, orders, scripts
from workers.tools import WorkerTools

UNDER_WAY = {LaunchState.SENT, LaunchState.ACKNOWLEDGED, LaunchState.OPENED, LaunchState.CONFIRMED}


async def is_under_way(tools: WorkerTools, submission_id: int) -> bool:
    """Whether jobs may be there already, to be found and adopted."""
    attempt = await launches.find_current_attempt(tools.db, submission_id)
    return attempt is not None and attempt.state in UNDER_WAY


async def explain_wait_before_launch(tools: WorkerTools, submission_id: int) -> str | None:
    """What has to come first, if anything: it is a new submission as long, and shows it."""
    submission = await submissions.find_by_id(tools.db, submission_id)
    if submission is None:
        return None
    why = await _explain_hold(tools, submission.batch_system)
    if why is not None and not await is_under_way(tools, submission_id):
        return f"It waits: {why}."
    if submission.state is not SubmissionState.NEW:
        return None
    if submission.origin_id and (
        why := await late_clusters.find_reason_to_wait(tools, submission.family)
    ):
        return why
    if submission.runs_with.runs_script and not tools.background.has_room:
        return "It waits: as many launch scripts run here as may."
    return (
        await _explain_setup_refusal(tools, submission)
        or await credentials.explain_missing_credential(tools, submission)
        or await catalog_launches.explain_launch_wait(tools, submission)
    )


async def _explain_setup_refusal(tools: WorkerTools, submission: Submission) -> str | None:
    """Why it may not use what it is launched with, as things are now, whoever has launched it."""
    login = submission.runs_with.login
    account = login.account if login else None
    if why := await setup_uses.explain_stage_refusal(tools.db, submission.stage_id, account):
        return f"It waits: {why}"
    if why := await orders.explain_order_wait(tools, submission):
        return why
    return (
        await scripts.explain_script_wait(tools, submission)
        if submission.runs_with.runs_script
        else None
    )


async def _explain_hold(tools: WorkerTools, batch_system: str) -> str | None:
    if full := await explain_unwritable(tools.db, gethostname()):
        return full
    try:
        return await installation.explain_hold(tools, batch_system)
    except (OSError, LaneUnavailable) as error:
        if find_outage(error):
            raise
        return f"the spool can't be used: {getattr(error, 'strerror', None) or error}"
