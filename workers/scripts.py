"""Launch by a program that submits by itself: at most once, and what it submitted is adopted.

Its jobs can't be gated. So it never outlives its worker nor its launcher's lease, and whoever takes over
from a launcher that died never starts it again by itself.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from batch import BatchRefused
from batch.directory import put_entry
from db import credentials as rows
from db import endings, launches, scripts
from db.launches import LaunchAttempt
from db.submissions import Submission
from domain.discrepancies import DiscrepancyKind, Repair
from domain.job_types import wrong_for_scripts
from domain.launch_scripts import (
    ALONE_S,
    OURS,
    ClusterId,
    Listener,
    Script,
    Verdict,
    by_ssh,
    how,
    last_lines,
    left_out,
    local,
    verdict,
)
from domain.launches import CredentialKind, HostKind, LaunchState, ScriptEnd
from domain.submissions import LAUNCHING, SubmissionState
from workers import orders
from workers.adoption import Adoption
from workers.command import KEPT
from workers.leases import Lease
from workers.outcomes import Lost, NothingSubmitted, Undecided, ours
from workers.points import around
from workers.running import Ended, Program, run
from workers.tools import Tools, log

MOST_KEPT, MOST_PIECE, TAIL = 1_000_000, 20_000, 20_000
LOOK_S = 5.0
"""How long it may take to ask whether a script is to be stopped."""
PATIENCE_S = 10.0
"""How long until a cluster that could not be adopted is tried again."""
PAUSES_S = (0.5, 1, 5, 10, 20, 30, 60, 60)
"""Between tries to note how a script ended."""
VARIABLES = {CredentialKind.TOKEN: "BEARER_TOKEN_FILE", CredentialKind.PROXY: "X509_USER_PROXY"}


async def carry(
    tools: Tools, submission: Submission, attempt: LaunchAttempt | None, lease: Lease
) -> None:
    """Run a submission's script and adopt what it submits, or settle what another launcher began."""
    if why := wrong_for_scripts(submission.batch_system):
        raise BatchRefused(why)
    if attempt is None or attempt.state is LaunchState.ABANDONED:
        attempt = await orders.intend(tools, submission)
    if attempt.state is LaunchState.INTENDED:
        attempt = await _run(tools, submission, attempt, lease)
    else:
        end = attempt.script_end or ScriptEnd.CUT_OFF
        attempt = await _note(tools, attempt, Ended(end, attempt.exit_code))
    adopted = await Adoption(tools, attempt).settle()
    async with around("script.settled"):
        await launches.step(
            tools.db, attempt, tools.holder, [LaunchState.SENT], LaunchState.ACKNOWLEDGED,
            said=attempt.said,
        )  # fmt: skip
    await _conclude(tools, submission, attempt, adopted=adopted)


async def _note(tools: Tools, attempt: LaunchAttempt, ended: Ended) -> LaunchAttempt:
    """Write down how it ended, and say it."""
    said = how(ended.end, ended.exit_code, tools.script_limit_s).rstrip(",") + "."
    async with around("script.ended"):
        noted = ours(await scripts.ended(tools.db, attempt, tools.holder, (*ended, said)))
    if attempt.script_end is None:
        await launches.say(tools.db, attempt, f"{OURS}{said}")
    return noted


async def _run(
    tools: Tools, submission: Submission, attempt: LaunchAttempt, lease: Lease
) -> LaunchAttempt:
    attempt, directory, credential = await orders.ready(tools, submission, attempt)
    program, where = await _program(tools, submission, attempt, directory, credential)
    following = Following(tools, attempt)
    await launches.say(tools.db, attempt, f"{OURS}The launch script runs {where}.")
    if not lease.lasts(ALONE_S):
        raise Lost
    async with around("script.run"):
        adopting = asyncio.create_task(following.adopt())
        try:
            why_stop = partial(_why_stop, tools, submission.id, lease)
            ended = await run(program, tools.script_limit_s, following.hear, why_stop)
        finally:
            adopting.cancel()
            await asyncio.gather(adopting, return_exceptions=True)
            await following.end()
    return await _note_patiently(tools, attempt, ended)


async def _why_stop(tools: Tools, submission_id: int, lease: Lease) -> ScriptEnd | None:
    """Why a script that runs is to be stopped, if it is."""
    if tools.beside.is_ending.is_set():
        return ScriptEnd.STOPPED
    if not lease.lasts(ALONE_S):
        return ScriptEnd.CUT_OFF
    # A database that is away for a while is no reason.
    with suppress(Exception):
        async with asyncio.timeout(LOOK_S):
            if await scripts.removal_is_asked(tools.db, submission_id):
                return ScriptEnd.REMOVAL
    return None


async def _note_patiently(tools: Tools, attempt: LaunchAttempt, ended: Ended) -> LaunchAttempt:
    """Note it again and again: a script is over only once."""
    for pause in PAUSES_S:
        try:
            return await _note(tools, attempt, ended)
        except Lost:
            raise
        except Exception:
            log.exception(
                "submission %s: the end of its script was not noted", attempt.submission_id
            )
            await asyncio.sleep(pause)
    return await _note(tools, attempt, ended)


