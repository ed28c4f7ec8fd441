"""Files brought from tape to disk by Rucio's rules.

For each mark a dataset of ours, with a rule that has the mark as its comment: by it the rule is found again.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from catalogs import CatalogRefused, StagingState
from catalogs.rucio.server import (
    MOST_FILES,
    RucioDid,
    RucioNotFound,
    RucioRefusal,
    RucioServer,
    parse_line,
)


@dataclass(frozen=True, slots=True)
class RucioRules:
    """The rules of one mark, and what Rucio's clock said then: a lifetime is counted by it."""

    rules: Sequence[dict[str, Any]]
    read_at: datetime

    def find_living(self) -> dict[str, Any] | None:
        """One that still keeps files on disk."""
        return next((each for each in self.rules if not self._is_over(each)), None)

    def count_seconds(self, until: datetime) -> float:
        """Raises CatalogRefused where it is no time to come."""
        seconds = (until - self.read_at).total_seconds()
        if seconds <= 0:
            raise CatalogRefused(
                f"Files can't be kept on disk until {until}: it is {self.read_at}."
            )
        return seconds

    def _is_over(self, rule: dict[str, Any]) -> bool:
        expires_at = rule.get("expires_at")
        return expires_at is not None and parsedate_to_datetime(expires_at) <= self.read_at


class RucioStaging(RucioServer):
    """Asks for files to be on disk until some time, and says how far that is."""

    async def stage(self, mark: str, names: Sequence[str], until: datetime) -> None:
        """A rule that is there already, living or over, is kept until then; else one is made."""
        if not names:
            raise CatalogRefused("Name the files to bring to disk: a rule for none is always kept.")
        dataset = self._name_dataset(mark)
        await self.make_dataset(dataset)
        await self.attach_files(dataset, [RucioDid.parse(name) for name in names])
        if await self._extend_rules(mark, until):
            return
        life_s = (await self._list_rules(mark)).count_seconds(until)
        try:
            await self.http.ask("POST", "/rules/", json=self._make_rule(mark, len(names), life_s))
        except RucioRefusal as refusal:
            # Asked by somebody else meanwhile, or by ourselves before we gave up waiting for the answer.
            if refusal.kind != "DuplicateRule" or not await self._extend_rules(mark, until):
                raise

    async def read_staging(self, mark: str) -> StagingState | None:
        """A rule that has expired keeps nothing on disk any more: it is as if it were not there."""
        try:
            rule = (await self._list_rules(mark)).find_living()
        except RucioNotFound:
            return None
        if rule is None:
            return None
        path = f"/dids/{self._name_dataset(mark).path}"
        did = await self.read_object(path, params={"dynamic_depth": "FILE"})
        return _count_locks(rule, did["length"] or 0)

    async def release(self, mark: str) -> None:
        """The rule ends; Rucio deletes copies that no other rule needs when it wants their room."""
        with suppress(RucioNotFound):
            for rule in (await self._list_rules(mark)).rules:
                body = {"purge_replicas": False}
                await self.http.ask("DELETE", f"/rules/{rule['id']}", json=body)

    def _name_dataset(self, mark: str) -> RucioDid:
        return RucioDid(self.settings.scope, mark)

    def _make_rule(self, mark: str, files: int, life_s: float) -> dict[str, Any]:
        """Of many files Rucio makes the locks later by itself: else it takes longer than anybody waits."""
        return {
            "dids": [self._name_dataset(mark).item],
            "copies": 1,
            "rse_expression": self.settings.disk,
            "lifetime": life_s,
            "grouping": "DATASET",
            "account": self.settings.account,
            "activity": self.settings.activity,
            "asynchronous": files > MOST_FILES,
            "comment": mark,
        }

    async def _list_rules(self, mark: str) -> RucioRules:
        path = f"/dids/{self._name_dataset(mark).path}/rules"
        headers, text = await self.http.ask("GET", path)
        rules = [parse_line(line) for line in text.encode().splitlines() if line.strip()]
        return RucioRules(
            [rule for rule in rules if rule["comments"] == mark],
            parsedate_to_datetime(headers["Date"]),
        )

    async def _extend_rules(self, mark: str, until: datetime) -> bool:
        """Whether there was one to be kept for longer."""
        found = await self._list_rules(mark)
        for rule in found.rules:
            with suppress(RucioNotFound):  # cleaned away since
                body = {"options": {"lifetime": found.count_seconds(until)}}
                await self.http.ask("PUT", f"/rules/{rule['id']}", json=body)
                return True
        return False


def _count_locks(rule: dict[str, Any], files: int) -> StagingState:
    """A rule may be OK without a lock for what was attached after it was made, and has none while it waits."""
    on_disk, stuck = rule["locks_ok_cnt"], rule["locks_stuck_cnt"]
    files = max(files, on_disk + stuck + rule["locks_replicating_cnt"])
    without = files - on_disk - stuck - rule["locks_replicating_cnt"]
    reasons = [rule["error"] or ""]
    if rule["state"] not in ("OK", "REPLICATING"):
        reasons.insert(0, f"Rucio's rule is {rule['state']}")
    if without:
        reasons.append(f"for {without} files Rucio has not looked yet")
    reason = "; ".join(reason for reason in reasons if reason)
    return StagingState(on_disk, files - on_disk - stuck, stuck, reason)
