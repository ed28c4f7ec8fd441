"""Launch by a program that submits by itself: at most once, and what it submitted is adopted.

Its jobs can't be gated. So it never outlives its worker nor its launcher's lease, and whoever takes over
from a launcher that died never starts it again by itself.
"""

import asyncio
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from batch import BatchRefused, process_tree
from batch.directory import put_entry
from batch.files import read_plain
from db.launching import launch_scripts, launches
from db.launching.launches import LaunchAttempt
from db.setup import credentials as rows
from db.setup.login_setups import read_secrets
from db.setup.setup_uses import find_host_account
from db.submissions import job_driven_transitions
from db.submissions.submissions import Submission
from domain.changes import ServicePart, make_service_actor
from domain.discrepancies import DiscrepancyKind, Repair
from domain.launching.launch_scripts import (
    ALONE_S,
    BLOCK,
    OURS,
    CarriedFiles,
    LaunchScript,
    ScriptVerdict,
    build_local_command,
    build_ssh_command,
    choose_unsubmitted_state,
    decide_script_verdict,
    describe_end,
    join_last_lines,
)
from domain.launching.launches import LaunchState, ScriptEnd
from domain.masking import StreamMasker
from domain.setup.credentials import CredentialKind
from domain.setup.job_types import check_script_support
from domain.setup.launch_hosts import HostKind
from domain.submissions.configuration import ScriptLogin, WrongConfiguration
from domain.submissions.submissions import LAUNCHING, SubmissionState
from lanes import LaneUnavailable
from workers import orders, ssh
from workers.adoption import ScriptAdoption
from workers.command import KEPT
from workers.credential_store import MOST_BYTES
from workers.failpoints import wrap_failpoints
from workers.leases import LaunchLease
from workers.outcomes import LaunchLost, LaunchUndecided, NothingSubmitted, require_ours
from workers.running import ProgramEnd, ScriptProgram, run_program
from workers.script_accounts import (
    AccountMissing,
    ScriptAccount,
    find_account,
    give_sandbox,
    take_credential,
)
from workers.script_output import ScriptOutput
from workers.tools import WorkerTools, log
from workers.uploads import put_uploads

LOOK_S = 5.0
"""How long it may take to ask whether a script is to be stopped."""
PAUSES_S = (0.5, 1, 5, 10, 20, 30, 60, 60)
"""Between tries to note how a script ended."""
SUPERVISOR = Path(process_tree.__file__)
SUPERVISOR_TEXT = SUPERVISOR.read_text()
VARIABLES = {CredentialKind.TOKEN: "BEARER_TOKEN_FILE", CredentialKind.PROXY: "X509_USER_PROXY"}


async def carry_script_launch(
    tools: WorkerTools, submission: Submission, attempt: LaunchAttempt | None, lease: LaunchLease
) -> None:
    """Run a submission's script and adopt what it submits, or settle what another launcher began."""
    if why := check_script_support(submission.batch_system):
        raise BatchRefused(why)
    if attempt is None or attempt.state is LaunchState.ABANDONED:
        attempt = await orders.begin_attempt(tools, submission)
    if attempt.state is LaunchState.INTENDED:
        attempt = await _run_script(tools, submission, attempt, lease)
    else:
        end = attempt.script_end or ScriptEnd.CUT_OFF
        attempt = await _record_end(tools, attempt, ProgramEnd(end, attempt.exit_code))
    adopted = await ScriptAdoption(tools, attempt).settle()
    async with wrap_failpoints("script.settled"):
        await launches.advance_attempt(
            tools.db, attempt, tools.holder, [LaunchState.SENT], LaunchState.ACKNOWLEDGED,
            message=attempt.result_message,
        )  # fmt: skip
    await _conclude_script(tools, submission, attempt, adopted=adopted)


async def _record_end(
    tools: WorkerTools, attempt: LaunchAttempt, ended: ProgramEnd
) -> LaunchAttempt:
    """Write down how it ended, and say it."""
    said = describe_end(ended.end, ended.exit_code, tools.script_limit_s).rstrip(",") + "."
    async with wrap_failpoints("script.ended"):
        noted = require_ours(
            await launch_scripts.record_end(tools.db, attempt, tools.holder, (*ended, said))
        )
    if attempt.script_end is None:
        await launches.append_log(tools.db, attempt, f"{OURS}{said}")
    return noted


