"""Numbers that other systems know of our things: which are wanted, and what was answered last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db.changes import sign_as_service
from db.pool import Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.changes import ServicePart
from domain.links import LinkSubject
from domain.summaries import FRESH, SummaryQuery, SummarySource


@dataclass(frozen=True, slots=True)
class WantedSummary:
    """A number of one thing that somebody looks at, and how it is asked for."""

    experiment_id: int
    subject: LinkSubject
    subject_id: int
    asked: SummaryQuery
    query: str
    """Filled in."""

    @property
    def key(self) -> tuple[int, str, int, str]:
        """Which number of which thing."""
        return self.experiment_id, self.subject.value, self.subject_id, self.asked.title


@dataclass(frozen=True, slots=True)
class Summary:
    """What was answered last."""

    experiment_id: int
    subject: str
    subject_id: int
    title: str
    value: float | None
    asked_at: datetime | None
    trouble: str

    @property
    def key(self) -> tuple[int, str, int, str]:
        """Which number of which thing."""
        return self.experiment_id, self.subject, self.subject_id, self.title


SUMMARY = ", ".join(f"s.{name}" for name in Summary.__dataclass_fields__)

# Many readers make one question: of what is being asked, or is fresh, nothing is written.
WANT = f"""
    WITH x AS (
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
                             $8::text[], $9::interval[])
            AS x (experiment_id, subject, subject_id, title, source, url, query, path, fresh)
    ), wanted AS (
        INSERT INTO summary AS s (experiment_id, subject, subject_id, title, source, url, query, path)
        SELECT experiment_id, subject, subject_id, title, source, url, query, path FROM x
         WHERE NOT EXISTS (SELECT FROM summary k
                            WHERE (k.experiment_id, k.subject, k.subject_id, k.title)
                                  = (x.experiment_id, x.subject, x.subject_id, x.title)
                              AND (k.source, k.url, k.query, k.path) = (x.source, x.url, x.query, x.path)
                              AND (k.next_try_at IS NOT NULL OR k.tried_at > now() - x.fresh))
         ORDER BY 1, 2, 3, 4
            ON CONFLICT (experiment_id, subject, subject_id, title) DO UPDATE
           SET next_try_at = now(), attempts = 0, source = excluded.source, url = excluded.url,
               query = excluded.query, path = excluded.path,
               value = CASE WHEN s.query = excluded.query AND s.url = excluded.url THEN s.value END,
               asked_at = CASE WHEN s.query = excluded.query AND s.url = excluded.url THEN s.asked_at END
        RETURNING true
    )
    SELECT {SUMMARY}
      FROM x JOIN summary s USING (experiment_id, subject, subject_id, title)
     WHERE (s.query, s.url) = (x.query, x.url)
"""


async def request_summaries(db: Database, wanted: Sequence[WantedSummary]) -> list[Summary]:
    """Have numbers asked for that are not fresh; returns what is known of them now."""
    rows = [
        (*each.key, each.asked.source.value, each.asked.url, each.query, each.asked.path, FRESH[each.asked.source])
        for each in wanted
    ]  # fmt: skip
    return await fetch_many(db, Summary, WANT, *map(list, zip(*rows, strict=True)))


@dataclass(frozen=True, slots=True)
class SummaryClaim:
    """A number that a worker asks for; it is its own for a while."""

    experiment_id: int
    subject: str
    subject_id: int
    title: str
    source: str
    url: str
    query: str
    path: str
    attempts: int
    held_until: datetime

    @property
    def key(self) -> tuple[int, str, int, str]:
        """Which number of which thing."""
        return self.experiment_id, self.subject, self.subject_id, self.title

    @property
    def asks(self) -> tuple[SummarySource, str, str, str]:
        """How it is asked for."""
        return SummarySource(self.source), self.url, self.query, self.path


HOST = "split_part(url, '/', 3)"
CLAIM = f"""
    UPDATE summary s SET held_until = now() + make_interval(secs => $1)
      FROM (SELECT experiment_id, subject, subject_id, title FROM summary
             WHERE next_try_at <= now() AND coalesce(held_until, now()) <= now() AND {HOST} <> ALL($2::text[])
               AND {leave_out("summaries", "'summary:' || subject || ':' || subject_id")}
             ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED) n
     WHERE (s.experiment_id, s.subject, s.subject_id, s.title) = (n.experiment_id, n.subject, n.subject_id, n.title)
    RETURNING {", ".join(f"s.{name}" for name in SummaryClaim.__dataclass_fields__)}
"""


async def claim(db: Database, lease_s: float, full: Sequence[str] = ()) -> SummaryClaim | None:
    """Take one that is wanted, of hosts that are not `full`."""
    return await fetch_one(db, SummaryClaim, CLAIM, lease_s, list(full))


OWN = "(experiment_id, subject, subject_id, title, held_until) = ($1, $2, $3, $4, $5)"
# Who looks at a thing hears of a number that is another than before, or the first.
ANSWER = f"""
    WITH told AS (
        UPDATE summary
           SET value = $6, asked_at = now(), tried_at = now(), trouble = '', attempts = 0, next_try_at = NULL,
               held_until = NULL
         WHERE {OWN}
        RETURNING new.*, old.asked_at IS NULL OR old.value IS DISTINCT FROM new.value AS is_news
    )
    INSERT INTO change_inbox (experiment_id, campaign_id, submission_id, kind, actor_id, part, reason, body)
    SELECT t.experiment_id,
           coalesce(s.campaign_id, g.campaign_id, CASE WHEN t.subject = 'campaign' THEN t.subject_id END),
           s.id, 'summary.told', {sign_as_service(ServicePart.SUMMARIES)}, NULL,
           jsonb_build_object('thing', t.subject || ':' || t.subject_id, 'title', t.title, 'value', t.value)
      FROM told t
      LEFT JOIN submission s ON t.subject = 'submission' AND s.id = t.subject_id
      LEFT JOIN stage g ON t.subject = 'stage' AND g.id = t.subject_id
     WHERE t.is_news
"""


async def record_answer(db: Database, claim: SummaryClaim, value: float | None) -> None:
    """Keep a number; nobody asks for it again before somebody looks."""
    await db.execute(ANSWER, *claim.key, claim.held_until, value)


# The number of before stays, with its age.
TROUBLE = f"""
    UPDATE summary
       SET trouble = left($6, 1000), attempts = attempts + 1, held_until = NULL,
           next_try_at = CASE WHEN $7::interval IS NOT NULL THEN now() + $7::interval END,
           tried_at = CASE WHEN $7::interval IS NULL THEN now() ELSE tried_at END
     WHERE {OWN}
"""


async def record_trouble(
    db: Database, claim: SummaryClaim, trouble: str, again_in: timedelta | None
) -> None:
    """Note why there is no newer number; None: it was refused, and is asked for again when somebody looks later."""
    await db.execute(TROUBLE, *claim.key, claim.held_until, trouble, again_in)


FORGET = "DELETE FROM summary WHERE coalesce(asked_at, next_try_at) < now() - interval '90 days'"


async def forget_old(db: Database) -> None:
    """Let go what nobody has looked at for long."""
    await db.execute(FORGET)
