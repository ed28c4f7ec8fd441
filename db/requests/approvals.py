"""Looking whether everybody has agreed who has to: from the rules, the plan as it is, and what was decided.

What comes of a look is kept for the queue of launches (`db/launching/launch_approvals.py`) and moves the request. Locks
are taken in one order: the request, then the revision's row. What is read after that is what is looked at: whoever
changes some of it meanwhile waits, or has the revision looked at again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from db.pool import Connection, Database, fetch_many, fetch_one
from db.requests import decisions, requests
from db.requests.requests import Request, RevisionSource
from db.setbacks import leave_out
from db.setup import job_types, login_setups
from domain.campaigns.plans import CampaignPlan
from domain.changes import ServicePart, make_service_actor
from domain.permissions import Role
from domain.requests.approval_rules import ApprovalRule, ApprovalSubject, StageSubject
from domain.requests.approvals import (
    ApprovalDecided,
    ApprovalFacts,
    ApprovalVerdict,
    decide_approval,
)
from domain.requests.plan_parts import (
    PART_OF_JOB_TYPE,
    PlanCost,
    PlanSources,
    RequestPart,
    build_parts,
    hash_parts,
)
from domain.requests.requests import RequestContent, RequestState


@dataclass(frozen=True, slots=True)
class PlannedCampaign:
    """A revision of a campaign, with what rules ask of it."""

    campaign_id: int
    experiment_id: int
    revision: int
    is_newest: bool
    body: dict[str, Any]
    author_id: int
    author: str
    priority: int
    owning_role: Role


CAMPAIGN = """
    SELECT c.id AS campaign_id, c.experiment_id, v.number AS revision, v.number = c.revision AS is_newest, v.body,
           v.author_id, p.username AS author, c.priority, c.owning_role
      FROM campaign c JOIN campaign_revision v ON v.campaign_id = c.id JOIN person p ON p.id = v.author_id
     WHERE c.id = $1 AND v.number = coalesce($2::int, c.revision)
"""
RULES = """
    SELECT coalesce(max(version), 0), coalesce((array_agg(rules))[1], '[]'), clock_timestamp()
      FROM approval_rule_set WHERE experiment_id = $1
"""
AUTHORS = """
    SELECT p.username FROM person p
     WHERE p.id IN (SELECT author_id FROM request_revision WHERE request_id = $1 AND hashes->>'content' = $2
                     UNION SELECT owner_id FROM request WHERE id = $1)
"""
LOCK = """
    INSERT INTO campaign_approval (campaign_id, revision) VALUES ($1, $2)
        ON CONFLICT (campaign_id, revision) DO UPDATE SET looked_at = now()
"""
KEEP = """
    UPDATE campaign_approval
       SET rules_version = greatest($3, 1), production = $4, production_until = $5::timestamptz, test = $6,
           test_until = $7::timestamptz, ends_at = least($5::timestamptz, $7::timestamptz), missing = $8,
           looked_at = now()
     WHERE campaign_id = $1 AND revision = $2
"""


@dataclass(frozen=True, slots=True)
class ApprovalLook:
    """What came of a look at a request or a campaign."""

    facts: ApprovalFacts
    production: ApprovalDecided
    test: ApprovalDecided

    @property
    def missing(self) -> list[dict[str, Any]]:
        """Who has still to agree, as it is stored."""
        return [
            {**asdict(each), "is_test": is_test, "reason": each.reason}
            for is_test, found in ((False, self.production), (True, self.test))
            for each in found.missing
        ]


async def look_at_campaign(conn: Connection, campaign_id: int, revision: int) -> None:
    """Look at a revision of a campaign that launches, or waits to; with its request, if it is one's plan."""
    request_id = await requests.find_by_campaign(conn, campaign_id)
    request = None if request_id is None else await requests.lock(conn, request_id)
    if campaign := await _lock_campaign(conn, campaign_id, revision):
        await _inspect_approval(conn, request, campaign, RevisionSource())


