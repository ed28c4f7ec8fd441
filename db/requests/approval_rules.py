"""Who has to agree to launches, by the rules that experiments have set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_person
from db.pool import Connection, Database, fetch_one
from domain.requests.approval_rules import ApprovalRule


@dataclass(frozen=True, slots=True)
class ApprovalRuleSet:
    """One row of `approval_rule_set`."""

    id: int
    experiment_id: int
    version: int
    rules: list[dict[str, Any]]
    set_by: int
    set_at: datetime

    @property
    def parsed(self) -> list[ApprovalRule]:
        """The rules, as the domain knows them."""
        return [ApprovalRule.of(rule) for rule in self.rules]


COLUMNS = ", ".join(ApprovalRuleSet.__dataclass_fields__)
OF_EXPERIMENT = f"SELECT {COLUMNS} FROM approval_rule_set WHERE experiment_id = $1"


async def find(db: Database, experiment_id: int) -> ApprovalRuleSet | None:
    """The rules of an experiment; None where it never had any."""
    return await fetch_one(db, ApprovalRuleSet, OF_EXPERIMENT, experiment_id)


# Nobody makes or saves a campaign meanwhile: the rules would not be asked of it.
LOCK = "SELECT FROM experiment WHERE id = $1 FOR UPDATE"
SET = f"""
    WITH saved AS (
        INSERT INTO approval_rule_set (experiment_id, rules, set_by) VALUES ($1, $2, $3)
            ON CONFLICT (experiment_id) DO UPDATE
           SET rules = excluded.rules, version = approval_rule_set.version + 1, set_by = excluded.set_by, set_at = now()
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'experiment.approval_rules', {sign_as_person("$3")}, nullif($4::text, ''),
               jsonb_build_object('rules', jsonb_path_query_array(rules, '$[*].name'))
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""
# What may still launch: the newest revision of each campaign, and those of launches that wait.
DOUBT = """
    INSERT INTO campaign_approval (campaign_id, revision)
    SELECT id, revision FROM campaign WHERE experiment_id = $1 AND revision > 0
     UNION
    SELECT campaign_id, campaign_revision FROM submission WHERE experiment_id = $1 AND state = 'queued'
        ON CONFLICT (campaign_id, revision) DO UPDATE SET rules_version = 0
"""


async def set_rules(
    conn: Connection, experiment_id: int, rules: Sequence[ApprovalRule], person_id: int, reason: str
) -> ApprovalRuleSet:
    """Set the rules of an experiment; what it launches is looked at anew before anything of it begins."""
    await conn.execute(LOCK, experiment_id)
    stored = [rule.to_json() for rule in rules]
    row = await fetch_one(conn, ApprovalRuleSet, SET, experiment_id, stored, person_id, reason)
    assert row is not None  # noqa: S101 - the experiment is there
    await conn.execute(DOUBT, experiment_id)
    return row
