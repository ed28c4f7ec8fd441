"""The account of what is done: each input of a stage (of a generator: unit) once, where it was given last.

A submission's row keeps what became of its own inputs (generated columns: whatever moves its counters moves them,
too); what it has passed on to later ones is noted by whoever takes that, and folded into its row later. All that is
read adds both in one snapshot, in which each of these notes is in exactly one of them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from db.pool import Database, Pool, fetch_many
from db.submissions.progress import FOLD_LOCK, LOCK_FOLD
from domain.submissions.accounts import AccountTally


@dataclass(frozen=True, slots=True)
class Account:
    """What became of inputs and outputs: of a submission's family, a stage, or a campaign, whose id it is."""

    id: int
    inputs_given: int
    """The sum of the next six."""
    inputs_done: int
    inputs_in_work: int
    inputs_waiting: int
    inputs_owed: int
    inputs_lost: int
    inputs_waived: int
    origins: int
    """Families of submissions: launches without their recoveries."""
    submissions_live: int
    """That are not over, recoveries too."""
    origins_located: int
    outputs_declared: int
    outputs_located: int
    outputs_lost: int
    outputs_refused: int
    events_located: int
    dataset_files: int | None
    """Of a stage that works on a dataset: how many files that has now."""

    @property
    def tally(self) -> AccountTally:
        """What decides what it comes to."""
        return AccountTally(
            given=self.inputs_given,
            done=self.inputs_done,
            waived=self.inputs_waived,
            under_way=self.inputs_in_work + self.inputs_waiting + self.inputs_owed,
            lost=self.inputs_lost,
            launches=self.origins,
            launches_live=self.submissions_live,
            launches_located=self.origins_located,
        )


INPUTS = (
    "inputs_given", "inputs_done", "inputs_in_work", "inputs_waiting", "inputs_owed", "inputs_lost", "inputs_waived",
)  # fmt: skip
OUTPUTS = (
    "outputs_declared", "outputs_located", "outputs_lost", "outputs_refused", "events_located",
)  # fmt: skip
LIVE = "state IN ('queued', 'new', 'submitting', 'uncertain', 'idle', 'running', 'held')"


def render_given_inputs(live: str) -> str:
    """CTEs of a statement that gives files to a new submission, whose `live_file` rows the CTE `live` returns.

    Each file is the new submission's from now on, and the one that had it passes it on. Where that one's row is in
    the archive, the rule that a file is done once knows what became of it.
    """
    return f"""given AS (
        INSERT INTO stage_input AS i (stage_id, is_test, file_id, submission_id)
        SELECT stage_id, is_test, file_id, submission_id FROM {live}
            ON CONFLICT (stage_id, is_test, file_id) DO UPDATE SET submission_id = excluded.submission_id
        RETURNING i.stage_id, i.is_test, i.file_id, old.submission_id AS was
    ), passed AS (
        INSERT INTO passed_input (stage_id, submission_id, done, undone, waived)
        SELECT given.stage_id, was, count(*) FILTER (WHERE is_done), count(*) FILTER (WHERE NOT is_done),
               count(w.key) FILTER (WHERE NOT is_done)
          FROM given JOIN submission s ON s.id = was
          LEFT JOIN input_file f ON f.submission_id = was AND f.file_id = given.file_id
         CROSS JOIN LATERAL (
               SELECT coalesce(f.outcome = 'done', EXISTS (
                          SELECT FROM processed_file p
                           WHERE p.stage_id = given.stage_id AND p.version = s.configuration ->> 'version'
                             AND p.is_test = given.is_test AND p.file_id = given.file_id)) AS is_done) o
          LEFT JOIN waived_input w ON w.submission_id = was AND w.key = given.file_id
         GROUP BY given.stage_id, was
    )"""


# What was passed on and is not folded yet, as it changes the sums of the submission that had it.
PASSED = """
    SELECT s.id, s.origin_id, s.stage_id, s.is_test, s.state, -p.done - p.undone AS inputs_given,
           -p.done AS inputs_done, 0 AS inputs_in_work, 0 AS inputs_waiting,
           CASE WHEN s.settled THEN 0 ELSE p.waived - p.undone END AS inputs_owed,
           CASE WHEN s.settled THEN p.waived - p.undone ELSE 0 END AS inputs_lost, -p.waived AS inputs_waived
      FROM passed_input p JOIN submission s ON s.id = p.submission_id
"""


def _render_sums(names: Sequence[str], table: str) -> str:
    return ", ".join(f"coalesce(sum({table}.{name}), 0)::bigint AS {name}" for name in names)


OF_FAMILIES = f"""
    SELECT family.id, {_render_sums(INPUTS, "m")}, sum(m.origins)::bigint AS origins,
           (count(*) FILTER (WHERE {LIVE}))::bigint AS submissions_live,
           (count(*) FILTER (WHERE m.origins > 0 AND state = 'located'))::bigint AS origins_located,
           {_render_sums(OUTPUTS, "m")}, NULL::bigint AS dataset_files
      FROM (SELECT DISTINCT unnest($1::bigint[]) AS id) family
      JOIN LATERAL (
           SELECT {", ".join(INPUTS)}, origins, state::text, {", ".join(OUTPUTS)}
             FROM submission WHERE id = family.id OR origin_id = family.id
            UNION ALL
           SELECT {", ".join(INPUTS)}, 0, '', {", ".join("0" for _ in OUTPUTS)} FROM ({PASSED}
            WHERE s.id = family.id OR s.origin_id = family.id) unfolded) m ON true
     GROUP BY family.id
"""


