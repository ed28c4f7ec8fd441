"""What follows when a submission's jobs are over: outputs are looked at, then recovery or dependents."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from catalogs import Claimed
from db import families, inputs, outputs, scripts
from db import submissions as rows
from db.outputs import Output
from db.pool import Connection
from db.submissions import Submission
from domain.advances import Member, look_again_s, made_up, may_become_located, may_fire
from domain.completion import Tally, is_located
from domain.configuration import runs_script
from domain.stages import Completion
from domain.submissions import SubmissionState
from workers import dependents, recover
from workers.points import around
from workers.tools import Tools

COMPLETED = frozenset({SubmissionState.COMPLETED, SubmissionState.LOCATED})
LOOK = 200
"""Outputs looked at together."""


async def step(tools: Tools) -> bool:
    """Advance one submission that is over; false when none wants it."""
    async with around("advance.take"):
        submission = await families.take(tools.db, tools.lease_s)
    if submission is None:
        return False
    await look(tools, submission)
    async with (
        around("advance.settle"),
        tools.db.acquire() as conn,
        conn.transaction(),
    ):
        made = await settle(conn, submission)
    await tools.tell(made)
    return True


async def look(tools: Tools, submission: Submission) -> None:
    """Look at every output that a job declared: the file itself decides whether it is located."""
    after = (0, "")
    while found := await outputs.declared(tools.db, submission.id, after, LOOK):
        after = found[-1].number, found[-1].name
        said = await tools.catalog.confirm([Claimed(o.path, o.size, o.checksum) for o in found])
        good = [o for o, problem in zip(found, said, strict=True) if problem is None]
        bad = [(o, problem) for o, problem in zip(found, said, strict=True) if problem is not None]
        async with around("advance.look"), tools.db.acquire() as conn, conn.transaction():
            await _note(conn, submission.id, good, bad)


async def _note(
    conn: Connection,
    id: int,
    good: Sequence[Output],
    bad: list[tuple[Output, str]],
) -> None:
    if good and await outputs.locate(conn, id, good) < len(good):
        taken = "The experiment has another file of this name."
        bad = bad + [(o, taken) for o in good]
    if bad:
        await outputs.miss(conn, id, bad)


async def settle(conn: Connection, submission: Submission) -> list[Submission]:
    """Decide and do, in one transaction, what follows for a submission and its family; what it launched."""
    family = await families.lock(conn, submission.family)
    origin = await _locate(conn, family[0], family)
    family = [origin, *[await _locate(conn, m, [origin, *family[1:]]) for m in family[1:]]]
    now = next(member for member in family if member.id == submission.id)
    recovery = await recover.launch(conn, now, family) if now.advanced_at is None else None
    await _again(conn, now)
    if recovery is not None:
        return [recovery]
    members = [
        replace(_as(m), advanced=m.advanced_at is not None or m.id == now.id) for m in family
    ]
    if may_fire(members[0], members):
        return await dependents.fire(conn, origin, [m.id for m in family])
    return []


def _as(submission: Submission) -> Member:
    """What the pure rules ask of a submission."""
    return Member(
        submission.state,
        advanced=submission.advanced_at is not None,
        is_recovery=submission.origin_id is not None,
        missing=submission.outputs_declared,
    )


async def _again(conn: Connection, submission: Submission) -> None:
    """Note that recovery has been decided, and look again while outputs are missing."""
    missing = submission.outputs_declared > 0
    ended = submission.ended_at or submission.created_at
    age = (datetime.now(UTC) - ended).total_seconds()
    await families.mark(
        conn, submission.id, advanced=True, check_in_s=look_again_s(age) if missing else None
    )


async def _locate(conn: Connection, member: Submission, family: Sequence[Submission]) -> Submission:
    """Move a member to located where its outputs (an origin's: its family's) suffice."""
    if not may_become_located(_as(member), [_as(m) for m in family]):
        return member
    tally = await _tally(conn, member, family)
    if not is_located(tally) and not made_up(_as(member), _as(family[0])):
        return member
    moved = await rows.move(conn, member.id, [member.state], SubmissionState.LOCATED)
    return moved or member


async def _units(conn: Connection, member: Submission) -> int:
    """How much a generator has to make: a launch script may have other jobs besides."""
    if runs_script(member.configuration):
        return await scripts.units(conn, member.id)
    return member.jobs


async def _tally(conn: Connection, member: Submission, family: Sequence[Submission]) -> Tally:
    config = member.configuration
    generates = member.files == 0
    counted = list(family) if member.origin_id is None else [member]
    ids = [m.id for m in counted]
    patterns, depth = len(config["patterns"]), member.output_ancestor_depth
    covered = await outputs.covered(conn, depth, ids, patterns, generates=generates)
    return Tally(
        completion=Completion(config["completion"]),
        percentage=config["completion_pct"],
        wanted=await _units(conn, member) if generates else await inputs.done(conn, ids),
        located=covered,
        is_recovery=member.origin_id is not None,
        completed=any(m.state in COMPLETED for m in counted),
    )
