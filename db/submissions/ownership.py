"""Who owns what in an experiment, and handing it over with what runs in somebody's name."""

from collections.abc import Sequence
from dataclasses import dataclass

from db.changes import sign_as_person
from db.pool import Connection, Database, fetch_many
from db.submissions.submissions import tell_moves
from domain.changes import Actor
from domain.permissions import Role


@dataclass(frozen=True, slots=True)
class OwnedItem:
    """Something with an owner, and what somebody (of a campaign: who hands it over) has there."""

    kind: str
    id: int
    name: str
    owner_id: int
    owning_role: Role | None
    """None: of a credential, which is its owner's alone."""
    who: int
    """Who hands it over; another one than the owner has schedules or launches there only."""
    schedules: int
    launches: int

    @property
    def key(self) -> str:
        """As a client names it."""
        return f"{self.kind}:{self.id}"


def _query_items(kind: str, role: str = "owning_role", besides: str = "") -> str:
    return f"""
        SELECT '{kind}' AS kind, id, name, owner_id, {role} AS owning_role, owner_id AS who,
               0 AS schedules, 0 AS launches
          FROM {kind}
         WHERE experiment_id = $1 AND ($2::bigint IS NULL OR owner_id = $2)
           AND ($3::text[] IS NULL OR '{kind}:' || id = ANY($3)) {besides}
    """


# What launches work on stays with who owned the campaign then.
OWN_FILES = "AND submission_id IS NULL"
# A campaign that is named is handed over even where nothing is seen to move: what follows its submissions does.
OWNED = f"""
    owned AS (
        SELECT * FROM (
            SELECT 'campaign' AS kind, c.id, c.name, c.owner_id, c.owning_role, x.who,
                   (SELECT count(*) FROM schedule h JOIN stage s ON s.id = h.stage_id
                     WHERE s.campaign_id = c.id AND h.person_id = x.who AND h.active)::int AS schedules,
                   (SELECT count(*) FROM submission q
                     WHERE q.campaign_id = c.id AND q.created_by = x.who AND q.state = 'queued')::int AS launches
              FROM campaign c CROSS JOIN LATERAL (SELECT coalesce($2, c.owner_id) AS who) x
             WHERE c.experiment_id = $1 AND ($3::text[] IS NULL OR 'campaign:' || c.id = ANY($3))) c
         WHERE who = owner_id OR schedules + launches > 0 OR $3 IS NOT NULL
        UNION ALL {_query_items("job_type")} UNION ALL {_query_items("login_setup")}
        UNION ALL {_query_items("dataset", besides=OWN_FILES)} UNION ALL {_query_items("credential", "NULL::role")}
    )
"""
ITEMS = f"WITH {OWNED} SELECT * FROM owned ORDER BY kind, id LIMIT $4"
COUNT = f"WITH {OWNED} SELECT count(*) FROM owned"


@dataclass(frozen=True, slots=True)
class OwnershipFilter:
    """What of an experiment: of whom, and which by their ids (`campaign:7`); None: all."""

    experiment_id: int
    person_id: int | None
    keys: Sequence[str] | None


async def list_items(db: Database, wanted: OwnershipFilter, most: int) -> list[OwnedItem]:
    """The first of them, by kind and id."""
    given = wanted.experiment_id, wanted.person_id, wanted.keys
    return await fetch_many(db, OwnedItem, ITEMS, *given, most)


async def count_items(db: Database, wanted: OwnershipFilter) -> int:
    """How many there are."""
    given = wanted.experiment_id, wanted.person_id, wanted.keys
    return int(await db.fetchval(COUNT, *given))


# $1 and $2: campaigns and, of each, who hands it over; $3: to whom.
GIVEN = "unnest($1::bigint[], $2::bigint[]) AS given (campaign_id, who)"

MOVE_LAUNCHES = f"""
    WITH moved AS (
        UPDATE submission SET created_by = $3, revision = revision + 1
          FROM {GIVEN}
         WHERE submission.campaign_id = given.campaign_id AND created_by = given.who AND state = 'queued'
        RETURNING submission.*
    )
    {tell_moves(sign_as_person("$4"))}
"""

MOVE_SCHEDULES = f"""
    UPDATE schedule SET person_id = $3 FROM stage s, {GIVEN}
     WHERE s.id = schedule.stage_id AND s.campaign_id = given.campaign_id AND person_id = given.who
"""

MOVE_CAMPAIGNS = f"""
    WITH given AS (
        SELECT * FROM {GIVEN}
    ), owned AS (
        UPDATE campaign c SET owner_id = $3 FROM given WHERE c.id = given.campaign_id AND c.owner_id = given.who
        RETURNING c.id
    ), passed_on AS (
        UPDATE hand_over h SET to_id = $3 FROM given
         WHERE h.campaign_id = given.campaign_id AND h.to_id = given.who AND h.from_id <> $3
    ), given_back AS (
        DELETE FROM hand_over h USING given WHERE h.campaign_id = given.campaign_id AND h.from_id = $3
    ), follows AS (
        INSERT INTO hand_over (campaign_id, from_id, to_id) SELECT campaign_id, who, $3 FROM given WHERE who <> $3
            ON CONFLICT (campaign_id, from_id) DO UPDATE SET to_id = excluded.to_id
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, kind, actor_id, part, reason, body)
    SELECT c.experiment_id, c.id, 'campaign.handed_over', {sign_as_person("$4")}, $5::text,
           jsonb_build_object('item', 'campaign:' || c.id, 'name', c.name, 'from', 'person:' || given.who,
                              'to', 'person:' || $3::bigint)
      FROM given JOIN campaign c ON c.id = given.campaign_id
"""


def _render_move_statement(kind: str) -> str:
    return f"""
        WITH moved AS (
            UPDATE {kind} SET owner_id = $2 WHERE id = ANY($1::bigint[]) AND owner_id <> $2
            RETURNING id, experiment_id, name, old.owner_id AS who
        )
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, '{kind}.handed_over', {sign_as_person("$3")}, $4::text,
               jsonb_build_object('item', '{kind}:' || id, 'name', name, 'from', 'person:' || who,
                                  'to', 'person:' || $2::bigint)
          FROM moved
    """


MOVE_JOB_TYPES, MOVE_LOGIN_SETUPS = (
    _render_move_statement("job_type"),
    _render_move_statement("login_setup"),
)
MOVE_DATASETS, MOVE_CREDENTIALS = (
    _render_move_statement("dataset"),
    _render_move_statement("credential"),
)
MOVES = {
    "job_type": MOVE_JOB_TYPES,
    "login_setup": MOVE_LOGIN_SETUPS,
    "dataset": MOVE_DATASETS,
    "credential": MOVE_CREDENTIALS,
}
KINDS = ("campaign", *MOVES)


async def transfer_items(conn: Connection, items: Sequence[OwnedItem], to: int, by: Actor) -> None:
    """Give items to somebody, with the schedules and the launches that wait; each tells who did it and why.

    Locks in everybody's order: launches, schedules, then campaigns.
    """
    campaigns = [item for item in items if item.kind == "campaign"]
    given = [item.id for item in campaigns], [item.who for item in campaigns], to
    await conn.execute(MOVE_LAUNCHES, *given, by.id)
    await conn.execute(MOVE_SCHEDULES, *given)
    await conn.execute(MOVE_CAMPAIGNS, *given, by.id, by.reason)
    for kind, statement in MOVES.items():
        if ids := [item.id for item in items if item.kind == kind]:
            await conn.execute(statement, ids, to, by.id, by.reason)
