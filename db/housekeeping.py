"""What has to be done now and then so that nothing grows, drifts or runs out."""

from db.pool import Database

PARTITIONS = "SELECT ensure_partitions($1)"


async def ensure_partitions(db: Database, ahead: int = 3) -> None:
    """Make the partitions that will be needed next."""
    await db.execute(PARTITIONS, ahead)


DRIFT = """
    SELECT s.id, s.unfinished, count(u.id) AS counted
      FROM stage s LEFT JOIN submission u ON u.stage_id = s.id AND u.counted
     GROUP BY s.id HAVING s.unfinished <> count(u.id)
"""


async def find_drift(db: Database) -> list[tuple[int, int, int]]:
    """Stages whose kept counter is not what it counts: (id, kept, counted). There should be none."""
    return [tuple(row) for row in await db.fetch(DRIFT)]
