"""Requests: who has to agree before something launches, what they agreed to, and what becomes of it when it changes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.pool import Pool
from domain.requests.requests import REQUEST_TRANSITIONS
from tests.resolvers.conftest import SAVE, Ask, build_campaign_input, build_stage_input
from tests.worker_tools import make_worker_tools
from workers import approvals, sweep
from workers.tools import WorkerTools

SHOWN = """
    id name state revision title planHash cpuHoursBand availableActions mayApprove
    waitingOn { rule isTest reason needed given by isTurn voided }
    decisions { id kind person { username } behalfOf { username } parts changedSince withdrawnAt }
    campaign { id }
"""
PROBLEMS = """
    ... on Problem { message }
    ... on InvalidRequest { findings { path message } }
    ... on WrongRequestState { state }
    ... on RequestChanged { planHash changed }
    ... on NotAskedToDecide { waitingOn { reason } }
    ... on StaleRequest { current }
    ... on Invalid { field }
"""


def build_mutation(name: str, kind: str, problems: str) -> str:
    shown = "\n".join(
        line
        for line in PROBLEMS.splitlines()
        if any(p in line for p in ["on Problem", *problems.split()])
    )
    return f"""
        mutation ($input: {kind}!) {{
          {name}(input: $input) {{ __typename ... on Request {{ {SHOWN} }} {shown} }}
        }}
    """


CREATE = build_mutation("createRequest", "CreateRequestInput", "InvalidRequest")
SAVE_REQUEST = build_mutation(
    "saveRequest", "SaveRequestInput", "InvalidRequest WrongRequestState StaleRequest"
)
APPROVE = build_mutation(
    "approveRequest",
    "ApproveRequestInput",
    "WrongRequestState RequestChanged NotAskedToDecide Invalid",
).replace("... on InvalidRequest { findings { path message } }", "")
RETURN = (
    build_mutation("returnRequest", "ID", "WrongRequestState NotAskedToDecide")
    .replace("$input: ID!", "$id: ID!, $reason: String!")
    .replace("input: $input", "id: $id, reason: $reason")
)
REJECT = RETURN.replace("returnRequest", "rejectRequest")
SUBMIT = f"""
    mutation ($id: ID!) {{
      submitRequest(id: $id) {{
        __typename ... on Request {{ {SHOWN} }} ... on Problem {{ message }}
        ... on InvalidRequest {{ findings {{ path }} }} ... on WrongRequestState {{ state }}
      }}
    }}
"""
CANCEL = f"""
    mutation ($id: ID!) {{
      cancelRequest(id: $id, reason: "nobody wants it") {{
        __typename ... on Request {{ {SHOWN} }} ... on Problem {{ message }}
      }}
    }}
"""
WITHDRAW = f"""
    mutation ($id: ID!) {{
      withdrawDecision(id: $id, reason: "I have read the numbers again") {{
        __typename ... on Request {{ {SHOWN} }} ... on Problem {{ message }}
      }}
    }}
"""
RULES = """
    mutation ($input: SetApprovalRulesInput!) {
      setApprovalRules(input: $input) {
        __typename
        ... on ApprovalRuleSet { rules { name covers number } setBy { username } }
        ... on Problem { message }
        ... on InvalidApprovalRules { findings { path } }
      }
    }
"""
LAUNCH = """
    mutation ($stage: ID!, $test: Boolean! = false, $busy: IfBusy! = QUEUE) {
      launchStage(input: {id: $stage, isTest: $test, ifBusy: $busy}) {
        __typename ... on Submission { id state waiting { kind reasons } } ... on Problem { message }
      }
    }