async def look_at_request(
    conn: Connection, request: Request, source: RevisionSource | None = None
) -> Request:
    """Look at a locked request; where it is not as its last revision has it, it has another one by this source."""
    now, _ = await read_request(conn, request, source)
    return now


async def read_request(
    conn: Connection, request: Request, source: RevisionSource | None = None
) -> tuple[Request, ApprovalFacts]:
    """The same, with all that decides about it."""
    campaign = None
    if request.campaign_id is not None:
        campaign = await _lock_campaign(conn, request.campaign_id, None)
    facts = await _inspect_approval(conn, request, campaign, source or RevisionSource())
    return await requests.lock(conn, request.id), facts


async def _lock_campaign(
    conn: Connection, campaign_id: int, revision: int | None
) -> PlannedCampaign | None:
    """A revision (None: the newest) as it is once its row is locked: who changes it later has it looked at again."""
    found = await fetch_one(conn, PlannedCampaign, CAMPAIGN, campaign_id, revision)
    if found is None:
        return None
    await conn.execute(LOCK, campaign_id, found.revision)
    return await fetch_one(conn, PlannedCampaign, CAMPAIGN, campaign_id, found.revision)


async def _inspect_approval(
    conn: Connection,
    request: Request | None,
    campaign: PlannedCampaign | None,
    source: RevisionSource,
) -> ApprovalFacts:
    """Keep what comes of a look at what is locked, and move the request by it."""
    facts, parts, version = await _collect_facts(conn, request, campaign)
    look = ApprovalLook(
        facts, decide_approval(facts, is_test=False), decide_approval(facts, is_test=True)
    )
    if campaign is not None:
        both = (
            found for each in (look.production, look.test) for found in (each.verdict, each.until)
        )
        await conn.execute(
            KEEP, campaign.campaign_id, campaign.revision, version, *both, look.missing
        )
    if request is not None and (campaign is None or campaign.is_newest):
        await _follow_request(conn, request, campaign, look, parts, source)
    return facts


async def _follow_request(
    conn: Connection,
    request: Request,
    campaign: PlannedCampaign | None,
    look: ApprovalLook,
    parts: Mapping[str, Any],
    source: RevisionSource,
) -> None:
    """Keep the request as it is now, and move it where that follows from what was looked at."""
    hashes = {part.value: found for part, found in look.facts.hashes.items()}
    last = await requests.find_revision(conn, request.id, request.revision)
    if last is None or (last.hashes, last.content) != (hashes, request.content):
        if source == RevisionSource():
            source = await _find_source(request, campaign, last)
        revision = campaign.revision if campaign else None
        await requests.add_revision(conn, request.id, revision, parts, hashes, source)
    await requests.note_missing(conn, request.id, look.missing)
    by = make_service_actor(ServicePart.APPROVALS)
    if look.production.verdict is not ApprovalVerdict.WAITING:
        if request.state is RequestState.SUBMITTED:
            why = "Everybody who has to agree has agreed."
            if look.production.verdict is ApprovalVerdict.FREE:
                why = "No rule of the experiment wants anybody's agreement."
            await requests.move_state(
                conn, request.id, [request.state], RequestState.APPROVED, replace(by, reason=why)
            )
    elif request.state in (RequestState.APPROVED, RequestState.ASSIGNED):
        why = look.production.missing[0].reason
        await requests.move_state(
            conn, request.id, [request.state], RequestState.SUBMITTED, replace(by, reason=why)
        )


async def _find_source(
    request: Request, campaign: PlannedCampaign | None, last: requests.RequestRevision | None
) -> RevisionSource:
    """Who has changed what a request refers to."""
    if last is None:
        return RevisionSource(request.owner_id)
    if campaign is not None and campaign.revision != last.campaign_revision:
        return RevisionSource(
            campaign.author_id, f"The campaign was saved as its revision {campaign.revision}."
        )
    return RevisionSource(None, "A job type or login setup of the plan was saved.")