async def list_by_families(db: Database, origin_ids: Sequence[int]) -> list[Account]:
    """The accounts of submissions with all their recoveries."""
    return await fetch_many(db, Account, OF_FAMILIES, origin_ids)


NOTED = f"""
    SELECT stage_id, state::text, submissions, origins, {", ".join((*INPUTS, *OUTPUTS))}
      FROM stage_progress WHERE stage_id = stage.id AND is_test = $2
     UNION ALL
    SELECT stage_id, state::text, submissions, origins, {", ".join((*INPUTS, *OUTPUTS))}
      FROM stage_progress_delta WHERE stage_id = stage.id AND is_test = $2
     UNION ALL
    SELECT stage_id, state::text, 0, 0, {", ".join(INPUTS)}, {", ".join("0" for _ in OUTPUTS)}
      FROM ({PASSED} WHERE p.stage_id = stage.id AND s.is_test = $2) unfolded
"""


def _render_stage_sums(id: str, column: str, dataset_files: str) -> str:
    return f"""
    SELECT {id} AS id, {_render_sums(INPUTS, "n")}, {_render_sums(["origins"], "n")},
           coalesce(sum(n.submissions) FILTER (WHERE n.{LIVE}), 0)::bigint AS submissions_live,
           coalesce(sum(n.origins) FILTER (WHERE n.state = 'located'), 0)::bigint AS origins_located,
           {_render_sums(OUTPUTS, "n")}, {dataset_files} AS dataset_files
      FROM stage LEFT JOIN LATERAL ({NOTED}) n ON true
     WHERE stage.{column} = ANY($1::bigint[])
     GROUP BY {id}
    """


DATASET = (
    "CASE WHEN $2 THEN coalesce(stage.test_dataset_id, stage.dataset_id) ELSE stage.dataset_id END"
)
DATASET_FILES = f"(SELECT head FROM dataset WHERE id = {DATASET})"
OF_STAGES = _render_stage_sums("stage.id", "id", DATASET_FILES)
OF_CAMPAIGNS = _render_stage_sums("stage.campaign_id", "campaign_id", "NULL::bigint")


ListAccounts = Callable[[Database, Sequence[int], bool], Awaitable[list[Account]]]
"""Of stages or campaigns, in tests or not."""


async def list_by_stages(
    db: Database,
    stage_ids: Sequence[int],
    is_test: bool,  # noqa: FBT001 - a loader's
) -> list[Account]:
    """The accounts of stages."""
    return await fetch_many(db, Account, OF_STAGES, stage_ids, is_test)


async def list_by_campaigns(
    db: Database,
    campaign_ids: Sequence[int],
    is_test: bool,  # noqa: FBT001 - a loader's
) -> list[Account]:
    """The accounts of campaigns: sums over their stages; a campaign without stages has none."""
    return await fetch_many(db, Account, OF_CAMPAIGNS, campaign_ids, is_test)


UNFOLDED = "SELECT EXISTS (SELECT FROM passed_input)"
LOCK_PASSED = """
    SELECT s.id FROM submission s
     WHERE s.id IN (SELECT submission_id FROM passed_input WHERE id = ANY($1::bigint[])) ORDER BY s.id
       FOR NO KEY UPDATE
"""
OLDEST_PASSED = "SELECT id FROM passed_input ORDER BY id LIMIT $1"
# What was told of a file meanwhile may be otherwise than who took it saw it: never more is passed on than there was.
FOLD_PASSED = """
    WITH folded AS (
        DELETE FROM passed_input WHERE id = ANY($1::bigint[]) RETURNING submission_id, done, undone, waived
    ), known AS (
        SELECT s.id, s.passed_done + f.done AS done, s.passed_done + s.passed_undone + f.done + f.undone AS passed,
               greatest(s.inputs_waived - f.waived, 0) AS waived, s.files + s.units AS given,
               s.files_done + least(s.jobs_succeeded, s.units) AS did
          FROM (SELECT submission_id, sum(done) AS done, sum(undone) AS undone, sum(waived) AS waived
                  FROM folded GROUP BY submission_id) f JOIN submission s ON s.id = f.submission_id
    ), kept AS (
        SELECT id, passed, waived, greatest(least(done, did), passed - (given - did - waived)) AS done FROM known
    )
    UPDATE submission s
       SET passed_done = k.done, passed_undone = k.passed - k.done, inputs_waived = k.waived
      FROM kept k WHERE s.id = k.id
"""


async def fold_passed_inputs(db: Pool, bound: int) -> int:
    """Add to submissions' rows what they have passed on; returns how many notes. One process does at a time."""
    if not await db.fetchval(UNFOLDED):
        return 0
    async with db.acquire() as conn, conn.transaction():
        if not await conn.fetchval(LOCK_FOLD, FOLD_LOCK):
            return 0
        ids = [row[0] for row in await conn.fetch(OLDEST_PASSED, bound)]
        await conn.execute(LOCK_PASSED, ids)
        await conn.execute(FOLD_PASSED, ids)
        return len(ids)
