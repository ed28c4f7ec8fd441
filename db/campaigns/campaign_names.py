"""What becomes of a campaign as a whole: other names and tags, and its end."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from db.campaigns.campaigns import COLUMNS, Campaign
from db.campaigns.stages import Stage
from db.changes import sign_as_person
from db.keyset import NameIsTaken
from db.pool import Connection, Database, fetch_one


def _build_saved_news(by: str, reason: str) -> str:
    return f"""
    INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, id, 'campaign.saved', {by}, {reason},
           jsonb_build_object('campaign', 'campaign:' || id, 'name', name, 'revision', revision, 'tags', tags)
      FROM saved
"""


# FOR UPDATE, unlike a save's lock: it waits for launches that are being made.
LOCK = f"SELECT {COLUMNS} FROM campaign WHERE id = $1 FOR UPDATE"


async def lock(conn: Connection, id: int) -> Campaign | None:
    """Read a campaign, and keep others from saving or launching it until the transaction ends."""
    return await fetch_one(conn, Campaign, LOCK, id)


RENAME = f"""
    WITH saved AS (
        UPDATE campaign SET name = $2, revision = revision + 1, updated_at = now() WHERE id = $1
        RETURNING *
    ), kept AS (
        INSERT INTO campaign_revision (campaign_id, number, body, author_id, comment)
        SELECT saved.id, saved.revision, jsonb_set(r.body, '{{name}}', to_jsonb($2::text)), $3, $4
          FROM saved JOIN campaign_revision r ON r.campaign_id = saved.id AND r.number = saved.revision - 1
    ), told AS ({_build_saved_news(sign_as_person("$3"), "nullif($4, '')")})
    SELECT {COLUMNS} FROM saved
"""


async def rename_campaign(
    conn: Connection, id: int, name: str, author_id: int, comment: str
) -> Campaign | None:
    """Give a locked campaign another name, as a revision; raises Taken when another one has it."""
    try:
        return await fetch_one(conn, Campaign, RENAME, id, name, author_id, comment)
    except asyncpg.UniqueViolationError as error:
        raise NameIsTaken from error


# The raised split_seq makes a launch that is being planned right now plan again.
RENAME_STAGE = f"""
    WITH renamed AS (
        UPDATE stage SET name = $3, split_seq = split_seq + 1, updated_at = now()
         WHERE id = $2 AND campaign_id = $1 RETURNING campaign_id
    ), saved AS (
        UPDATE campaign SET revision = revision + 1, updated_at = now() FROM renamed WHERE id = renamed.campaign_id
        RETURNING campaign.*
    ), kept AS (
        INSERT INTO campaign_revision (campaign_id, number, body, author_id, comment)
        SELECT id, revision, $4, $5, $6 FROM saved
    ), told AS ({_build_saved_news(sign_as_person("$5"), "$6")})
    SELECT {COLUMNS} FROM saved
"""


async def rename_stage(
    conn: Connection, stage: Stage, name: str, body: dict[str, Any], by: tuple[int, str]
) -> Campaign | None:
    """Give a stage of a locked campaign another name, as a revision with this body, by (person, comment).

    Its submissions, schedule and dependencies are its own as before. Raises NameIsTaken.
    """
    try:
        return await fetch_one(
            conn, Campaign, RENAME_STAGE, stage.campaign_id, stage.id, name, body, *by
        )
    except asyncpg.UniqueViolationError as error:
        raise NameIsTaken from error


SET_TAGS = f"""
    WITH saved AS (
        UPDATE campaign SET tags = $2, updated_at = now() WHERE id = $1 AND tags <> $2 RETURNING *
    ), told AS ({_build_saved_news(sign_as_person("$3"), "NULL")})
    SELECT {COLUMNS} FROM saved
"""


async def set_tags(db: Database, id: int, tags: Sequence[str], person_id: int) -> Campaign | None:
    """Let these be a campaign's tags; None when they are already."""
    return await fetch_one(db, Campaign, SET_TAGS, id, tags, person_id)


COPY_SETTINGS = f"""
    WITH saved AS (
        UPDATE campaign c
           SET most_unfinished = o.most_unfinished, most_jobs = o.most_jobs, priority = o.priority, tags = o.tags
          FROM campaign o WHERE c.id = $2 AND o.id = $1
        RETURNING c.*
    ), scheduled AS (
        INSERT INTO schedule (stage_id, cron, zone, active, next_at, person_id, catch_up)
        SELECT s.id, h.cron, h.zone, false, h.next_at, $3, h.catch_up
          FROM stage o JOIN schedule h ON h.stage_id = o.id JOIN stage s ON s.campaign_id = $2 AND s.name = o.name
         WHERE o.campaign_id = $1 AND o.active
    ), told AS ({_build_saved_news(sign_as_person("$3"), "NULL")})
    SELECT {COLUMNS} FROM saved
"""


async def copy_settings(conn: Connection, from_id: int, to_id: int, person_id: int) -> None:
    """Give a copy what its file doesn't say: limits, priority, tags, and schedules that are off."""
    await conn.execute(COPY_SETTINGS, from_id, to_id, person_id)


DELETE = f"""
    WITH gone AS (
        DELETE FROM campaign
         WHERE id = $1 AND NOT EXISTS (SELECT FROM submission WHERE campaign_id = $1)
        RETURNING *
    ), revisions_gone AS (
        DELETE FROM campaign_revision r USING gone WHERE r.campaign_id = gone.id
    ), dependencies_gone AS (
        DELETE FROM dependency d USING gone WHERE d.campaign_id = gone.id
    ), schedules_gone AS (
        DELETE FROM schedule h USING stage s, gone WHERE h.stage_id = s.id AND s.campaign_id = gone.id
    ), holds_gone AS (
        DELETE FROM launch_hold h USING gone WHERE h.campaign_id = gone.id
    ), stages_gone AS (
        DELETE FROM stage s USING gone WHERE s.campaign_id = gone.id RETURNING s.experiment_id, s.id
    ), datasets_gone AS (
        DELETE FROM dataset d USING stages_gone s
         WHERE d.experiment_id = s.experiment_id AND d.name = 'stage:' || s.id AND d.head = 0
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, id, 'campaign.deleted', {sign_as_person("$2")}, NULL,
               jsonb_build_object('campaign', 'campaign:' || id, 'name', name, 'revision', revision)
          FROM gone
    )
    SELECT {COLUMNS} FROM gone
"""


async def delete(conn: Connection, id: int, person_id: int) -> Campaign | None:
    """Delete a locked campaign that never launched anything, with its revisions; None when it did."""
    return await fetch_one(conn, Campaign, DELETE, id, person_id)