async def _collect_facts(
    conn: Connection, request: Request | None, campaign: PlannedCampaign | None
) -> tuple[ApprovalFacts, dict[str, Any], int]:
    """All that decides, the parts as JSON, and the version of the rules."""
    experiment_id = request.experiment_id if request else campaign.experiment_id  # type: ignore[union-attr]
    version, rules, now = await conn.fetchrow(RULES, experiment_id)  # type: ignore[misc]
    content = RequestContent.of(request.content) if request else RequestContent(title="")
    sources = await _read_sources(conn, experiment_id, content, campaign)
    parts = build_parts(sources)
    hashes = hash_parts(parts)
    facts = ApprovalFacts(
        rules=[ApprovalRule.of(rule) for rule in rules],
        subject=_build_subject(sources, content, request, campaign),
        hashes=hashes,
        signatures=await decisions.list_signatures(conn, request.id) if request else (),
        authors=await _list_authors(conn, request, campaign, hashes[RequestPart.CONTENT]),
        now=now,
    )
    return facts, {part.value: found for part, found in parts.items()}, version


async def _list_authors(
    conn: Connection, request: Request | None, campaign: PlannedCampaign | None, content: str
) -> frozenset[str]:
    """Who has asked for it and planned it, as it is now."""
    found = {campaign.author} if campaign else set()
    if request:
        found |= {row["username"] for row in await conn.fetch(AUTHORS, request.id, content)}
    return frozenset(found)


async def _read_sources(
    conn: Connection, experiment_id: int, content: RequestContent, campaign: PlannedCampaign | None
) -> PlanSources:
    cost = PlanCost(content.cpu_hours, content.storage_bytes)
    if campaign is None:
        return PlanSources(content.asks, cost=cost)
    plan = CampaignPlan.of(campaign.body)
    types = await job_types.find_by_names(
        conn, experiment_id, sorted({stage.job_type for stage in plan.stages})
    )
    setups = await login_setups.find_by_names(
        conn, experiment_id, sorted({stage.login_setup for stage in plan.stages})
    )
    return PlanSources(
        content.asks,
        plan,
        {row.name: {name: getattr(row, name) for name in PART_OF_JOB_TYPE} for row in types},
        {row.name: {**asdict(row.definition), "host": row.launch_host_id} for row in setups},
        cost,
    )


def _build_subject(
    sources: PlanSources,
    content: RequestContent,
    request: Request | None,
    campaign: PlannedCampaign | None,
) -> ApprovalSubject:
    """What rules ask; before there is a plan, of a stage of which nothing is known but the datasets asked for."""
    owning = campaign or request
    assert owning is not None  # noqa: S101 - something is looked at
    stages = [
        StageSubject(job_type=stage.job_type, kind=stage.kind, dataset=stage.dataset)
        for stage in (sources.campaign.stages if sources.campaign else ())
    ]
    return ApprovalSubject(
        stages=stages,
        owning_role=owning.owning_role,
        priority=max(content.priority, campaign.priority) if campaign else content.priority,
        physics_group=content.physics_group,
        cost=sources.cost,
    )


SOUND = leave_out("approvals", "'campaign:' || a.campaign_id")
TO_LOOK_AT = f"""
    (SELECT a.campaign_id, a.revision, c.experiment_id
       FROM campaign_approval a JOIN campaign c ON c.id = a.campaign_id
       JOIN campaign_revision v ON v.campaign_id = a.campaign_id AND v.number = a.revision
      WHERE a.rules_version = 0 AND {SOUND} ORDER BY a.campaign_id, a.revision LIMIT $1)
     UNION
    (SELECT a.campaign_id, a.revision, c.experiment_id
       FROM campaign_approval a JOIN campaign c ON c.id = a.campaign_id
      WHERE a.ends_at <= now() AND a.revision = c.revision AND {SOUND} LIMIT $1)
"""


@dataclass(frozen=True, slots=True)
class DoubtedRevision:
    """A revision of a campaign that is to be looked at."""

    campaign_id: int
    revision: int
    experiment_id: int


async def list_doubted(db: Database, limit: int) -> Sequence[DoubtedRevision]:
    """What is to be looked at anew: what has changed, and where an agreement has expired since the last look."""
    return await fetch_many(db, DoubtedRevision, TO_LOOK_AT, limit)
