"""Whatever people and workers do, in any order: nothing begins that somebody has still to agree to."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from db.pool import Pool
from db.recovery import recoveries
from db.recovery.recoveries import PreparedRecovery
from db.submissions import submissions
from domain.setup.recovery_rules import RecoveryRule
from tests.forced_states import force_state
from tests.resolvers.conftest import Ask
from tests.resolvers.test_requests import PRODUCTION, WITHDRAW, Requests
from tests.worker_tools import make_worker_tools

BEGUN = """
    SELECT id, campaign_revision, is_test FROM submission WHERE state <> 'queued' AND id <> ALL($1::bigint[])
"""
STEPS = 80


class GateWalk:
    """People who save, agree, take it back, set rules and launch, and a plain model of what may begin."""

    def __init__(self, work: Requests, db: Pool, seed: int) -> None:
        self.work, self.db, self.random = work, db, Random(seed)
        self.request: dict[str, Any] = {}
        self.is_ruled = False
        self.agreed: dict[str, str] = {}
        """Versions of the plan that sam agrees to, by his decisions."""
        self.versions: dict[int, str] = {}
        """What the plan says, by the campaign's revision."""
        self.known: list[int] = []
        self.begun_in_production = 0

    async def begin(self) -> None:
        await self.save()
        self.request = await self.work.submit((await self.work.create())["id"])

    async def save(self) -> None:
        """Another plan, or an earlier one again."""
        version = self.random.choice("abc")
        await self.work.save_campaign(softwareVersion=version)
        self.versions[self.work.campaign["revision"]] = version

    async def agree(self) -> None:
        shown = await self.work.read(self.request["id"])
        answer = await self.work.approve(shown)
        if answer["__typename"] == "Request":
            current = self.versions[self.work.campaign["revision"]]
            self.agreed[answer["decisions"][-1]["id"]] = current

    async def withdraw(self) -> None:
        if self.agreed:
            decision, _ = self.agreed.popitem()
            answer = await self.work.ask(WITHDRAW, {"id": decision}, "sam")
            assert answer["withdrawDecision"]["__typename"] == "Request"

    async def set_rules(self) -> None:
        self.is_ruled = not self.is_ruled
        await self.work.set_rules(*([PRODUCTION] if self.is_ruled else []))

    async def launch(self) -> None:
        await self.work.launch(test=self.random.random() < 0.2)

    async def launch_twice(self) -> None:
        await self.launch()
        await self.work.look()

    async def recover(self) -> None:
        """What failed is launched again, by hand."""
        begun = await self.db.fetchval("SELECT max(id) FROM submission WHERE state = 'new'")
        if begun is None:
            return
        await force_state(self.db, "failed", "id = $1", begun)
        [origin] = await submissions.find_by_ids(self.db, [begun])
        ready = await recoveries.prepare_recovery(self.db, [origin], RecoveryRule("all"))
        if isinstance(ready, PreparedRecovery):
            await recoveries.launch_recovery(self.db, ready, None, await self._find_person())

    async def _find_person(self) -> int:
        return int(await self.db.fetchval("SELECT id FROM person WHERE username = 'anna'"))

    async def check(self, what: str) -> None:
        """All that has begun since was agreed to, or needed nobody."""
        for row in await self.db.fetch(BEGUN, self.known):
            self.known.append(row["id"])
            self.begun_in_production += not row["is_test"]
            version = self.versions[row["campaign_revision"]]
            free = row["is_test"] or not self.is_ruled or version in self.agreed.values()
            assert free, f"{what}: {row['id']} of version {version}, agreed {self.agreed}"


@pytest.mark.parametrize("seed", [1, 2])
async def test_nothing_begins_without_agreement(
    ask: Ask, configured: dict[str, str], db: Pool, tmp_path: Path, seed: int
) -> None:
    assert configured
    walk = GateWalk(Requests(ask, make_worker_tools(db, tmp_path)), db, seed)
    await walk.begin()
    steps = [
        walk.save,
        walk.agree,
        walk.agree,
        walk.withdraw,
        walk.set_rules,
        walk.launch,
        walk.launch_twice,
        walk.recover,
    ]
    for number in range(STEPS):
        step = walk.random.choice(steps)
        await step()
        await walk.check(f"seed {seed}, step {number}, {step.__name__}")
    await walk.work.look()
    await walk.check("the end")
    assert walk.begun_in_production > 3, "nothing would be proved"