async def _run_script(
    tools: WorkerTools, submission: Submission, attempt: LaunchAttempt, lease: LaunchLease
) -> LaunchAttempt:
    attempt, directory, credential = await orders.prepare_attempt(tools, submission, attempt)
    program, where = await _build_program(tools, submission, attempt, directory, credential)
    following = ScriptOutput(
        tools, attempt, StreamMasker((await read_secrets(tools.db, submission.id)).values())
    )
    await launches.append_log(tools.db, attempt, f"{OURS}The launch script runs {where}.")
    if not lease.lasts(ALONE_S):
        raise LaunchLost
    async with wrap_failpoints("script.run"):
        adopting = asyncio.create_task(following.adopt())
        try:
            why_stop = partial(_find_stop_reason, tools, submission.id, lease)
            ended = await run_program(program, tools.script_limit_s, following.hear, why_stop)
        finally:
            adopting.cancel()
            await asyncio.gather(adopting, return_exceptions=True)
            await following.end()
            with suppress(OSError, LaneUnavailable):
                await tools.lanes.spool.call(lambda: take_credential(program.folder))
    return await _record_end_patiently(tools, attempt, ended)


async def _find_stop_reason(
    tools: WorkerTools, submission_id: int, lease: LaunchLease
) -> ScriptEnd | None:
    """Why a script that runs is to be stopped, if it is."""
    if tools.background.is_ending.is_set():
        return ScriptEnd.STOPPED
    if not lease.lasts(ALONE_S):
        return ScriptEnd.CUT_OFF
    # A database that is away for a while is no reason.
    with suppress(Exception):
        async with asyncio.timeout(LOOK_S):
            if await launch_scripts.is_removal_requested(tools.db, submission_id):
                return ScriptEnd.REMOVAL
    return None


async def _record_end_patiently(
    tools: WorkerTools, attempt: LaunchAttempt, ended: ProgramEnd
) -> LaunchAttempt:
    """Note it again and again: a script is over only once."""
    for pause in PAUSES_S:
        try:
            return await _record_end(tools, attempt, ended)
        except LaunchLost:
            raise
        except Exception:
            log.exception(
                "submission %s: the end of its script was not noted", attempt.submission_id
            )
            await asyncio.sleep(pause)
    return await _record_end(tools, attempt, ended)


