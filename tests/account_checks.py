"""The account of what is done, compared with a recount of the input rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from db.pool import Database
from db.submissions import accounts
from db.submissions.accounts import INPUTS, Account
from domain.submissions.submissions import LIVE

WAITING = {"queued", "new", "submitting", "uncertain", "idle"}
# Everything that was ever given to a submission, oldest first: of a generator by the family and the unit.
ROWS = """
    SELECT s.id, s.stage_id, s.is_test, s.state::text, coalesce(s.origin_id, s.id) AS family, x.*
      FROM submission s CROSS JOIN LATERAL (
           SELECT 'file ' || i.file_id AS input, i.outcome::text,
                  EXISTS (SELECT FROM waived_input w WHERE (w.submission_id, w.key) = (s.id, i.file_id)) AS waived
             FROM input_file i WHERE i.submission_id = s.id
            UNION ALL
           SELECT 'unit ' || coalesce(s.origin_id, s.id) || ' ' || u.index,
                  CASE j.state WHEN 'succeeded' THEN 'done' WHEN 'failed' THEN 'failed' WHEN 'removed' THEN 'failed'
                               ELSE 'none' END,
                  EXISTS (SELECT FROM waived_input w WHERE (w.submission_id, w.key) = (s.id, u.index))
             FROM work_unit u JOIN job j USING (submission_id, number)
            WHERE u.submission_id = s.id AND u.index IS NOT NULL) x
     ORDER BY s.id
"""
SETTLED = """
    SELECT coalesce(origin_id, id) FROM submission GROUP BY 1 HAVING bool_and(advanced_at IS NOT NULL)
"""


@dataclass(frozen=True)
class GivenInput:
    """What is known of an input by the last submission that has it."""

    stage_id: int
    is_test: bool
    family: int
    part: str


def judge_input(row: Any, settled: set[int]) -> str:
    """Of which part of the account an input is."""
    if row["waived"] and row["outcome"] != "done":
        return "inputs_waived"
    if row["outcome"] == "done":
        return "inputs_done"
    if row["state"] in LIVE and row["outcome"] == "none":
        return "inputs_waiting" if row["state"] in WAITING else "inputs_in_work"
    is_over = row["state"] not in LIVE and row["family"] in settled
    return "inputs_lost" if is_over else "inputs_owed"


async def recount_inputs(db: Database) -> list[GivenInput]:
    settled = {row[0] for row in await db.fetch(SETTLED)}
    newest = {(r["stage_id"], r["is_test"], r["input"]): r for r in await db.fetch(ROWS)}
    return [
        GivenInput(row["stage_id"], row["is_test"], row["family"], judge_input(row, settled))
        for row in newest.values()
    ]


def sum_up(those: Iterable[GivenInput]) -> dict[str, int]:
    counted = Counter(each.part for each in those)
    return {name: counted[name] for name in INPUTS} | {"inputs_given": counted.total()}


def show_inputs(account: Account) -> dict[str, int]:
    return {name: getattr(account, name) for name in INPUTS}


async def expect_account_is_recount(db: Database) -> None:
    """Of all stages, campaigns and families; read it where nothing changes meanwhile, or in one snapshot."""
    known = await recount_inputs(db)
    of_stages = await db.fetch("SELECT id, campaign_id FROM stage ORDER BY id")
    stages = [row["id"] for row in of_stages]
    campaign_of = {row["id"]: row["campaign_id"] for row in of_stages}
    for is_test in (False, True):
        mine = [each for each in known if each.is_test is is_test]
        for kept in await accounts.list_by_stages(db, stages, is_test=is_test):
            assert show_inputs(kept) == sum_up(e for e in mine if e.stage_id == kept.id)
        campaigns = sorted({*campaign_of.values()})
        for kept in await accounts.list_by_campaigns(db, campaigns, is_test):
            assert show_inputs(kept) == sum_up(
                e for e in mine if campaign_of[e.stage_id] == kept.id
            )
    families = defaultdict[int, list[GivenInput]](list)
    for each in known:
        families[each.family].append(each)
    ids = [row[0] for row in await db.fetch("SELECT id FROM submission WHERE origin_id IS NULL")]
    for kept in await accounts.list_by_families(db, [*ids, *ids]):
        assert show_inputs(kept) == sum_up(families[kept.id])
