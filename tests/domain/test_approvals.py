"""Who has still to agree: rules over what there is, and what was agreed to."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.plans import CampaignPlan, PlanEdge, StagePlan
from domain.campaigns.stages import StageKind
from domain.permissions import Role
from domain.requests.approval_rules import (
    ApprovalRule,
    ApprovalSubject,
    LaunchClass,
    StageSubject,
    check_rules,
    is_rule_applicable,
)
from domain.requests.approvals import (
    ApprovalFacts,
    ApprovalVerdict,
    Signature,
    decide_approval,
)
from domain.requests.plan_parts import (
    PART_OF_JOB_TYPE,
    PART_OF_STAGE,
    PlanCost,
    PlanSources,
    RequestPart,
    build_parts,
    find_band,
    hash_parts,
    hash_request,
    list_changed_parts,
)
from domain.requests.requests import Ask, AskKind, KeptOutput
from domain.setup.job_types import JobTypeDefinition

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ASK = Ask(kind=AskKind.DATASET, dataset="raw", keep=(KeptOutput(stage="reco"),))
STAGE = StagePlan(name="reco", job_type="reco", login_setup="here", dataset="raw")
SOURCES = PlanSources(
    (ASK,),
    CampaignPlan(name="mc", stages=(STAGE,), dependencies=(PlanEdge("reco", "reco", ("*",)),)),
    {"reco": {"command": ["x"], "patterns": ["*.root"]}},
    {"here": {"account": "pro"}},
    PlanCost(400.0, 10**9),
)
SUBJECT = ApprovalSubject(
    stages=[StageSubject(job_type="reco", kind=StageKind.REGULAR, dataset="raw_2026")],
    owning_role=Role.PRODUCTION,
    priority=5,
    physics_group="oscillations",
    cost=PlanCost(100.0, None),
)


def test_every_field_of_a_stage_and_a_job_type_is_of_a_part_or_said_to_be_of_none() -> None:
    """A field that is forgotten here could be changed after everybody has agreed."""
    assert set(PART_OF_STAGE) == {f.name for f in fields(StagePlan)}
    assert set(PART_OF_JOB_TYPE) == {f.name for f in fields(JobTypeDefinition)}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"parameters": [["-n", "2"]]}, RequestPart.CONFIGURATION),
        ({"split": "nfiles(9)"}, RequestPart.SPLIT),
        ({"recoveries": [{"type": "process_status"}]}, RequestPart.RECOVERY),
        ({"completion_pct": 50}, RequestPart.OUTPUT),
        ({"deadline_s": 60}, None),
    ],
)
def test_a_change_of_the_plan_is_one_of_its_part(
    change: dict[str, Any], part: RequestPart | None
) -> None:
    assert SOURCES.campaign is not None
    other = replace(SOURCES, campaign=replace(SOURCES.campaign, stages=(replace(STAGE, **change),)))
    then, now = hash_parts(build_parts(SOURCES)), hash_parts(build_parts(other))
    assert list_changed_parts(then, now) == ([part] if part else [])
    assert (hash_request(then) == hash_request(now)) is (part is None)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"asks": (replace(ASK, software_version="v2"),)}, RequestPart.CONTENT),
        ({"asks": (replace(ASK, files=99),)}, None),
        ({"asks": (replace(ASK, keep=(KeptOutput(stage="reco", days=9),)),)}, RequestPart.OUTPUT),
        ({"job_types": {"reco": {"command": ["y"], "patterns": ["*.root"]}}}, RequestPart.CONFIGURATION),
        ({"login_setups": {"here": {"account": "other"}}}, RequestPart.CONFIGURATION),
        ({"cost": PlanCost(480.0, 10**9)}, None),
        ({"cost": PlanCost(501.0, 10**9)}, RequestPart.COST),
    ],
)  # fmt: skip
def test_a_change_of_what_it_refers_to_is_one_of_its_part(
    changes: dict[str, Any], part: RequestPart | None
) -> None:
    other = replace(SOURCES, **changes)
    found = list_changed_parts(hash_parts(build_parts(SOURCES)), hash_parts(build_parts(other)))
    assert found == ([part] if part else [])


@given(st.floats(0, 1e12))
def test_a_number_lies_in_its_band(number: float) -> None:
    low, high = map(int, find_band(number).split(" to "))
    assert low <= number <= high
    assert high <= max(1, low * 2.5)


@pytest.mark.parametrize(
    ("when", "is_wanted"),
    [
        ({}, True),
        ({"job_types": ["re*"]}, True),
        ({"job_types": ["gen*"]}, False),
        ({"datasets": ["raw_*"], "kinds": [StageKind.REGULAR]}, True),
        ({"kinds": [StageKind.GENERATOR]}, False),
        ({"owning_roles": [Role.ANALYSIS]}, False),
        ({"physics_groups": ["exotics", "oscillations"]}, True),
        ({"cpu_hours_over": 99.0}, True),
        ({"cpu_hours_over": 100.0}, False),
        ({"storage_over": 10**15}, True),
        ({"priority_over": 5}, False),
        ({"priority_over": 4, "physics_groups": ["exotics"]}, False),
    ],
)
def test_a_rule_is_about_what_it_says_and_unknown_costs_are_over_any_bound(
    when: dict[str, Any], is_wanted: bool
) -> None:
    rule = ApprovalRule(name="x", roles=[Role.SUPERUSER], **when)
    assert is_rule_applicable(rule, SUBJECT, is_test=False) is is_wanted
    assert not is_rule_applicable(rule, SUBJECT, is_test=True)
    both = replace(rule, launches=LaunchClass.ALL)
    assert is_rule_applicable(both, SUBJECT, is_test=True) is is_wanted
    stored = ApprovalRule.of(rule.to_json())
    assert stored.to_json() == rule.to_json() | {
        "kinds": tuple(rule.kinds), "owning_roles": tuple(rule.owning_roles), "roles": tuple(rule.roles)
    }  # fmt: skip


def test_what_is_wrong_with_rules_is_said_with_its_place() -> None:
    rules = [
        ApprovalRule(name="a", people=["ann"], number=2),
        ApprovalRule(name="a", people=["nobody"], covers=()),
        ApprovalRule(name="b", step=0, expires_after_days=0, cpu_hours_over=-1.0),
    ]
    assert [found.path for found in check_rules(rules, frozenset({"ann"}))] == [
        "rules[1].name", "rules[0].number", "rules[1].people[0]", "rules[1].covers", "rules[2].cpuHoursOver",
        "rules[2].step", "rules[2].expiresAfterDays", "rules[2]",
    ]  # fmt: skip


NAMES = ("ann", "ben", "cat")
PARTS = (RequestPart.CONTENT, RequestPart.SPLIT)
HASHES = st.fixed_dictionaries(dict.fromkeys(PARTS, st.sampled_from("xy")))


@st.composite
def draw_facts(draw: st.DrawFn) -> ApprovalFacts:
    """Rules of a few people over two parts, and what these people have signed at some time."""
    rules = [
        ApprovalRule(
            name=str(n),
            people=draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)),
            number=draw(st.integers(1, 2)),
            step=draw(st.integers(1, 2)),
            covers=draw(st.lists(st.sampled_from(PARTS), min_size=1, unique=True)),
            expires_after_days=draw(st.sampled_from([None, 3])),
            may_approve_own=draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 3)))
    ]
    signatures = [
        Signature(
            decision_id=n,
            username=draw(st.sampled_from(NAMES)),
            role=None,
            behalf_of=None,
            behalf_role=None,
            hashes=draw(HASHES),
            at=NOW - timedelta(days=draw(st.integers(0, 5)), seconds=n),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    return ApprovalFacts(
        rules=rules,
        subject=SUBJECT,
        hashes=dict.fromkeys(RequestPart, "x"),
        signatures=signatures,
        authors=frozenset(draw(st.sets(st.sampled_from(NAMES), max_size=1))),
        now=NOW,
    )


@given(draw_facts())
def test_the_verdict_is_what_a_plain_count_says(facts: ApprovalFacts) -> None:
    missing = {}
    for rule in facts.rules:
        agreed = {
            each.username
            for each in facts.signatures
            if each.username in rule.people
            and (rule.may_approve_own or each.username not in facts.authors)
            and all(each.hashes[part] == "x" for part in rule.covers)
            and (rule.expires_after_days is None or NOW - each.at < timedelta(days=3))
        }
        if len(agreed) < rule.number:
            missing[rule.name] = sorted(agreed)
    found = decide_approval(facts, is_test=False)
    assert {each.rule: list(each.by) for each in found.missing} == missing
    wanted = ApprovalVerdict.GRANTED if facts.rules else ApprovalVerdict.FREE
    assert found.verdict is (ApprovalVerdict.WAITING if missing else wanted)
    turns = {rule.step for rule in facts.rules if rule.name in missing}
    steps = {rule.name: rule.step for rule in facts.rules}
    assert all(each.is_turn is (steps[each.rule] == min(turns)) for each in found.missing)
    if found.until is not None:
        assert found.until > NOW
        later = replace(facts, now=found.until)
        assert decide_approval(later, is_test=False).verdict is ApprovalVerdict.WAITING
