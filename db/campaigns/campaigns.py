"""Campaigns and their revisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from db.changes import sign_as_person
from db.files.datasets import NamedId
from db.pool import Connection, Database, fetch_many, fetch_one
from domain.permissions import Role


@dataclass(frozen=True, slots=True)
class Campaign:
    """One row of `campaign`."""

    id: int
    experiment_id: int
    name: str
    description: str
    defaults: dict[str, Any]
    active: bool
    draft: bool
    tags: list[str]
    revision: int
    owner_id: int
    owning_role: Role
    created_at: datetime
    updated_at: datetime
    most_unfinished: int | None
    most_jobs: int | None
    priority: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One row of `campaign_revision`."""

    campaign_id: int
    number: int
    body: dict[str, Any]
    author_id: int
    comment: str
    at: datetime


COLUMNS = ", ".join(Campaign.__dataclass_fields__)
C_COLUMNS = ", ".join(f"c.{name}" for name in Campaign.__dataclass_fields__)
R_COLUMNS = ", ".join(Revision.__dataclass_fields__)

BY_IDS = f"SELECT {COLUMNS} FROM campaign WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Campaign]:
    """Find the campaigns that exist among these."""
    return await fetch_many(db, Campaign, BY_IDS, ids)


BY_NAME = f"""
    SELECT {COLUMNS} FROM campaign WHERE experiment_id = $1 AND name = $2
"""
# Not FOR UPDATE: submissions refer to the campaign, and a launch that holds a stage must not wait for a save.
LOCK = f"{BY_NAME} FOR NO KEY UPDATE"


async def find_by_name(db: Database, experiment_id: int, name: str) -> Campaign | None:
    """Find an experiment's campaign."""
    return await fetch_one(db, Campaign, BY_NAME, experiment_id, name)


async def lock(conn: Connection, experiment_id: int, name: str) -> Campaign | None:
    """The same, and keep others from saving it until the transaction ends."""
    return await fetch_one(conn, Campaign, LOCK, experiment_id, name)


class CampaignOrdering(StrEnum):
    """By what a list of campaigns is ordered."""

    NAME = "name"
    CREATED = "created_at"
    UPDATED = "updated_at"


@dataclass(frozen=True, slots=True)
class CampaignRowFilter:
    """Which campaigns are wanted: None wants all."""

    experiment_ids: Sequence[int] | None = None
    active: bool | None = None
    name_contains: str | None = None
    owner: str | None = None
    tag: str | None = None


def _render_page_statement(column: str, cast: str, *, up: bool) -> str:
    sign, way = (">", "ASC") if up else ("<", "DESC")
    return f"""
        SELECT {C_COLUMNS} FROM campaign c
         WHERE ($1::bigint[] IS NULL OR c.experiment_id = ANY($1)) AND ($2::bool IS NULL OR c.active = $2)
           AND ($3::text IS NULL OR position(lower($3) IN lower(c.name)) > 0)
           AND ($4::text IS NULL OR c.owner_id = (SELECT id FROM person WHERE username = $4))
           AND ($5::text IS NULL OR c.tags @> ARRAY[$5])
           AND ($7::bigint IS NULL OR (c.{column}, c.id) {sign} ($6::{cast}, $7))
         ORDER BY c.{column} {way}, c.id {way} LIMIT $8
    """


NAME_UP = _render_page_statement("name", "text", up=True)
NAME_DOWN = _render_page_statement("name", "text", up=False)
CREATED_UP = _render_page_statement("created_at", "timestamptz", up=True)
CREATED_DOWN = _render_page_statement("created_at", "timestamptz", up=False)
UPDATED_UP = _render_page_statement("updated_at", "timestamptz", up=True)
UPDATED_DOWN = _render_page_statement("updated_at", "timestamptz", up=False)
PAGES = {
    CampaignOrdering.NAME: (NAME_UP, NAME_DOWN),
    CampaignOrdering.CREATED: (CREATED_UP, CREATED_DOWN),
    CampaignOrdering.UPDATED: (UPDATED_UP, UPDATED_DOWN),
}


@dataclass(frozen=True, slots=True)
class CampaignPageStart:
    """After which campaign a page begins: what it is ordered by, and its id."""

    value: str | datetime
    id: int


async def page(
    db: Database,
    wanted: CampaignRowFilter,
    order: tuple[CampaignOrdering, bool],
    start: CampaignPageStart | None,
    limit: int,
) -> list[Campaign]:
    """Read a page of campaigns, downwards or upwards."""
    column, down = order
    given = wanted.experiment_ids, wanted.active, wanted.name_contains, wanted.owner, wanted.tag
    at = (start.value, start.id) if start else (None, None)
    return await fetch_many(db, Campaign, PAGES[column][down], *given, *at, limit)


CREATE = f"""
    INSERT INTO campaign (experiment_id, name, owner_id, owning_role) VALUES ($1, $2, $3, $4)
        ON CONFLICT (experiment_id, name) DO NOTHING
    RETURNING {COLUMNS}
"""