async def _program(
    tools: Tools,
    submission: Submission,
    attempt: LaunchAttempt,
    directory: Path,
    credential: Path | None,
) -> tuple[Program, str]:
    """What is started, and where in words."""
    login = submission.configuration["login"]
    own = {"POMS_MARK": attempt.mark, "POMS_LAUNCH": str(directory)}
    script = Script(
        command=submission.configuration["command"],
        setup=login["setup"],
        environment=submission.configuration["environment"] | orders.variables(submission) | own,
        host=HostKind(login["host"]),
        address=login["address"],
        account=login["account"],
    )
    folder = directory / "sandbox"
    await asyncio.to_thread(_make, directory, folder)
    row = await rows.of_submission(tools.db, submission.id) if credential else None
    variable = VARIABLES[row.kind] if row else ""
    around_it = {name: os.environ[name] for name in KEPT if name in os.environ}
    if script.host is HostKind.SSH:
        token = await asyncio.to_thread(credential.read_bytes) if credential else b""
        argv = by_ssh(script, tools.ssh, (len(token), variable))
        return Program(argv, around_it, folder, token), f"on {script.address}"
    here = {"UPLOADS": str(folder), **({variable: str(credential)} if credential else {})}
    return Program(local(script), around_it | dict(script.environment) | here, folder), "here"


def _make(directory: Path, folder: Path) -> None:
    put_entry(directory)
    folder.mkdir(mode=0o700, exist_ok=True)


@dataclass(slots=True)
class Following:
    """What a script says: it is kept as far as it may be long, and read for clusters."""

    tools: Tools
    attempt: LaunchAttempt
    listener: Listener = field(default_factory=Listener)
    _line: str = ""
    _kept: int = 0
    _cut: int = 0
    _tail: str = ""
    _unsaid: list[str] = field(default_factory=list)
    found: list[ClusterId] = field(default_factory=list)

    async def hear(self, text: str) -> None:
        """Keep it first: what was kept can be adopted by whoever takes over."""
        said = self._line + text
        # A line that isn't whole waits a turn.
        whole, end, rest = said.rpartition("\n")
        if not text or len(rest) >= MOST_PIECE:
            whole, end, rest = said, "", ""
        self._line = rest
        await self._keep(whole + end)
        self.found += self.listener.hear(text)

    async def end(self) -> None:
        """Keep what was not whole, and the end of what was too long."""
        await self._keep(self._line)
        if self._cut:
            await self._say(f"{OURS}{self._cut - len(self._tail)} characters are left out here.")
            await self._say(self._tail)

    async def _keep(self, text: str) -> None:
        while text and self._kept < MOST_KEPT:
            cut = text.rfind("\n", 0, MOST_PIECE) + 1 if len(text) > MOST_PIECE else len(text)
            piece, text = text[: cut or MOST_PIECE], text[cut or MOST_PIECE :]
            self._kept += len(piece)
            await self._say(piece.removesuffix("\n"))
        if text and not self._cut:
            await self._say(f"{OURS}It says more than is kept: of the rest only the end will be.")
        self._cut += len(text)
        self._tail = (self._tail + text)[-TAIL:]

    async def _say(self, text: str) -> None:
        """What can't be kept now is kept with what comes next."""
        self._unsaid.append(text)
        try:
            while self._unsaid:
                await launches.say(self.tools.db, self.attempt, self._unsaid[0])
                self._unsaid.pop(0)
        except Exception as error:
            log.warning("a launch script's output has to wait: %s", error)

    async def adopt(self) -> None:
        """Adopt what was found, again and again until somebody stops it; what fails is tried again."""
        adoption = Adoption(self.tools, self.attempt)
        while True:
            pause = 0.1
            while self.found:
                try:
                    await adoption.told(self.found[0])
                except Lost:
                    return
                except Exception as error:
                    log.warning("submission %s: %s", self.attempt.submission_id, error)
                    pause = PATIENCE_S
                    break
                self.found.pop(0)
            await asyncio.sleep(pause)


async def _conclude(
    tools: Tools, submission: Submission, attempt: LaunchAttempt, *, adopted: bool
) -> None:
    end = attempt.script_end
    assert end is not None  # noqa: S101 - it was noted
    ended = how(end, attempt.exit_code, tools.script_limit_s)
    match verdict(end, adopted=adopted):
        case Verdict.LAUNCHED:
            text = f"{ended} before it had submitted this job."
            if end is ScriptEnd.CUT_OFF:
                await _file(tools, attempt, Repair.LOOK)
            async with around("script.conclude"):
                if not await scripts.conclude(tools.db, attempt, tools.holder, left_out(end), text):
                    raise Lost
        case Verdict.CANCELLED:
            async with tools.db.acquire() as conn, conn.transaction():
                await endings.discard(
                    conn, submission.id, list(LAUNCHING), SubmissionState.CANCELLED,
                    f"{ended} before it had submitted anything.", tools.holder,
                )  # fmt: skip
        case Verdict.FAILED:
            said = last_lines(await scripts.said(tools.db, attempt))
            more = f" Its last words:\n{said}" if said else ""
            raise NothingSubmitted(f"{ended} and had submitted nothing.{more}")
        case Verdict.UNDECIDED:
            await _file(tools, attempt, Repair.RELAUNCH)
            raise Undecided(f"{ended}. Nothing that it submitted is known: see the discrepancies.")


async def _file(tools: Tools, attempt: LaunchAttempt, repair: Repair) -> None:
    details = (
        "The worker died while the launch script ran; it may have submitted what POMS can't see."
    )
    async with around("script.file"):
        await scripts.file(
            tools.db, attempt, DiscrepancyKind.CUT_OFF_SCRIPT, attempt.mark, details, repair
        )
