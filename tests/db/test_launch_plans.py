"""Plans that were shown are kept for a while."""

from db.launching import launch_plans
from db.pool import Pool
from domain.launching.launch_plans import Parts, PlanPart, compute_plan_hash

PLAN: Parts = {
    PlanPart.SUBJECT: {"stage": 1},
    PlanPart.CURSOR: {"epoch": 1, "cursor": 2**60, "text": "ä\n"},
}


async def test_a_plan_is_found_by_its_hash_until_it_expires(db: Pool) -> None:
    name = (await launch_plans.keep_plan(db, PLAN)).hash
    assert (await launch_plans.keep_plan(db, PLAN)).hash == name
    found = await launch_plans.find(db, name, {"stage": 1})
    assert found is not None
    assert (compute_plan_hash(found), found) == (name, PLAN)
    assert await launch_plans.find(db, name, {"stage": 2}) is None
    assert await launch_plans.find(db, "another", {"stage": 1}) is None
    await launch_plans.delete_expired(db)
    assert await launch_plans.find(db, name, {"stage": 1})
    await db.execute("UPDATE launch_plan SET expires_at = now()")
    assert await launch_plans.find(db, name, {"stage": 1}) is None
    await launch_plans.delete_expired(db)
    assert await db.fetchval("SELECT count(*) FROM launch_plan") == 0
