"""Look at credentials and renew them in time: launches wait for one that would end under them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from db import credentials
from db.credentials import Credential, Found
from db.submissions import Submission
from domain.credentials import (
    Unusable,
    expiry,
    is_expiring,
    renewal_at,
    retry_at,
    shown,
    why_wait,
)
from workers import command
from workers.points import around
from workers.tools import Tools, log

LOOK_EVERY_S = 20.0


async def look(tools: Tools) -> bool:
    """Look at one file that it is time for; true when it was: another may wait."""
    row = await credentials.look(tools.db, LOOK_EVERY_S)
    if row is None:
        return False
    found = await _found(tools, row, datetime.now(UTC))
    async with around("credentials.looked"):
        news = await credentials.looked(tools.db, row, found)
    if news:
        await tools.ring()
    return True


async def _found(tools: Tools, row: Credential, now: datetime) -> Found:
    expires_at, problem = row.expires_at, ""
    try:
        expires_at = expiry(row.kind, await _content(tools, row)) or row.given_expiry
    except Unusable as error:
        problem = str(error)
    seen_at = row.seen_at if expires_at == row.expires_at else now
    terms = replace(row.terms, expires_at=expires_at, problem=problem)
    return Found(
        expires_at,
        problem,
        is_expiring(terms, row.tries, now),
        renewal_at(terms, seen_at, now),
    )


async def _content(tools: Tools, row: Credential) -> bytes:
    lying = await credentials.lying(tools.db, row.id)
    if lying is None:
        raise Unusable("It was removed.")
    return await asyncio.to_thread(tools.vault.read, lying)


async def renew(tools: Tools) -> bool:
    """Run the command of one whose renewal is due; the lease outlives the command's time."""
    row = await credentials.renew(tools.db, tools.vault.renewal_s + 2 * command.GRACE_S)
    if row is None:
        return False
    async with around("credentials.renew"):
        said, failed = await _renew(tools, row)
    later = retry_at(row.tries + 1, datetime.now(UTC)) if failed else None
    if failed:
        log.warning("credential %s was not renewed: %s", row.id, failed)
    async with around("credentials.renewed"):
        await credentials.renewed(tools.db, row, said, later)
    return True


async def _renew(tools: Tools, row: Credential) -> tuple[str, str]:
    """What the command said, and what is wrong: the file decides, not the command's exit code alone."""
    lying = await credentials.lying(tools.db, row.id)
    if lying is None:
        return "", "It was removed."
    try:
        place = tools.vault.place(lying)
        ran = await command.run(row.renewal, place, tools.vault.renewal_s)
        content = await asyncio.to_thread(tools.vault.read, lying)
        until = expiry(row.kind, content)
    except Unusable as error:
        return str(error), str(error)
    said = shown(ran.said, content.decode(errors="replace").split())
    if ran.failed:
        return shown(f"{said}\n{ran.failed}", ()), ran.failed
    if not row.problem and until and row.expires_at and until <= row.expires_at:
        failed = "The command ended well, but the file holds no longer than before."
        return shown(f"{said}\n{failed}", ()), failed
    return said, ""


async def why(tools: Tools, submission: Submission) -> str | None:
    """Why a launch has to wait for its credential, or nothing."""
    row = await credentials.of_submission(tools.db, submission.id)
    if row is None:
        return None
    walltime = timedelta(seconds=submission.configuration["resources"]["walltime_s"])
    return why_wait(row.terms, tools.vault.margin, walltime, datetime.now(UTC))


async def of_launch(tools: Tools, submission: Submission) -> Path | None:
    """The file with which a submission is launched, if its login setup has a credential."""
    row = await credentials.of_submission(tools.db, submission.id)
    lying = await credentials.lying(tools.db, row.id) if row else None
    return tools.vault.place(lying) if lying else None
