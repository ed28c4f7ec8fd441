"""Experiments: the tenants."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from db.changes import sign_as_person
from db.keyset import PageRequest
from db.pool import Database, fetch_many, fetch_one
from domain.links import LinkTemplate
from domain.summaries import SummaryQuery


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
    folders: list[str]
    """Besides its own, where its files may lie."""
    links: list[dict[str, Any]]
    """Its link templates, as `domain.links.LinkTemplate` reads them."""
    summaries: list[dict[str, Any]]
    """What it wants asked of monitors, as `domain.summaries.SummaryQuery` reads it."""


COLUMNS = ", ".join(Experiment.__dataclass_fields__)

BY_IDS = f"""
    SELECT {COLUMNS} FROM experiment WHERE id = ANY($1::bigint[])
"""


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Experiment]:
    """Find the experiments that exist among these."""
    return await fetch_many(db, Experiment, BY_IDS, ids)


BY_NAME = f"SELECT {COLUMNS} FROM experiment WHERE name = $1"


async def find_by_name(db: Database, name: str) -> Experiment | None:
    """Find an experiment."""
    return await fetch_one(db, Experiment, BY_NAME, name)


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


async def page(db: Database, ids: Sequence[int] | None, place: PageRequest) -> list[Experiment]:
    """Read a page of these experiments, or of all."""
    sql = BACKWARD if place.backwards else FORWARD
    return await fetch_many(db, Experiment, sql, ids, place.start, place.limit)


CREATE = f"""
    WITH made AS (
        INSERT INTO experiment (name, title) VALUES ($1, $2)
            ON CONFLICT (name) DO NOTHING
        RETURNING {COLUMNS}
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT id, 'experiment.created', {sign_as_person("$3")}, NULL,
               jsonb_build_object('experiment', 'experiment:' || id, 'name', name)
          FROM made
    )
    SELECT {COLUMNS} FROM made
"""


async def create(db: Database, name: str, title: str, person_id: int) -> Experiment | None:
    """Make an experiment, or return None when the name is taken."""
    return await fetch_one(db, Experiment, CREATE, name, title, person_id)


GIVE_FOLDERS = f"""
    WITH given AS (
        UPDATE experiment SET folders = $2 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT id, 'experiment.folders', {sign_as_person("$3")}, NULL, jsonb_build_object('folders', to_jsonb(folders))
          FROM given
    )
    SELECT {COLUMNS} FROM given
"""


async def give_folders(
    db: Database, id: int, folders: Sequence[str], person_id: int
) -> Experiment | None:
    """Say in which folders, besides its own, an experiment's files may lie, for a person."""
    return await fetch_one(db, Experiment, GIVE_FOLDERS, id, folders, person_id)


def _render_setting(column: str, keys: str) -> str:
    """The statement that gives an experiment another list ($2), and tells of it by some keys of each entry."""
    shown = ", ".join(f"x ->> '{key}'" for key in keys.split())
    return f"""
    WITH given AS (
        UPDATE experiment SET {column} = $2 WHERE id = $1 RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT id, 'experiment.{column}', {sign_as_person("$3")}, NULL, jsonb_build_object('{column}', ARRAY(
                   SELECT concat_ws(' ', {shown}) FROM jsonb_array_elements({column}) AS x))
          FROM given
    )
    SELECT {COLUMNS} FROM given
    """


SET_SUMMARIES = _render_setting("summaries", "subject title source url query")


async def set_summaries(
    db: Database, id: int, asked: Sequence[SummaryQuery], person_id: int
) -> Experiment | None:
    """Say which numbers are asked of other systems for an experiment's things, for a person."""
    kept = [asdict(each) for each in asked]
    return await fetch_one(db, Experiment, SET_SUMMARIES, id, kept, person_id)


SET_LINKS = _render_setting("links", "subject title template")


async def set_links(
    db: Database, id: int, links: Sequence[LinkTemplate], person_id: int
) -> Experiment | None:
    """Say which links are shown with an experiment's things, for a person."""
    kept = [asdict(link) for link in links]
    return await fetch_one(db, Experiment, SET_LINKS, id, kept, person_id)
