"""Look at credentials and renew them in time: launches wait for one that would end under them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from db.clock import read_time
from db.setup import credentials
from db.setup.credentials import Credential, CredentialInspection
from db.submissions.submissions import Submission
from domain.setup.credentials import (
    CredentialUnusable,
    compute_renewal_time,
    compute_retry_time,
    explain_credential_wait,
    is_expiring,
    mask_output,
    read_expiry,
)
from lanes import LaneUnavailable
from workers import command
from workers.dispatch import Dispatcher, TaskPool
from workers.failpoints import wrap_failpoints
from workers.setbacks import hold_thing
from workers.tools import WorkerTools, log

_T = TypeVar("_T")
LOOK_EVERY_S = 20.0
OF_EACH, MOST = 2, 10
"""Renewals at once for each experiment, and for all."""
LEASE_MORE_S = 30.0 + 2 * command.GRACE_S


async def inspect_next(tools: WorkerTools) -> bool:
    """Look at one file that it is time for; true when it was: another may wait."""
    async with hold_thing(tools, "credentials") as thing:
        row = await credentials.claim_inspection(tools.db, LOOK_EVERY_S)
        if row is None:
            return False
        thing.name(f"credential:{row.id}", experiment_id=row.experiment_id)
        found = await _inspect_credential(tools, row, row.checked_at)
        async with wrap_failpoints("credentials.looked"):
            news = await credentials.record_inspection(tools.db, row, found)
        if news:
            await tools.ring()
    return True


async def _inspect_credential(
    tools: WorkerTools, row: Credential, now: datetime
) -> CredentialInspection:
    expires_at, problem = row.expires_at, ""
    try:
        expires_at = read_expiry(row.kind, await _read_content(tools, row)) or row.given_expiry
    except CredentialUnusable as error:
        problem = str(error)
    found_at = row.expiry_found_at if expires_at == row.expires_at else now
    terms = replace(row.terms, expires_at=expires_at, problem=problem)
    return CredentialInspection(
        expires_at,
        problem,
        is_expiring(terms, row.renewal_attempts, now),
        compute_renewal_time(terms, found_at, now),
    )


async def _read_content(tools: WorkerTools, row: Credential) -> bytes:
    lying = await credentials.find_location(tools.db, row.id)
    if lying is None:
        raise CredentialUnusable("It was removed.")
    return await _call_vault_lane(tools, lambda: tools.vault.read(lying))


async def _call_vault_lane(tools: WorkerTools, work: Callable[[], _T]) -> _T:
    try:
        return await tools.lanes.credentials.call(work)
    except LaneUnavailable as wrong:
        raise CredentialUnusable(f"The folder of credentials does not answer: {wrong}.") from wrong


def make_dispatcher() -> Dispatcher[Credential, int]:
    """Hand due renewals out by their experiments: a slow command of one does not keep the others'."""
    pool = TaskPool[int]("renewals", OF_EACH, MOST)
    return Dispatcher(pool, _take_renewal, _renew_one, lambda row: row.experiment_id)


async def _take_renewal(tools: WorkerTools, full: Sequence[int]) -> Credential | None:
    # It outlives all that is bounded in it: the command, and twice the folder.
    return await credentials.claim_renewal(tools.db, tools.vault.renewal_s + LEASE_MORE_S, full)


async def _renew_one(tools: WorkerTools, row: Credential) -> None:
    async with hold_thing(tools, "renewals") as thing:
        thing.name(f"credential:{row.id}", experiment_id=row.experiment_id)
        await _run_renewal(tools, row)


async def _run_renewal(tools: WorkerTools, row: Credential) -> None:
    """Run the command of one whose renewal is due."""
    async with wrap_failpoints("credentials.renew"):
        said, failed = await _renew_credential(tools, row)
    later = (
        compute_retry_time(row.renewal_attempts + 1, await read_time(tools.db)) if failed else None
    )
    if failed:
        log.warning("credential %s was not renewed: %s", row.id, failed)
    async with wrap_failpoints("credentials.renewed"):
        await credentials.record_renewal(tools.db, row, said, later)


async def _renew_credential(tools: WorkerTools, row: Credential) -> tuple[str, str]:
    """What the command said, and what is wrong: the file decides, not the command's exit code alone."""
    lying = await credentials.find_location(tools.db, row.id)
    if lying is None:
        return "", "It was removed."
    try:
        place = await _call_vault_lane(tools, lambda: tools.vault.place(lying))
        ran = await command.run_command(row.renewal, place, tools.vault.renewal_s)
        content = await _call_vault_lane(tools, lambda: tools.vault.read(lying))
        until = read_expiry(row.kind, content)
    except CredentialUnusable as error:
        return str(error), str(error)
    said = mask_output(ran.output, content.decode(errors="replace").split())
    if ran.failed:
        return mask_output(f"{said}\n{ran.failed}", ()), ran.failed
    if not row.problem and until and row.expires_at and until <= row.expires_at:
        failed = "The command ended well, but the file holds no longer than before."
        return mask_output(f"{said}\n{failed}", ()), failed
    return said, ""


async def explain_missing_credential(tools: WorkerTools, submission: Submission) -> str | None:
    """Why a launch has to wait for its credential, or nothing."""
    row = await credentials.find_by_submission(tools.db, submission.id)
    if row is None:
        return None
    walltime = timedelta(seconds=submission.runs_with.resources.walltime_s)
    return explain_credential_wait(
        row.terms, tools.vault.margin, walltime, await read_time(tools.db)
    )


async def find_launch_credential(tools: WorkerTools, submission: Submission) -> Path | None:
    """The file with which a submission is launched, if its login setup has a credential."""
    row = await credentials.find_by_submission(tools.db, submission.id)
    lying = await credentials.find_location(tools.db, row.id) if row else None
    return await _call_vault_lane(tools, lambda: tools.vault.place(lying)) if lying else None
