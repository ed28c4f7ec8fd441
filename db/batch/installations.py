"""What a database has recorded of the installation that it belongs to, and what people answered about it."""

from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, fetch_many, fetch_one
from db.submissions import job_driven_transitions
from domain.batch.installations import InstallationAnswer, InstallationIdentity, InstallationSite
from domain.changes import ServicePart, make_service_actor
from domain.submissions.submissions import AT_BATCH, LAUNCHING, SubmissionState


@dataclass(frozen=True, slots=True)
class InstallationRecord:
    """What the database is, and says of its installation; None where it says nothing yet."""

    fingerprint: str
    has_launched: bool
    id: str | None
    database: str | None
    spool: str | None
    place: str | None
    seen_database: str | None
    """Where it was when there was a doubt."""
    seen_spool: str | None
    seen_why: str | None
    answer: InstallationAnswer | None

    @property
    def identity(self) -> InstallationIdentity | None:
        """The installation that it belongs to."""
        if self.id is None:
            return None
        return InstallationIdentity(
            self.id, InstallationSite(self.database or "", self.spool or "", self.place or "")
        )

    def answer_for(self, here: InstallationSite) -> InstallationAnswer | None:
        """What was answered about this very place."""
        seen = self.seen_database, self.seen_spool
        return self.answer if seen == (here.database, here.spool) else None


READ = """
    SELECT (SELECT system_identifier::text FROM pg_control_system())
           || ':' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS fingerprint,
           (SELECT is_called FROM launch_number) AS has_launched,
           i.id::text, i.database, i.spool, i.place,
           d.database AS seen_database, d.spool AS seen_spool, d.why AS seen_why, d.answer
      FROM (VALUES (true)) AS x (one) LEFT JOIN installation i USING (one) LEFT JOIN installation_doubt d USING (one)
"""


async def read_record(db: Database) -> InstallationRecord:
    """What the database says."""
    found = await fetch_one(db, InstallationRecord, READ)
    assert found is not None  # noqa: S101 - VALUES yields one row
    return found


RECORD = """
    WITH settled AS (DELETE FROM installation_doubt WHERE database <> $2 OR spool IN ($3, ''))
    INSERT INTO installation (id, database, spool, place) VALUES ($1::uuid, $2, $3, $4)
        ON CONFLICT (one) DO UPDATE
       SET id = excluded.id, database = excluded.database, spool = excluded.spool, place = excluded.place
"""


async def record_identity(db: Database, identity: InstallationIdentity) -> None:
    """Note whose database this is: the doubt about this place is over."""
    site = identity.site
    await db.execute(RECORD, identity.id, site.database, site.spool, site.place)


# Of this place, of another database whose dump this is, or of a worker that is gone.
SETTLED = """
    DELETE FROM installation_doubt
     WHERE database <> $1 OR spool IN ($2, '') OR last_seen < now() - interval '2 minutes'
"""


async def end_doubt(db: Database, here: InstallationSite) -> None:
    """There is none any more about this place."""
    await db.execute(SETTLED, here.database, here.spool)


NOTE_DOUBT = """
    INSERT INTO installation_doubt AS d (why, is_answerable, database, spool, place) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (one) DO UPDATE
       SET why = excluded.why, is_answerable = excluded.is_answerable,
           database = excluded.database, spool = excluded.spool, place = excluded.place,
           since = now(), last_seen = now(), answer = NULL, answered_by = NULL, answered_at = NULL
     WHERE (d.why, d.database, d.spool) <> (excluded.why, excluded.database, excluded.spool)
"""

STILL = """
    UPDATE installation_doubt SET last_seen = now()
     WHERE (why, database, spool) = ($1, $2, $3) AND last_seen < now() - interval '20 seconds'
"""


async def record_doubt(
    db: Database, why: str, here: InstallationSite, *, is_answerable: bool
) -> None:
    """Tell people; `is_answerable`: of a question. An answer about another place is none about this one."""
    await db.execute(NOTE_DOUBT, why, is_answerable, here.database, here.spool, here.place)
    await db.execute(STILL, why, here.database, here.spool)


