"""Experiments: the tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.keyset import Place
from db.pool import Database, many, one


@dataclass(frozen=True, slots=True)
class Experiment:
    """One row of `experiment`."""

    id: int
    name: str
    title: str
    active: bool
    created_at: datetime
    most_unfinished: int | None
    most_jobs: int | None


COLUMNS = ", ".join(Experiment.__dataclass_fields__)

BY_IDS = f"""
    SELECT {COLUMNS} FROM experiment WHERE id = ANY($1::bigint[])
"""


async def by_ids(db: Database, ids: Sequence[int]) -> list[Experiment]:
    """Find the experiments that exist among these."""
    return await many(db, Experiment, BY_IDS, ids)


BY_NAME = f"SELECT {COLUMNS} FROM experiment WHERE name = $1"


async def by_name(db: Database, name: str) -> Experiment | None:
    """Find an experiment."""
    return await one(db, Experiment, BY_NAME, name)


FORWARD = f"""
    SELECT {COLUMNS} FROM experiment
     WHERE ($1::bigint[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR name > $2)
     ORDER BY name LIMIT $3
"""

BACKWARD = f"""
    SELECT {COLUMNS} FROM experiment
     WHERE ($1::bigint[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR name < $2)
     ORDER BY name DESC LIMIT $3
"""


async def page(db: Database, ids: Sequence[int] | None, place: Place) -> list[Experiment]:
    """Read a page of these experiments, or of all."""
    sql = BACKWARD if place.backwards else FORWARD
    return await many(db, Experiment, sql, ids, place.start, place.limit)


CREATE = f"""
    WITH made AS (
        INSERT INTO experiment (name, title) VALUES ($1, $2)
            ON CONFLICT (name) DO NOTHING
        RETURNING {COLUMNS}
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, body)
        SELECT id, 'experiment.created', jsonb_build_object('experiment', 'experiment:' || id, 'name', name)
          FROM made
    )
    SELECT {COLUMNS} FROM made
"""


async def create(db: Database, name: str, title: str) -> Experiment | None:
    """Make an experiment, or return None when the name is taken."""
    return await one(db, Experiment, CREATE, name, title)