async def create(
    conn: Connection, experiment_id: int, name: str, owner: tuple[int, Role]
) -> Campaign | None:
    """Make a campaign without a revision, which its save adds; None when the name is taken."""
    return await fetch_one(conn, Campaign, CREATE, experiment_id, name, *owner)


SAVE = f"""
    WITH saved AS (
        UPDATE campaign
           SET description = $2, defaults = $3, revision = revision + 1, updated_at = now(), draft = $7,
               active = coalesce($8, active)
         WHERE id = $1
        RETURNING *
    ), kept AS (
        INSERT INTO campaign_revision (campaign_id, number, body, author_id, comment)
        SELECT id, revision, $4, $5, $6 FROM saved
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, id, 'campaign.saved', {sign_as_person("$5")}, nullif($6::text, ''),
               jsonb_build_object('campaign', 'campaign:' || id, 'name', name, 'revision', revision,
                                  'active', active, 'draft', draft)
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""


@dataclass(frozen=True, slots=True)
class RevisionSave:
    """What a save leaves of a campaign."""

    description: str
    defaults: dict[str, Any]
    body: dict[str, Any]
    author_id: int
    comment: str
    draft: bool = False
    """The stages are not those of this revision, which can't be launched."""
    active: bool | None = None
    """Whether it launches from now on; None: as before."""


async def save_revision(conn: Connection, id: int, given: RevisionSave) -> Campaign | None:
    """Keep the next revision of a campaign."""
    values = given.description, given.defaults, given.body, given.author_id, given.comment
    return await fetch_one(conn, Campaign, SAVE, id, *values, given.draft, given.active)


SET_ACTIVE = f"""
    WITH saved AS (
        UPDATE campaign SET active = $2, updated_at = now() WHERE id = $1 AND active <> $2 AND NOT draft
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, id, 'campaign.saved', {sign_as_person("$3")}, NULL,
               jsonb_build_object('campaign', 'campaign:' || id, 'name', name, 'revision', revision, 'active', active)
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""


async def set_active(db: Database, id: int, person_id: int, *, active: bool) -> Campaign | None:
    """Let a campaign launch, or not; None when that is so already, or can't be of a draft."""
    return await fetch_one(db, Campaign, SET_ACTIVE, id, active, person_id)


ACTIVATE_BY_LAUNCH = f"""
    WITH saved AS (
        UPDATE campaign SET active = true, updated_at = now()
         WHERE id = (SELECT campaign_id FROM stage WHERE id = $1) AND NOT active AND NOT draft
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, id, 'campaign.saved', {sign_as_person("$2")}, 'A stage of it was launched.',
               jsonb_build_object('campaign', 'campaign:' || id, 'name', name, 'revision', revision, 'active', active)
          FROM saved
    )
    SELECT id FROM saved
"""


async def activate_by_launch(conn: Connection, stage_id: int, person_id: int) -> bool:
    """Let an inactive campaign launch again, since a person launches this stage of it; true where that was so."""
    return await conn.fetchval(ACTIVATE_BY_LAUNCH, stage_id, person_id) is not None


REVISIONS_FORWARD = f"""
    SELECT {R_COLUMNS} FROM campaign_revision
     WHERE campaign_id = $1 AND number < $2::bigint ORDER BY number DESC LIMIT $3
"""

REVISIONS_BACKWARD = f"""
    SELECT {R_COLUMNS} FROM campaign_revision
     WHERE campaign_id = $1 AND number > $2::bigint ORDER BY number LIMIT $3
"""


async def list_revisions(
    db: Database,
    id: int,
    start: int,
    limit: int,
    *,
    backwards: bool,
) -> list[Revision]:
    """Read a page of a campaign's revisions, the newest first."""
    sql = REVISIONS_BACKWARD if backwards else REVISIONS_FORWARD
    return await fetch_many(db, Revision, sql, id, start, limit)


REVISION = f"""
    SELECT {R_COLUMNS} FROM campaign_revision WHERE campaign_id = $1 AND number = $2::bigint
"""


async def find_revision(db: Database, id: int, number: int) -> Revision | None:
    """Find one revision of a campaign."""
    return await fetch_one(db, Revision, REVISION, id, number)


JOB_TYPES = """
    SELECT id, name FROM job_type WHERE experiment_id = $1 AND active AND name = ANY($2::text[])
"""
SCRIPTS = """
    SELECT id, name FROM job_type WHERE experiment_id = $1 AND kind = 'script' AND name = ANY($2::text[])
"""


async def find_active_ids(
    db: Database, sql: str, experiment_id: int, names: Sequence[str]
) -> dict[str, int]:
    """Find active job types (JOB_TYPES) by name, or launch scripts among them (SCRIPTS)."""
    return {row.name: row.id for row in await fetch_many(db, NamedId, sql, experiment_id, names)}
