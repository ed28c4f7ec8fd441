"""A submission and its recoveries: looked at together when one of them is over."""

from dataclasses import dataclass

from db.pool import Connection, Database, many, one
from db.submissions import COLUMNS, Submission
from domain.stages import TriggerKind

# Whoever takes one has it for a while; a crash in between costs that while, and nothing else.
TAKE = f"""
    UPDATE submission SET check_at = now() + make_interval(secs => $1)
     WHERE id = (SELECT id FROM submission WHERE ended_at IS NOT NULL AND check_at <= now()
                  ORDER BY check_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING {COLUMNS}
"""


async def take(db: Database, lease_s: float) -> Submission | None:
    """The next submission that is over and wants looking at."""
    return await one(db, Submission, TAKE, lease_s)


FAMILY = f"SELECT {COLUMNS} FROM submission WHERE id = $1 OR origin_id = $1 ORDER BY id"


async def members(db: Database, origin_id: int) -> list[Submission]:
    """The origin and its recoveries, oldest first."""
    return await many(db, Submission, FAMILY, origin_id)


LOCKED = f"{FAMILY} FOR UPDATE"


async def lock(conn: Connection, origin_id: int) -> list[Submission]:
    """The origin and its recoveries, oldest first, locked."""
    return await many(conn, Submission, LOCKED, origin_id)


MARK = """
    UPDATE submission
       SET advanced_at = CASE WHEN $2 THEN coalesce(advanced_at, now()) ELSE advanced_at END,
           check_at = CASE WHEN $3::float8 IS NOT NULL THEN now() + make_interval(secs => $3) END
     WHERE id = $1
"""


async def mark(
    conn: Connection,
    id: int,
    *,
    advanced: bool,
    check_in_s: float | None,
) -> None:
    """Note what has been done about a submission, and when it is looked at again (None: never)."""
    await conn.execute(MARK, id, advanced, check_in_s)


FIRE = "UPDATE submission SET fired_at = now() WHERE id = $1 AND fired_at IS NULL RETURNING id"


async def fire(conn: Connection, origin_id: int) -> bool:
    """Claim the launch of an origin's dependents: true once."""
    return await conn.fetchval(FIRE, origin_id) is not None


@dataclass(frozen=True, slots=True)
class Dependency:
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

    @property
    def is_self_edge(self) -> bool:
        """The stage's next slice follows, and no files go along."""
        return self.upstream_id == self.downstream_id


# In the order of the stages downstream, whose datasets are locked one after the other.
OUTGOING = """
    SELECT d.id, d.upstream_id, d.downstream_id, d.patterns, s.dataset_id, s.test_dataset_id, c.owner_id,
           d.trigger, s.split
      FROM dependency d JOIN stage s ON s.id = d.downstream_id JOIN campaign c ON c.id = d.campaign_id
     WHERE d.upstream_id = $1 AND d.active AND s.active ORDER BY d.downstream_id
"""


async def outgoing(db: Database, stage_id: int) -> list[Dependency]:
    """The edges that leave a stage."""
    return await many(db, Dependency, OUTGOING, stage_id)


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


async def test_dataset(conn: Connection, dependency: Dependency) -> int:
    """The dataset that tests feed to the downstream stage: production never sees it."""
    if dependency.test_dataset_id is not None:
        return dependency.test_dataset_id
    return int(await conn.fetchval(TEST_DATASET, dependency.downstream_id))