"""
REQUEST = f"query ($id: ID!) {{ request(id: $id) {{ {SHOWN} }} }}"
STATE = "query ($id: ID!) { submission(id: $id) { state waiting { kind reasons } } }"
CHANGES = "SELECT kind, reason FROM change_inbox WHERE kind LIKE 'request.%' ORDER BY id"

PRODUCTION: dict[str, Any] = {
    "name": "conveners", "owningRoles": ["PRODUCTION"], "people": ["sam", "sue"], "number": 1,
}  # fmt: skip


class Requests:
    """One campaign with its request, as anna writes it."""

    def __init__(self, ask: Ask, tools: WorkerTools) -> None:
        self.ask, self.tools = ask, tools
        self.campaign: dict[str, Any] = {}
        self.content: dict[str, Any] = {
            "title": "Neutrinos of 2026",
            "purpose": "For the talk.",
            "cpuHours": 400,
            "asks": [{"kind": "EVENTS", "events": 1000, "softwareVersion": "v1"}],
        }

    async def save_campaign(self, **stage: Any) -> dict[str, Any]:
        wanted = build_stage_input("gen", kind="GENERATOR", split="byrun(1, 9)", **stage)
        given = {
            "input": build_campaign_input(
                {**wanted, "split": "multiparam", "parameterLists": [["a", "b"]], **stage}
            )
        }
        saved = (await self.ask(SAVE, given))["saveCampaign"]
        assert saved["__typename"] == "CampaignSaved", saved
        self.campaign = saved["campaign"]
        return self.campaign

    async def set_rules(
        self, *rules: dict[str, Any], as_: str = "sue", **more: Any
    ) -> dict[str, Any]:
        given = {"experiment": "hypot", "rules": list(rules), **more}
        found: dict[str, Any] = (await self.ask(RULES, {"input": given}, as_))["setApprovalRules"]
        return found

    async def create(self, **more: Any) -> dict[str, Any]:
        given = {"experiment": "hypot", **self.content, "campaign": self.campaign["name"], **more}
        found: dict[str, Any] = (await self.ask(CREATE, {"input": given}))["createRequest"]
        return found

    async def submit(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(SUBMIT, {"id": id}))["submitRequest"]
        return found

    async def approve(
        self, request: dict[str, Any], as_: str = "sam", **more: Any
    ) -> dict[str, Any]:
        given = {"id": request["id"], "planHash": request["planHash"], **more}
        found: dict[str, Any] = (await self.ask(APPROVE, {"input": given}, as_))["approveRequest"]
        return found

    async def read(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(REQUEST, {"id": id}))["request"]
        return found

    async def launch(self, **more: Any) -> dict[str, Any]:
        given = {"stage": self.campaign["stages"][0]["id"], **more}
        found: dict[str, Any] = (await self.ask(LAUNCH, given))["launchStage"]
        return found

    async def read_state(self, launched: dict[str, Any]) -> str:
        found: str = (await self.ask(STATE, {"id": launched["id"]}))["submission"]["state"]
        return found

    async def look(self) -> None:
        """What workers do once a second."""
        await approvals.look_at_doubted(self.tools)
        await sweep.promote_launches(self.tools)

    async def make_submitted(self) -> dict[str, Any]:
        """A request that waits for the conveners."""
        await self.save_campaign()
        await self.set_rules(PRODUCTION)
        return await self.submit((await self.create())["id"])


@pytest.fixture
async def work(ask: Ask, configured: dict[str, str], db: Pool, tmp_path: Path) -> Requests:
    assert configured
    return Requests(ask, make_worker_tools(db, tmp_path))


async def test_the_database_has_the_table_of_moves_that_the_code_has(db: Pool) -> None:
    rows = {(r[0], r[1]) for r in await db.fetch("SELECT from_state, to_state FROM request_move")}
    assert rows == {(old, new) for old, news in REQUEST_TRANSITIONS.items() for new in news}


async def test_without_rules_a_request_is_approved_at_once_and_everything_launches(
    work: Requests, db: Pool
) -> None:
    await work.save_campaign()
    made = await work.create()
    assert (made["state"], made["name"], made["revision"]) == ("DRAFT", "hypot-1", 1)
    assert made["availableActions"] == ["SAVE", "SUBMIT", "CANCEL"]
    assert (await work.launch())["state"] == "NEW"
    assert (await work.submit(made["id"]))["state"] == "APPROVED"
    told = [row["kind"] for row in await db.fetch(CHANGES)]
    assert told == ["request.draft", "request.saved", "request.submitted", "request.approved"]


async def test_what_nobody_has_agreed_to_waits_and_begins_once_they_have(work: Requests) -> None:
    request = await work.make_submitted()
    assert request["state"] == "SUBMITTED"
    [waiting] = request["waitingOn"]
    assert (waiting["rule"], waiting["needed"], waiting["given"]) == ("conveners", 1, 0)
    launched = await work.launch()
    assert launched["state"] == "QUEUED"
    assert launched["waiting"]["kind"] == "APPROVAL"
    assert launched["waiting"]["reasons"] == [waiting["reason"]]
    assert (await work.launch(busy="REFUSE"))["message"] == waiting["reason"]
    test = await work.launch(test=True)
    await work.look()
    assert await work.read_state(test) == "NEW", "the rule is of production alone"
    assert await work.read_state(launched) == "QUEUED"
    approved = await work.approve(request)
    assert (approved["state"], approved["waitingOn"]) == ("APPROVED", [])
    assert [d["person"]["username"] for d in approved["decisions"]] == ["sam"]
    await work.look()
    assert await work.read_state(launched) == "NEW"


FINISH = f"""
    mutation ($id: ID!) {{
      finishRequest(id: $id, reason: "all is there") {{
        __typename ... on Request {{ {SHOWN} }} ... on Problem {{ message }}
      }}
    }}
