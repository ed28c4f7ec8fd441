"""A submission and its recoveries: looked at together when one of them is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, fetch_many, fetch_one
from db.setbacks import leave_out
from db.submissions import decisions
from db.submissions.submissions import COLUMNS, Submission
from domain.campaigns.dependencies import name_dependent_dataset
from domain.campaigns.stages import TriggerKind
from domain.changes import ServicePart, make_service_actor

# Whoever takes one has it for a while, and longer if it says so; a crash in between costs that while, and nothing else.
TAKE = f"""
    UPDATE submission SET check_at = now() + make_interval(secs => $1)
     WHERE id = (SELECT id FROM submission WHERE ended_at IS NOT NULL AND check_at <= now()
                    AND experiment_id <> ALL($2::bigint[]) AND {leave_out("advance", "'submission:' || id")}
                  ORDER BY check_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def claim(db: Database, lease_s: float, full: Sequence[int] = ()) -> Submission | None:
    """The next submission that is over and wants looking at, of experiments that are not `full`.

    It is ours as long as its `check_at`, which proves that, is to come.
    """
    return await fetch_one(db, Submission, TAKE, lease_s, list(full))


PUT_OFF = """
    UPDATE submission SET check_at = now() + make_interval(secs => $3)
     WHERE id = $1 AND check_at = $2 RETURNING check_at
"""


async def put_off(db: Database, id: int, check_at: datetime, seconds: float) -> datetime | None:
    """Have nobody look at it for a while, or None when it isn't ours any more. Returns the next proof that it is."""
    until: datetime | None = await db.fetchval(PUT_OFF, id, check_at, seconds)
    return until


AGAIN = "UPDATE submission SET check_at = now() WHERE id = $1 AND ended_at IS NOT NULL AND archived_at IS NULL"


async def look_again(db: Database, id: int, _why: str = "") -> None:
    """Let whoever comes first take a submission again."""
    await db.execute(AGAIN, id)


FAMILY = f"SELECT {COLUMNS} FROM submission WHERE id = $1 OR origin_id = $1 ORDER BY id"


async def list_members(db: Database, origin_id: int) -> list[Submission]:
    """The origin and its recoveries, oldest first."""
    return await fetch_many(db, Submission, FAMILY, origin_id)


LOCKED = f"{FAMILY} FOR UPDATE"


async def lock_members(conn: Connection, origin_id: int) -> list[Submission]:
    """The origin and its recoveries, oldest first, locked."""
    return await fetch_many(conn, Submission, LOCKED, origin_id)


MARK = """
    UPDATE submission
       SET advanced_at = CASE WHEN $2 THEN coalesce(advanced_at, now()) ELSE advanced_at END,
           check_at = CASE WHEN $3::float8 IS NOT NULL THEN now() + make_interval(secs => $3) END
     WHERE id = $1
"""


async def mark_advanced(
    conn: Connection,
    id: int,
    *,
    advanced: bool,
    check_in_s: float | None,
) -> None:
    """Note what has been done about a submission, and when it is looked at again (None: never)."""
    await conn.execute(MARK, id, advanced, check_in_s)


HOLD = "UPDATE submission SET check_at = now() + make_interval(secs => $2) WHERE id = $1"


async def postpone_advance(
    conn: Connection, submission: Submission, why: str, seconds: float
) -> None:
    """Leave what follows from a submission for later, and have its origin say why."""
    await conn.execute(HOLD, submission.id, seconds)
    await decisions.ask_person(
        conn, submission.family, why, make_service_actor(ServicePart.ADVANCE)
    )


FIRE = "UPDATE submission SET fired_at = now() WHERE id = $1 AND fired_at IS NULL RETURNING id"


async def claim_dependents(conn: Connection, origin_id: int) -> bool:
    """Claim the launch of an origin's dependents: true once."""
    return await conn.fetchval(FIRE, origin_id) is not None


@dataclass(frozen=True, slots=True)
class OutgoingDependency:
    """One row of `dependency`, with the dataset that feeds its downstream stage."""

    id: int
    upstream_id: int
    downstream_id: int
    patterns: list[str]
    dataset_id: int | None
    test_dataset_id: int | None
    owner_id: int
    trigger: TriggerKind
    split: str
    """Of the downstream stage."""
    number: int
    """Which one of the dependencies of its upstream stage on others it is, from 1."""
    is_fed: bool
    """The downstream stage works on what it is fed; others have work of their own, and are launched by a name."""
    in_loop: bool
    """The downstream stage comes before its upstream stage, too."""
    analyst: str | None
    """The user name of the campaign's owner, where it is analysis."""

    @property
    def is_self_edge(self) -> bool:
        """The stage's next slice follows, and no files go along."""
        return self.upstream_id == self.downstream_id

    def name_dataset(self, origin_id: int) -> str:
        """How POMS calls what a submission made for it."""
        return name_dependent_dataset(origin_id, self.number, self.analyst)


# In the order of the stages downstream, whose datasets are locked one after the other.
OUTGOING = """
    SELECT d.id, d.upstream_id, d.downstream_id, d.patterns, s.dataset_id, s.test_dataset_id, c.owner_id,
           d.trigger, s.split,
           count(*) FILTER (WHERE d.downstream_id <> $1) OVER (ORDER BY d.downstream_id) AS number,
           (t.kind <> 'script' OR coalesce(f.name = 'stage:' || s.id, false)) AS is_fed,
           d.downstream_id <> $1 AND EXISTS (
               WITH RECURSIVE after (id) AS (
                   SELECT d.downstream_id
                    UNION
                   SELECT o.downstream_id FROM after JOIN dependency o ON o.upstream_id = after.id AND o.active
               ) SELECT FROM after WHERE id = $1) AS in_loop,
           CASE WHEN c.owning_role = 'analysis' THEN p.username END AS analyst
      FROM dependency d JOIN stage s ON s.id = d.downstream_id JOIN campaign c ON c.id = d.campaign_id
      JOIN person p ON p.id = c.owner_id JOIN job_type t ON t.id = s.job_type_id
      LEFT JOIN dataset f ON f.id = s.dataset_id
     WHERE d.upstream_id = $1 AND d.active AND s.active ORDER BY d.downstream_id
"""


async def list_outgoing(db: Database, stage_id: int) -> list[OutgoingDependency]:
    """The edges that leave a stage."""
    return await fetch_many(db, OutgoingDependency, OUTGOING, stage_id)


BEFORE = """
    WITH RECURSIVE way (stage_id, upstream_id) AS (
        SELECT stage_id, upstream_id FROM submission WHERE id = $1
         UNION
        SELECT s.stage_id, s.upstream_id FROM way JOIN submission s ON s.id = way.upstream_id
    ) SELECT EXISTS (SELECT FROM way WHERE stage_id = $2)
"""


async def is_after_stage(db: Database, submission_id: int, stage_id: int) -> bool:
    """Whether a submission of the stage is among those that led to this one."""
    return bool(await db.fetchval(BEFORE, submission_id, stage_id))


NAMED_DATASET = """
    INSERT INTO dataset (experiment_id, name, description, owner_id, owning_role)
    SELECT experiment_id, $2, 'What a submission made for a stage after it', owner_id, owning_role
      FROM campaign WHERE id = $1
        ON CONFLICT (experiment_id, name) DO UPDATE SET name = excluded.name
    RETURNING id
"""


async def ensure_named_dataset(conn: Connection, origin: Submission, name: str) -> int:
    """The dataset by whose name a stage is launched for what this submission made."""
    return int(await conn.fetchval(NAMED_DATASET, origin.campaign_id, name))


TEST_DATASET = """
    WITH made AS (
        INSERT INTO dataset (experiment_id, name, description, owner_id, owning_role)
        SELECT s.experiment_id, 'stage:' || s.id || ':test', 'What tests of the stages upstream make', c.owner_id,
               c.owning_role
          FROM stage s JOIN campaign c ON c.id = s.campaign_id WHERE s.id = $1
            ON CONFLICT (experiment_id, name) DO UPDATE SET name = excluded.name
        RETURNING id
    )
    UPDATE stage SET test_dataset_id = made.id FROM made WHERE stage.id = $1 RETURNING test_dataset_id
"""


async def ensure_test_dataset(conn: Connection, dependency: OutgoingDependency) -> int:
    """The dataset that tests feed to the downstream stage: production never sees it."""
    if dependency.test_dataset_id is not None:
        return dependency.test_dataset_id
    return int(await conn.fetchval(TEST_DATASET, dependency.downstream_id))


async def find_fed_dataset(
    conn: Connection, dependency: OutgoingDependency, origin: Submission
) -> int | None:
    """The dataset into which what this submission makes goes for the downstream stage.

    A stage with work of its own is given a dataset by POMS's name for that, where it is known what was made.
    """
    if not dependency.is_fed:
        if dependency.is_self_edge or not origin.runs_with.tells_outputs:
            return None
        return await ensure_named_dataset(conn, origin, dependency.name_dataset(origin.id))
    if origin.is_test:
        return await ensure_test_dataset(conn, dependency)
    return dependency.dataset_id