@dataclass(frozen=True, slots=True)
class Installation:
    """What is shown of it."""

    id: str | None
    why: str | None
    since: datetime | None
    is_answerable: bool
    answer: InstallationAnswer | None


SHOWN = """
    SELECT i.id::text, d.why, d.since, coalesce(d.is_answerable, false) AS is_answerable, d.answer
      FROM (VALUES (true)) AS x (one) LEFT JOIN installation i USING (one) LEFT JOIN installation_doubt d USING (one)
"""


async def find(db: Database) -> Installation:
    """The installation, and the doubt about it if there is one."""
    (found,) = await fetch_many(db, Installation, SHOWN)
    return found


# That it is a copy can be said before there is a doubt: of machines that were copied as a whole.
ANSWER = """
    WITH doubted AS (
        SELECT one, why, database, spool, place FROM installation_doubt WHERE is_answerable
         UNION ALL
        SELECT one, 'it is said to be a copy', database, spool, place FROM installation
         WHERE $1 = 'copy' AND NOT EXISTS (SELECT FROM installation_doubt)
    )
    INSERT INTO installation_doubt (why, is_answerable, database, spool, place, answer, answered_by, answered_at)
    SELECT why, true, database, spool, place, $1::text::installation_answer, $2, now() FROM doubted
        ON CONFLICT (one) DO UPDATE
       SET answer = excluded.answer, answered_by = excluded.answered_by, answered_at = excluded.answered_at
    RETURNING one
"""


async def record_answer(db: Database, said: InstallationAnswer, person_id: int) -> bool:
    """Note what somebody answers, for a worker to act on; False where nothing is asked."""
    return await db.fetchval(ANSWER, said, person_id) is not None


UNDER_WAY = "SELECT id FROM submission WHERE state = ANY($1::submission_state[]) ORDER BY id"

NOTHING_FOLLOWS = """
    UPDATE submission SET advanced_at = coalesce(advanced_at, now()), check_at = NULL
     WHERE advanced_at IS NULL OR check_at IS NOT NULL
"""

NO_TURNS = "UPDATE schedule SET active = false, last_result_message = $1 WHERE active"

NO_DISCREPANCIES = """
    UPDATE discrepancy
       SET resolved_at = now(), resolution = 'dismissed', resolved_by = $2, reason = $1, repair_at = NULL
     WHERE resolved_at IS NULL
"""

ANSWERED_BY = "SELECT answered_by FROM installation_doubt"

READ_ANEW = "UPDATE watch SET read_to = NULL"


async def read_anew(conn: Connection) -> None:
    """Read the feeds from their beginnings: the places to which they were read are in another spool's files."""
    await conn.execute(READ_ANEW)


OTHER_HISTORY = """
    WITH past AS (DELETE FROM past_history)
    UPDATE change_head SET history_id = gen_random_uuid()
"""

ENDS = (
    ((SubmissionState.QUEUED, SubmissionState.NEW), SubmissionState.CANCELLED),
    (LAUNCHING | AT_BATCH, SubmissionState.REMOVED),
)
OF_THE_ORIGINAL = "This installation is a copy: it is its original's."


async def forget_original(conn: Connection) -> None:
    """Forget what is under way, which the original goes on with; inside the caller's transaction.

    Marks of the old histories are nobody's here from now on: nothing looks for them, or acts on what carries them.
    """
    for states, end in ENDS:
        for row in await conn.fetch(UNDER_WAY, list(states)):
            await job_driven_transitions.discard_launch(
                conn,
                row["id"],
                list(states),
                end,
                make_service_actor(ServicePart.INSTALLATION, OF_THE_ORIGINAL),
            )
    await conn.execute(NOTHING_FOLLOWS)
    await conn.execute(NO_TURNS, OF_THE_ORIGINAL)
    by = await conn.fetchval(ANSWERED_BY)
    await conn.execute(NO_DISCREPANCIES, OF_THE_ORIGINAL, by)
    await conn.execute(OTHER_HISTORY)
    await read_anew(conn)
