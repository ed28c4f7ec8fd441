"""Who may not sign in any more, and with which tokens not."""

from datetime import timedelta
from uuid import UUID

from db.changes import FOR_ADMINS, sign_as_person
from db.pool import Connection, Database
from domain.changes import Actor
from domain.permissions import list_grants

# Each experiment hears of its members; of everybody those who may see every experiment.
TELL = f"""
    INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
    SELECT x.experiment_id, 'person.' || changed.what, {sign_as_person("$2")}, $3::text,
           jsonb_build_object('person', 'person:' || changed.id)
      FROM changed CROSS JOIN LATERAL (
          SELECT {FOR_ADMINS}::bigint AS experiment_id
           UNION ALL
          SELECT m.experiment_id FROM membership m WHERE m.person_id = changed.id) x
"""

LOCK_ADMINS = "SELECT id FROM person WHERE is_admin AND active ORDER BY id FOR UPDATE"

SET_ACTIVE = f"""
    WITH changed AS (
        UPDATE person SET active = $4 WHERE id = $1 AND active <> $4
        RETURNING id, CASE WHEN active THEN 'activated' ELSE 'deactivated' END AS what
    ), told AS ({TELL})
    SELECT id FROM changed
"""


class LastAdmin(Exception):
    """Without this person nobody would run the service."""


async def set_active(conn: Connection, person_id: int, by: Actor, *, active: bool) -> bool:
    """Let a person sign in, or not any more; False when it is so already. Raises LastAdmin.

    All admins are locked, so that two can't put each other out at the same time.
    """
    admins = [row["id"] for row in await conn.fetch(LOCK_ADMINS)]
    if not active and admins == [person_id]:
        raise LastAdmin
    return await conn.fetchval(SET_ACTIVE, person_id, by.id, by.reason, active) is not None


SET_ADMIN = f"""
    WITH changed AS (
        UPDATE person SET is_admin = $4 WHERE id = $1 AND is_admin <> $4
        RETURNING id, CASE WHEN is_admin THEN 'admin_granted' ELSE 'admin_withdrawn' END AS what
    ), told AS ({TELL})
    SELECT id FROM changed
"""


async def set_admin(conn: Connection, person_id: int, by: Actor, *, is_admin: bool) -> bool:
    """Let a person run the service, or not any more; False when it is so already. Raises LastAdmin."""
    admins = [row["id"] for row in await conn.fetch(LOCK_ADMINS)]
    if not is_admin and admins == [person_id]:
        raise LastAdmin
    return await conn.fetchval(SET_ADMIN, person_id, by.id, by.reason, is_admin) is not None


# Of whoever may launch the campaign as its owning role does: its owner, then who has the role for longest.
TRANSFER_SCHEDULES = f"""
    WITH due AS (
        SELECT h.stage_id, c.id AS campaign_id, c.name, c.experiment_id, heir.id AS heir_id
          FROM schedule h JOIN stage s ON s.id = h.stage_id JOIN campaign c ON c.id = s.campaign_id
          CROSS JOIN LATERAL (
              SELECT p.id FROM membership m JOIN person p ON p.id = m.person_id
               WHERE m.experiment_id = c.experiment_id AND m.role = c.owning_role AND p.active AND p.id <> $1
                 AND concat(m.role, '/', c.owning_role, '/', c.owner_id = p.id) = ANY($4::text[])
               ORDER BY p.id <> c.owner_id, m.since, p.id LIMIT 1) heir
         WHERE h.person_id = $1 AND h.active
           FOR UPDATE OF h
    ), changed AS (
        UPDATE schedule h SET person_id = due.heir_id FROM due WHERE h.stage_id = due.stage_id
    ), told AS (
        INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, campaign_id, 'campaign.handed_over', {sign_as_person("$2")},
               'Schedules go to the owning role: ' || $3::text,
               jsonb_build_object('item', 'campaign:' || campaign_id, 'name', name, 'from', 'person:' || $1::bigint,
                                  'to', 'person:' || heir_id)
          FROM (SELECT DISTINCT experiment_id, campaign_id, name, heir_id FROM due) each_campaign
    )
    SELECT count(*) FROM due
"""
LAUNCH = list_grants("launch")


async def transfer_schedules(conn: Connection, person_id: int, by: Actor) -> int:
    """Have the schedules of somebody who leaves go on in the name of others of the owning roles; returns how many.

    Where there is nobody else of that role they stay as they are, and stand still.
    """
    given = person_id, by.id, by.reason, LAUNCH
    return int(await conn.fetchval(TRANSFER_SCHEDULES, *given))


REVOKE_ALL = f"""
    WITH changed AS (
        UPDATE person SET tokens_since = clock_timestamp() WHERE id = $1 RETURNING id, 'tokens_revoked' AS what
    ), told AS ({TELL})
    SELECT id FROM changed
"""


async def revoke_all(conn: Connection, person_id: int, by: Actor) -> None:
    """Revoke all tokens of a person that were made until now."""
    await conn.execute(REVOKE_ALL, person_id, by.id, by.reason)


REVOKE_ONE = f"""
    WITH put AS (
        INSERT INTO revoked_token (person_id, id, ends_at) VALUES ($1, $4, now() + $5::interval)
            ON CONFLICT DO NOTHING
        RETURNING person_id
    ), changed AS (
        SELECT person_id AS id, 'token_revoked' AS what FROM put
    ), told AS ({TELL})
    SELECT id FROM changed
"""


async def revoke_one(
    conn: Connection, person_id: int, token: UUID, by: Actor, longest: timedelta
) -> bool:
    """Revoke a person's token with this id, which ends before the longest time; False when it is already."""
    given = person_id, by.id, by.reason, token, longest
    return await conn.fetchval(REVOKE_ONE, *given) is not None


COUNT_REVOKED = "SELECT count(*) FROM revoked_token WHERE person_id = $1"


async def count_revoked(db: Database, person_id: int) -> int:
    """How many single tokens of a person are kept as revoked."""
    return int(await db.fetchval(COUNT_REVOKED, person_id))


FORGET = "DELETE FROM revoked_token WHERE ends_at < now()"


async def delete_expired(db: Database) -> None:
    """Forget revoked tokens that have ended anyway."""
    await db.execute(FORGET)
