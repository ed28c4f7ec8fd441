"""`poms request`: written, submitted, looked at and agreed to over HTTP."""

from db.pool import Pool
from db.requests import approval_rules
from domain.requests.approval_rules import ApprovalRule
from tests.application_server import make_token
from tests.poms.command_runner import Poms
from tests.resolvers.submission_factory import SubmissionFactory
from tests.workers.approval_rules import REVISIONS


async def test_a_request_goes_from_its_draft_to_approval(poms: Poms, db: Pool) -> None:
    work = await SubmissionFactory.make(db)
    await db.execute(REVISIONS)
    rule = ApprovalRule(name="conveners", people=["sam"])
    async with db.acquire() as conn, conn.transaction():
        experiment, person = work.plant.experiment_id, work.plant.person_id
        await approval_rules.set_rules(conn, experiment, [rule], person, "")
    missing = await poms("request", "create", "hypot", "Neutrinos")
    assert missing.out == "hypot-1 is draft.\n"
    refused = await poms("request", "submit", "hypot-1")
    assert (refused.code, "asks: Say what is wanted" in refused.err) == (1, True)
    made = await poms(
        *("request", "create", "hypot", "Muons", "--purpose", "For the talk"),
        *("--campaign", "toy", "--dataset", "raw", "--cpu-hours", "30"),
    )
    assert (made.code, made.out.splitlines()[0]) == (0, "hypot-2 is draft."), made.err
    asked = await poms("request", "submit", "hypot-2")
    assert asked.out.splitlines() == [
        "hypot-2 is submitted.",
        "  sam has to agree (rule 'conveners').",
    ]
    (first, *_) = (await poms("--json", "request", "list", "--state", "submitted")).json
    assert (first["name"], first["waitingOn"][0]["rule"]) == ("hypot-2", "conveners")
    sam = make_token("sam")
    stale = await poms("request", "approve", "hypot-2", "--hash", "x", POMS_TOKEN=sam)
    assert (stale.code, "not as you saw it" in stale.err) == (1, True)
    hash_ = first["planHash"]
    agreed = await poms("request", "approve", "hypot-2", "--hash", hash_, POMS_TOKEN=sam)
    assert agreed.out == "hypot-2 is approved.\n", agreed.err
    shown = (await poms("request", "show", "hypot-2")).out
    assert "wants dataset raw" in shown
    assert "sam: approve" in shown
    back = await poms(
        "request", "withdraw", "request_decision:1", "-r", "I was wrong", POMS_TOKEN=sam
    )
    assert back.out.startswith("hypot-2 is submitted.")
    history = (await poms("request", "history", "hypot-2")).out
    assert "anna" in history
    for verb, who, state in (
        ("return", sam, "returned"),
        ("cancel", make_token("anna"), "cancelled"),
    ):
        ended = await poms("request", verb, "hypot-2", "-r", "so it is", POMS_TOKEN=who)
        assert ended.out.splitlines()[0] == f"hypot-2 is {state}.", ended.err
    late = await poms("request", "reject", "hypot-2", "-r", "too late", POMS_TOKEN=sam)
    assert (late.code, "WrongRequestState" in late.err) == (1, True)
    nothing = await poms("request", "show", "hypot-77")
    assert (nothing.code, "no request 'hypot-77'" in nothing.err) == (1, True)
