"""An experiment whose launches are looked at: somebody may have to agree to them."""

from db.requests import approval_rules
from domain.requests.approval_rules import ApprovalRule
from tests.factories import Factory

REVISIONS = """
    INSERT INTO campaign_revision (campaign_id, number, body, author_id)
    SELECT id, revision, jsonb_build_object('name', name, 'stages', '[]'::jsonb, 'dependencies', '[]'::jsonb), owner_id
      FROM campaign WHERE revision > 0 ON CONFLICT DO NOTHING
"""


async def set_rule_of_nobody(plant: Factory) -> None:
    """A rule that is about none of the campaigns there are: each has to be looked at before it launches again."""
    await plant.db.execute(REVISIONS)
    rule = ApprovalRule(name="high", priority_over=1000, people=["somebody"])
    async with plant.db.acquire() as conn, conn.transaction():
        await approval_rules.set_rules(conn, plant.experiment_id, [rule], plant.person_id, "")