async def _build_program(
    tools: WorkerTools,
    submission: Submission,
    attempt: LaunchAttempt,
    directory: Path,
    credential: Path | None,
) -> tuple[ScriptProgram, str]:
    """What is started, and where in words."""
    config, login = submission.runs_with.fill_late_keywords(submission.id), _find_login(submission)
    own = {"POMS_MARK": attempt.mark, "POMS_LAUNCH": str(directory)}
    script = LaunchScript(
        command=config.command,
        setup=login.setup,
        environment={**config.environment, **await orders.read_variables(tools, submission), **own},
        host=login.host,
        address=login.address,
        account=login.account,
        secrets=await read_secrets(tools.db, submission.id),
    )
    folder = directory / "sandbox"
    token = await _prepare_files(tools, directory, folder, credential)
    archive = await put_uploads(tools, submission, folder, pack=script.host is HostKind.SSH)
    row = await rows.find_by_submission(tools.db, submission.id) if credential else None
    variable = VARIABLES[row.kind] if row else ""
    around_it = {name: os.environ[name] for name in KEPT if name in os.environ}
    if script.host is HostKind.SSH:
        options = await _find_ssh_options(tools, submission.experiment_id, script)
        carried = CarriedFiles(len(token), variable, len(archive) // BLOCK)
        argv = build_ssh_command(script, SUPERVISOR_TEXT, options, carried)
        feed = script.secret_lines + token + archive
        return ScriptProgram(argv, around_it, folder, feed), f"on {script.address}"
    here = {"UPLOADS": str(folder)}
    try:
        account = await _find_script_account(tools, submission)
        if account is None:
            here |= {variable: str(credential)} if credential else {}
        else:
            around_it = account.build_environment()
            lying = (variable, token) if credential else None
            here |= await tools.lanes.spool.call(
                lambda: give_sandbox(account, tools.spool, folder, lying)
            )
    except (AccountMissing, OSError, LaneUnavailable) as error:
        raise NothingSubmitted(f"The launch script does not run: {error}") from error
    supervisor = [sys.executable, "-I", str(SUPERVISOR)]
    argv = build_local_command(script, supervisor, account=account.words if account else ())
    variables = {**around_it, **script.secrets, **script.environment, **here}
    where = f"here, as {account.name}" if account else "here"
    return ScriptProgram(argv, variables, folder), where


def _find_login(submission: Submission) -> ScriptLogin:
    login = submission.runs_with.login
    if login is None:
        raise WrongConfiguration("configuration.login is missing: a launch script needs one.")
    return login


async def _find_script_account(tools: WorkerTools, submission: Submission) -> ScriptAccount | None:
    name = await find_host_account(tools.db, submission.stage_id)
    return find_account(name, as_worker=tools.scripts_as_worker)


async def _find_ssh_options(
    tools: WorkerTools, experiment_id: int, script: LaunchScript
) -> list[str]:
    try:
        return await ssh.find_options(tools.ssh_keys, experiment_id, script.address)
    except ssh.NotReachable as error:
        raise NothingSubmitted(str(error)) from error


async def explain_script_wait(tools: WorkerTools, submission: Submission) -> str | None:
    """Why a launch script has to wait for the host on which it runs, or nothing."""
    login = _find_login(submission)
    try:
        if login.host is not HostKind.SSH:
            await _find_script_account(tools, submission)
            return None
        await ssh.find_options(tools.ssh_keys, submission.experiment_id, login.address)
    except (AccountMissing, ssh.NotReachable) as error:
        return f"It waits: {error}"
    return None


async def _prepare_files(
    tools: WorkerTools, directory: Path, folder: Path, credential: Path | None
) -> bytes:
    """Make what the script finds; returns its credential. Nothing has run where that can't be done."""

    def make() -> bytes:
        put_entry(directory)
        folder.mkdir(mode=0o700, exist_ok=True)
        return read_plain(credential, MOST_BYTES) if credential else b""

    try:
        return await tools.lanes.spool.call(make)
    except (OSError, LaneUnavailable) as wrong:
        raise NothingSubmitted(f"The launch script could not be prepared: {wrong}") from wrong


async def _conclude_script(
    tools: WorkerTools, submission: Submission, attempt: LaunchAttempt, *, adopted: bool
) -> None:
    end = attempt.script_end
    assert end is not None  # noqa: S101 - it was noted
    ended = describe_end(end, attempt.exit_code, tools.script_limit_s)
    match decide_script_verdict(end, adopted=adopted):
        case ScriptVerdict.LAUNCHED:
            text = f"{ended} before it had submitted this job."
            if end is ScriptEnd.CUT_OFF:
                await _file_discrepancy(tools, attempt, Repair.INSPECT)
            async with wrap_failpoints("script.conclude"):
                if not await launch_scripts.conclude_script(
                    tools.db, attempt, tools.holder, choose_unsubmitted_state(end), text
                ):
                    raise LaunchLost
        case ScriptVerdict.CANCELLED:
            async with tools.db.acquire() as conn, conn.transaction():
                await job_driven_transitions.discard_launch(
                    conn, submission.id, list(LAUNCHING), SubmissionState.CANCELLED,
                    make_service_actor(ServicePart.LAUNCH, f"{ended} before it had submitted anything."), tools.holder,
                )  # fmt: skip
        case ScriptVerdict.FAILED:
            said = join_last_lines(await launch_scripts.list_output(tools.db, attempt))
            more = f" Its last words:\n{said}" if said else ""
            raise NothingSubmitted(f"{ended} and had submitted nothing.{more}")
        case ScriptVerdict.UNDECIDED:
            await _file_discrepancy(tools, attempt, Repair.RELAUNCH)
            raise LaunchUndecided(
                f"{ended}. Nothing that it submitted is known: see the discrepancies."
            )


async def _file_discrepancy(tools: WorkerTools, attempt: LaunchAttempt, repair: Repair) -> None:
    details = (
        "The worker died while the launch script ran; it may have submitted what POMS can't see."
    )
    async with wrap_failpoints("script.file"):
        await launch_scripts.file_discrepancy(
            tools.db, attempt, DiscrepancyKind.CUT_OFF_SCRIPT, attempt.mark, details, repair
        )