"""


async def test_a_request_runs_once_its_campaign_has_launched_and_is_finished_by_its_people(
    work: Requests, db: Pool
) -> None:
    request = await work.approve(await work.make_submitted())
    await work.launch(test=True)
    await work.look()
    assert (await work.read(request["id"]))["state"] == "APPROVED"
    early = (await work.ask(FINISH, {"id": request["id"]}))["finishRequest"]
    assert early["message"] == "A request that is approved can't be done."
    await work.launch()
    await work.look()
    running = await work.read(request["id"])
    assert (running["state"], running["availableActions"]) == (
        "RUNNING",
        ["SAVE", "CANCEL", "FINISH"],
    )
    await work.save_campaign(softwareVersion="v2")
    await work.look()
    changed = await work.read(request["id"])
    assert (changed["state"], changed["mayApprove"]) == ("RUNNING", False)
    assert changed["waitingOn"][0]["voided"] == ["CONFIGURATION"]
    assert (await work.launch())["waiting"]["kind"] == "APPROVAL"
    done = (await work.ask(FINISH, {"id": request["id"]}))["finishRequest"]
    assert (done["state"], done["availableActions"]) == ("DONE", [])
    assert not await db.fetchval("SELECT active FROM campaign")


async def test_a_campaign_without_a_request_waits_too_also_a_copy_of_an_approved_one(
    work: Requests,
) -> None:
    await work.approve(await work.make_submitted())
    copy = build_campaign_input(build_stage_input("gen", kind="GENERATOR"), name="copy")
    saved = (await work.ask(SAVE, {"input": copy}))["saveCampaign"]["campaign"]
    found = (await work.ask(LAUNCH, {"stage": saved["stages"][0]["id"]}))["launchStage"]
    assert found["state"] == "QUEUED"
    assert found["waiting"]["reasons"] == [
        "It is being looked at whether somebody has to agree to it."
    ]
    await work.look()
    shown = (await work.ask(STATE, {"id": found["id"]}))["submission"]
    assert (shown["state"], shown["waiting"]["kind"]) == ("QUEUED", "APPROVAL")
    assert "sam or sue has to agree" in shown["waiting"]["reasons"][0]


async def test_a_change_voids_what_covers_it_and_nothing_else(work: Requests) -> None:
    configuration = {
        **PRODUCTION,
        "name": "configuration",
        "covers": ["CONFIGURATION"],
        "people": ["sam"],
    }
    content = {**PRODUCTION, "name": "content", "covers": ["CONTENT", "COST"], "people": ["sue"]}
    await work.save_campaign()
    await work.set_rules(configuration, content)
    request = await work.submit((await work.create())["id"])
    request = await work.approve(request, "sam")
    assert [w["rule"] for w in request["waitingOn"]] == ["content"]
    request = await work.approve(request, "sue")
    assert request["state"] == "APPROVED"
    # Within the band, and in words: nobody is asked again.
    same = {
        "id": request["id"],
        **work.content,
        "cpuHours": 450,
        "title": "Neutrinos!",
        "campaign": work.campaign["name"],
    }
    saved = (await work.ask(SAVE_REQUEST, {"input": same}))["saveRequest"]
    assert (saved["state"], saved["revision"], saved["title"]) == ("APPROVED", 2, "Neutrinos!")
    await work.save_campaign(parameters=[{"key": "--more", "value": "1"}])
    await work.look()
    request = await work.read(request["id"])
    assert (request["state"], request["revision"]) == ("SUBMITTED", 3)
    [waiting] = request["waitingOn"]
    assert (waiting["rule"], waiting["voided"]) == ("configuration", ["CONFIGURATION"])
    assert [d["changedSince"] for d in request["decisions"]] == [["CONFIGURATION"], []]
    queued = await work.launch()
    assert queued["waiting"]["kind"] == "APPROVAL"
    # As it was, it is what was agreed to.
    await work.save_campaign()
    await work.look()
    assert (await work.read(request["id"]))["state"] == "APPROVED"
    launched = await work.launch()
    await work.look()
    assert await work.read_state(launched) == "NEW"
    assert await work.read_state(queued) == "QUEUED", "it has the revision that nobody agreed to"


async def test_who_decides_has_seen_it_as_it_is(work: Requests) -> None:
    request = await work.make_submitted()
    await work.save_campaign(softwareVersion="v2")
    changed = await work.approve(request)
    assert (changed["__typename"], changed["changed"]) == ("RequestChanged", ["CONFIGURATION"])
    again = await work.approve({**request, "planHash": changed["planHash"]})
    assert again["state"] == "APPROVED"
    unknown = await work.approve({**request, "planHash": "x"}, "sue")
    assert (unknown["__typename"], unknown["changed"]) == ("RequestChanged", [])


async def test_only_who_is_asked_decides_in_their_turn_and_nobody_for_themselves(
    work: Requests, ask: Ask
) -> None:
    everybody = {"name": "first", "roles": ["SHIFTER", "PRODUCTION", "SUPERUSER"], "number": 2}
    last = {"name": "last", "people": ["alan"], "step": 2}
    await work.save_campaign()
    await work.set_rules(everybody, last)
    request = await work.submit((await work.create())["id"])
    for who in ("anna", "alan", "ada"):
        refused = await work.approve(request, who)
        assert refused["__typename"] == "NotAskedToDecide", who
    assert (await work.approve(request, "otto"))["__typename"] == "NotFound"
    request = await work.approve(request, "sam")
    assert [(w["rule"], w["given"], w["isTurn"]) for w in request["waitingOn"]] == [
        ("first", 1, True),
        ("last", 0, False),
    ]
    assert (await work.approve(request, "sam"))["__typename"] == "NotAskedToDecide"
    request = await work.approve(request, "sue")
    assert [w["isTurn"] for w in request["waitingOn"]] == [True]
    asked = "{ requests(filter: {waitingOnMe: true}) { nodes { name mayApprove } } }"
    found = {
        who: (await ask(asked, as_=who))["requests"]["nodes"] for who in ("sam", "alan", "otto")
    }
    assert found == {"sam": [], "alan": [{"name": "hypot-1", "mayApprove": True}], "otto": []}
    assert (await work.approve(request, "alan"))["state"] == "APPROVED"


async def test_an_agreement_is_taken_back_by_who_gave_it(work: Requests) -> None:
    request = await work.approve(await work.make_submitted())
    [decision] = request["decisions"]
    refused = (await work.ask(WITHDRAW, {"id": decision["id"]}, "sue"))["withdrawDecision"]
    assert refused["message"] == "Who has decided takes it back."
    back = (await work.ask(WITHDRAW, {"id": decision["id"]}, "sam"))["withdrawDecision"]
    assert back["state"] == "SUBMITTED"
    assert back["decisions"][0]["withdrawnAt"]
    assert (await work.launch())["waiting"]["kind"] == "APPROVAL"
    again = (await work.ask(WITHDRAW, {"id": decision["id"]}, "sam"))["withdrawDecision"]
    assert again["__typename"] == "WrongRequestState"


async def test_a_job_type_that_is_saved_voids_what_covers_it(work: Requests, db: Pool) -> None:
    request = await work.approve(await work.make_submitted())
    await db.execute("UPDATE job_type SET command = '{false}', version = version + 1")
    assert (await work.launch())["waiting"]["kind"] == "APPROVAL"
    await work.look()
    request = await work.read(request["id"])
    assert (request["state"], request["waitingOn"][0]["voided"]) == ("SUBMITTED", ["CONFIGURATION"])


async def test_an_agreement_ends_with_its_time(work: Requests, db: Pool) -> None:
    await work.save_campaign()
    await work.set_rules({**PRODUCTION, "expiresAfterDays": 7})
    request = await work.approve(await work.submit((await work.create())["id"]))
    assert (await work.launch(busy="REFUSE"))["state"] == "NEW"
    await db.execute("ALTER TABLE request_decision DISABLE TRIGGER request_decision_stays")
    await db.execute("UPDATE request_decision SET at = at - interval '8 days'")
    await db.execute("ALTER TABLE request_decision ENABLE TRIGGER request_decision_stays")
    with pytest.raises(asyncpg.RestrictViolationError, match="stays as it was made"):
        await db.execute("UPDATE request_decision SET comment = 'other'")
    await db.execute(
        "UPDATE campaign_approval SET production_until = now() - interval '1 s', ends_at = now() - interval '1 s'"
    )
    assert (await work.launch(busy="REFUSE"))["__typename"] != "Submission"
    await work.look()
    assert (await work.read(request["id"]))["state"] == "SUBMITTED"


async def test_a_delegate_decides_for_somebody_and_is_no_second_person(
    work: Requests, ask: Ask
) -> None:
    await work.save_campaign()
    await work.set_rules({**PRODUCTION, "number": 2})
    request = await work.submit((await work.create())["id"])
    now = datetime.now(UTC)
    given = {
        "experiment": "hypot",
        "to": "alan",
        "startsAt": (now - timedelta(hours=1)).isoformat(),
        "endsAt": (now + timedelta(days=1)).isoformat(),
    }
    delegate = "mutation ($input: SetDelegateInput!) { setDelegate(input: $input) { __typename } }"
    assert (await work.approve(request, "alan", behalfOf="sam"))["field"] == "behalfOf"
    await ask(delegate, {"input": given}, "sam")
    await ask(delegate, {"input": given}, "sue")
    request = await work.approve(request, "alan", behalfOf="sam")
    assert request["decisions"][0]["behalfOf"] == {"username": "sam"}
    second = await work.approve(request, "alan", behalfOf="sue")
    assert second["__typename"] == "NotAskedToDecide", "one person is not two"
    assert (await work.approve(request, "sue"))["state"] == "APPROVED"


async def test_a_request_is_returned_mended_and_submitted_again_or_rejected(work: Requests) -> None:
    request = await work.make_submitted()
    given = {"id": request["id"], "reason": "Which events?"}
    for who in ("alan", "anna"):
        refused = (await work.ask(RETURN, given, who))["returnRequest"]
        assert refused["__typename"] == "NotAskedToDecide"
    back = (await work.ask(RETURN, given, "sam"))["returnRequest"]
    assert (back["state"], back["decisions"][0]["kind"]) == ("RETURNED", "RETURN")
    assert (await work.submit(request["id"]))["state"] == "SUBMITTED"
    gone = (await work.ask(REJECT, given, "sue"))["rejectRequest"]
    assert (gone["state"], gone["availableActions"]) == ("REJECTED", [])
    assert (await work.submit(request["id"]))["state"] == "REJECTED"
    assert (await work.approve(request))["__typename"] == "WrongRequestState"


async def test_other_rules_are_asked_of_what_waits_at_once(work: Requests) -> None:
    request = await work.make_submitted()
    launched = await work.launch()
    wrong = await work.set_rules({**PRODUCTION, "number": 3})
    assert [f["path"] for f in wrong["findings"]] == ["rules[0].number"]
    assert (await work.set_rules(PRODUCTION, as_="anna"))["__typename"] == "NotPermitted"
    await work.set_rules()
    await work.look()
    assert await work.read_state(launched) == "NEW"
    assert (await work.read(request["id"]))["state"] == "APPROVED"
    await work.set_rules(PRODUCTION)
    assert (await work.launch(busy="REFUSE"))["__typename"] != "Submission"
    await work.look()
    assert (await work.read(request["id"]))["state"] == "SUBMITTED"


async def test_what_is_wrong_with_a_request_is_said_at_once_and_changes_nothing(
    work: Requests, db: Pool
) -> None:
    await work.save_campaign()
    asks = [{"kind": "DATASET"}, {"kind": "EVENTS", "events": 0, "dataset": "raw"}]
    wrong = await work.create(title=" ", asks=asks, cpuHours=-1, priority=5000)
    assert [f["path"] for f in wrong["findings"]] == [
        "title", "priority", "cpuHours", "asks[0].dataset", "asks[1].events", "asks[1].dataset", "asks[1].events",
    ]  # fmt: skip
    assert await db.fetchval("SELECT count(*) FROM request") == 0
    draft = await work.create(purpose="", asks=[], campaign=None)
    missing = await work.submit(draft["id"])
    assert missing["__typename"] == "InvalidRequest", missing
    assert [f["path"] for f in missing["findings"]] == ["asks", "purpose", "campaign"]
    await work.create()
    taken = await work.create()
    assert taken["findings"][0]["message"] == "This campaign is the plan of another request."
    cancelled = (await work.ask(CANCEL, {"id": draft["id"]}))["cancelRequest"]
    assert cancelled["state"] == "CANCELLED"
    saved = {"id": draft["id"], **work.content}
    refused = (await work.ask(SAVE_REQUEST, {"input": saved}))["saveRequest"]
    assert refused["state"] == "CANCELLED"


async def test_decisions_and_changes_at_once_have_one_outcome(work: Requests) -> None:
    await work.save_campaign()
    await work.set_rules({**PRODUCTION, "number": 2})
    request = await work.submit((await work.create())["id"])
    await asyncio.gather(work.approve(request, "sam"), work.approve(request, "sue"))
    request = await work.read(request["id"])
    assert (request["state"], len(request["decisions"])) == ("APPROVED", 2)
    await work.set_rules(PRODUCTION)
    for version in ("v2", "v3", "v4"):
        asks = [{"kind": "EVENTS", "events": 1000, "softwareVersion": version}]
        changed = {
            "id": request["id"], **work.content, "asks": asks, "campaign": work.campaign["name"],
        }  # fmt: skip
        shown = await work.read(request["id"])
        answer, _ = await asyncio.gather(
            work.approve(shown), work.ask(SAVE_REQUEST, {"input": changed})
        )
        # Whichever came first: nobody has agreed to what there is now.
        assert answer["__typename"] in ("Request", "RequestChanged", "NotAskedToDecide")
        assert (await work.read(request["id"]))["state"] == "SUBMITTED"
