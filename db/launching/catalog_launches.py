"""Launches in the catalogs that have their files: what is asked of a catalog, and how far that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.pool import Connection, Database, fetch_many, fetch_one
from db.setbacks import leave_out
from domain.files.catalogs import STAGING_SCOPE
from domain.launching.catalog_launches import FRESH, CatalogLaunchState


@dataclass(frozen=True, slots=True)
class CatalogLaunch:
    """One row of `catalog_launch`."""

    submission_id: int
    catalog_id: int
    name: str
    project: str
    staging: str
    state: CatalogLaunchState
    trouble: str
    waiting: int
    delivered: int
    consumed: int
    failed: int
    read_at: datetime | None
    concluded_at: datetime | None


COLUMNS = ", ".join(CatalogLaunch.__dataclass_fields__)
BY_SUBMISSIONS = f"SELECT {COLUMNS} FROM catalog_launch WHERE submission_id = ANY($1::bigint[])"


async def find_by_submissions(db: Database, ids: Sequence[int]) -> list[CatalogLaunch]:
    """The launches in catalogs among these submissions."""
    return await fetch_many(db, CatalogLaunch, BY_SUBMISSIONS, ids)


# By its first file: whether the others are there, too, is looked at when they get their name.
REQUEST = f"""
    INSERT INTO catalog_launch (submission_id, catalog_id, name, project, staging)
    SELECT s.id, c.id, s.configuration ->> 'works_on', CASE WHEN c.kind = ANY($2::catalog_kind[]) THEN $3 ELSE '' END,
           CASE WHEN c.settings ? '{STAGING_SCOPE}'
                THEN 'poms-stage-' || left((SELECT history_id FROM change_head)::text, 8) || '-' || s.id ELSE '' END
      FROM submission s
      JOIN LATERAL (SELECT f.catalog FROM input_file i JOIN file f ON f.id = i.file_id
                     WHERE i.submission_id = s.id ORDER BY i.number, i.file_id LIMIT 1) first ON true
      JOIN catalog c ON c.experiment_id = s.experiment_id AND c.name = first.catalog
                    AND (c.kind = ANY($2::catalog_kind[]) OR c.settings ? '{STAGING_SCOPE}')
     WHERE s.id = $1 AND s.configuration ->> 'works_on' IS NOT NULL
        ON CONFLICT (submission_id) DO NOTHING
    RETURNING {COLUMNS}
"""


async def request_launch(
    db: Database, submission_id: int, kinds: Sequence[str], project: str
) -> CatalogLaunch | None:
    """Have a launch made known in the catalog that has its files, or these brought to disk.

    None where it is neither of these kinds, nor one that stages.
    """
    return await fetch_one(db, CatalogLaunch, REQUEST, submission_id, list(kinds), project)


# One that works on what another made, of which nothing is known here but the name: that is in the other's catalog.
REQUEST_NAMED = f"""
    INSERT INTO catalog_launch (submission_id, catalog_id, name)
    SELECT s.id, u.catalog_id, s.configuration ->> 'parameter'
      FROM submission s JOIN catalog_launch u ON u.submission_id = s.upstream_id
     WHERE s.id = $1 AND s.files = 0 AND s.dependency_id IS NOT NULL AND s.configuration ->> 'parameter' IS NOT NULL
        ON CONFLICT (submission_id) DO NOTHING
    RETURNING {COLUMNS}
"""


async def request_named_launch(db: Database, submission_id: int) -> CatalogLaunch | None:
    """Have the name on which a launch works made known in the catalog that has what it was made from, if one has."""
    return await fetch_one(db, CatalogLaunch, REQUEST_NAMED, submission_id)


@dataclass(frozen=True, slots=True)
class UpstreamLaunch:
    """What a launch works on that has no files of its own here: what was made from those of a name."""

    name: str
    created_at: datetime
    steps: int
    version: str
    patterns: list[str]


UPSTREAM = """
    SELECT c.name, u.created_at, coalesce((u.configuration ->> 'output_ancestor_depth')::int, 1),
           coalesce(u.configuration ->> 'version', ''), d.patterns
      FROM submission s JOIN submission u ON u.id = s.upstream_id JOIN catalog_launch c ON c.submission_id = u.id
      JOIN dependency d ON d.id = s.dependency_id
     WHERE s.id = $1
"""


async def find_upstream(db: Database, submission_id: int) -> UpstreamLaunch | None:
    """Of whose files a launch is to work on the descendants, if its catalog knows."""
    return await fetch_one(db, UpstreamLaunch, UPSTREAM, submission_id)


@dataclass(frozen=True, slots=True)
class CatalogLaunchClaim:
    """A launch in a catalog that a worker has for a while; `claims` proves that it is still its own."""

    submission_id: int
    claims: int
    catalog_id: int
    experiment_id: int
    name: str
    project: str
    staging: str
    state: CatalogLaunchState
    attempts: int
    is_over: bool
    """Whether its jobs have ended, or will never run."""
    counts: list[int]
    """Files of the project when it was last asked: waiting, delivered, consumed, failed."""


CLAIM = f"""
    WITH claimed AS (
        UPDATE catalog_launch SET held_until = now() + make_interval(secs => $1), claims = claims + 1
         WHERE submission_id = (SELECT submission_id FROM catalog_launch
                                 WHERE next_try_at <= now() AND coalesce(held_until, now()) <= now()
                                   AND catalog_id <> ALL($2::bigint[])
                                   AND {leave_out("catalog_launches", "'submission:' || submission_id")}
                                 ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING *
    )
    SELECT c.submission_id, c.claims, c.catalog_id, s.experiment_id, c.name, c.project, c.staging, c.state, c.attempts,
           s.ended_at IS NOT NULL AS is_over, ARRAY[c.waiting, c.delivered, c.consumed, c.failed] AS counts
      FROM claimed c JOIN submission s ON s.id = c.submission_id
"""


async def claim(
    db: Database, lease_s: float, full: Sequence[int] = ()
) -> CatalogLaunchClaim | None:
    """Take one of which something is to be done now, of catalogs that are not `full`."""
    return await fetch_one(db, CatalogLaunchClaim, CLAIM, lease_s, list(full))


RENEW = """
    UPDATE catalog_launch SET held_until = now() + make_interval(secs => $3)
     WHERE submission_id = $1 AND claims = $2 AND held_until IS NOT NULL
    RETURNING true
"""


async def renew_claim(db: Database, claim: CatalogLaunchClaim, lease_s: float) -> bool:
    """Keep one; false where somebody else has it."""
    return bool(await db.fetchval(RENEW, claim.submission_id, claim.claims, lease_s))


FILES = """
    SELECT f.name, f.catalog FROM input_file i JOIN file f ON f.id = i.file_id
     WHERE i.submission_id = $1 ORDER BY f.name
"""


async def list_files(db: Database, submission_id: int) -> list[tuple[str, str]]:
    """The names of all inputs of a submission, each with its catalog."""
    return [(row["name"], row["catalog"]) for row in await db.fetch(FILES, submission_id)]


# By its own name programs ask for a dataset that is handed on as it is.
WHOLE = """
    SELECT d.name, d.definition
      FROM submission s JOIN slice l ON l.id = s.slice_id JOIN snapshot n ON n.id = l.snapshot_id
      JOIN dataset d ON d.id = n.dataset_id
     WHERE s.id = $1 AND d.catalog_id = $2 AND d.name <> d.definition
"""


async def find_dataset(db: Database, claim: CatalogLaunchClaim) -> tuple[str, str] | None:
    """The dataset that it works on, where that is called otherwise than in its catalog, and its definition there."""
    row = await db.fetchrow(WHOLE, claim.submission_id, claim.catalog_id)
    return (row["name"], row["definition"]) if row else None


# A launch that waits for this goes on at once.
READY = """
    WITH ready AS (
        UPDATE catalog_launch
           SET state = 'ready', attempts = 0, trouble = '', held_until = NULL,
               read_at = CASE WHEN $4::int[] IS NOT NULL THEN now() ELSE read_at END,
               waiting = coalesce(($4)[1], waiting), delivered = coalesce(($4)[2], delivered),
               consumed = coalesce(($4)[3], consumed), failed = coalesce(($4)[4], failed),
               next_try_at = CASE WHEN project <> '' OR staging <> '' THEN now() + $3::interval END
         WHERE submission_id = $1 AND claims = $2
        RETURNING submission_id
    )
    UPDATE submission SET lease_until = NULL FROM ready
     WHERE id = submission_id AND state = 'new' AND lease_holder IS NULL
"""


async def record_ready(
    db: Database, claim: CatalogLaunchClaim, look: object, counts: Sequence[int] | None = None
) -> None:
    """Note that the catalog knows a launch, or has its files on disk; it is looked at again after `look`."""
    await db.execute(READY, claim.submission_id, claim.claims, look, counts)


PROGRESS = """
    UPDATE catalog_launch
       SET attempts = 0, trouble = left($8, 1000), held_until = NULL, next_try_at = now() + $3::interval,
           read_at = now(), waiting = $4, delivered = $5, consumed = $6, failed = $7
     WHERE submission_id = $1 AND claims = $2
"""


async def record_progress(
    db: Database,
    claim: CatalogLaunchClaim,
    look: object,
    counts: Sequence[int],
    trouble: str = "",
) -> None:
    """Note how far a project is, or how much is on disk."""
    await db.execute(PROGRESS, claim.submission_id, claim.claims, look, *counts, trouble)


CONCLUDE = """
    WITH concluded AS (
        UPDATE catalog_launch
           SET state = 'concluded', attempts = 0, trouble = '', held_until = NULL, next_try_at = NULL,
               read_at = now(), concluded_at = now(), waiting = $3, delivered = $4, consumed = $5, failed = $6
         WHERE submission_id = $1 AND claims = $2
        RETURNING submission_id
    )
    UPDATE submission SET check_at = now() FROM concluded
     WHERE id = submission_id AND check_at IS NOT NULL
"""


async def record_conclusion(db: Database, claim: CatalogLaunchClaim, counts: Sequence[int]) -> None:
    """Note that all that the catalog knows of a launch is known here; what follows from it may go on."""
    await db.execute(CONCLUDE, claim.submission_id, claim.claims, *counts)


POSTPONE = """
    UPDATE catalog_launch SET attempts = attempts + 1, trouble = left($3, 1000), held_until = NULL, next_try_at = $4
     WHERE submission_id = $1 AND claims = $2
"""


async def postpone_launch(
    db: Database, claim: CatalogLaunchClaim, trouble: str, at: datetime
) -> None:
    """Note why nothing came of it; it is tried again then."""
    await db.execute(POSTPONE, claim.submission_id, claim.claims, trouble, at)


# One that is in trouble is tried at its time.
RELEASE = """
    UPDATE catalog_launch SET next_try_at = least(next_try_at, now())
     WHERE submission_id = $1 AND staging <> '' AND attempts = 0 AND next_try_at > now()
"""


async def request_release(db: Database, submission_id: int) -> None:
    """Have what was brought to disk for a submission that is over let go now, not at the next look."""
    await db.execute(RELEASE, submission_id)


# What was told a moment ago is taken for what the catalog knows; else it is asked anew.
IS_CONCLUDED = f"""
    WITH asked AS (
        UPDATE catalog_launch
           SET next_try_at = CASE WHEN attempts = 0 THEN least(next_try_at, now()) ELSE next_try_at END
         WHERE submission_id = $1 AND project <> ''
           AND coalesce(concluded_at, '-infinity') < now() - interval '{FRESH.total_seconds()} s'
        RETURNING trouble
    )
    SELECT trouble FROM asked
"""


async def explain_conclusion_wait(db: Database, submission_id: int) -> str | None:
    """Why it isn't known yet what became of a launch's files; empty: it is being asked. None: it is known."""
    row = await db.fetchrow(IS_CONCLUDED, submission_id)
    return None if row is None else str(row["trouble"])


@dataclass(frozen=True, slots=True)
class CatalogLaunchInput:
    """An input by its name: of which work unit, which file, and whether it is done there."""

    name: str
    number: int
    file_id: int
    is_done: bool


INPUTS = """
    SELECT f.name, i.number, i.file_id, i.outcome = 'done' AND i.delivery <> 'skipped'
      FROM input_file i JOIN file f ON f.id = i.file_id
     WHERE i.submission_id = $1 AND f.name = ANY($2::text[])
"""


async def find_inputs(
    db: Database, submission_id: int, names: Sequence[str]
) -> dict[str, CatalogLaunchInput]:
    """The inputs among these names."""
    found = await fetch_many(db, CatalogLaunchInput, INPUTS, submission_id, list(names))
    return {each.name: each for each in found}


LEFT = """
    WITH lost AS (
        UPDATE input_file SET outcome = 'failed', reason = CASE WHEN delivery = 'delivered' THEN $2 ELSE $3 END
         WHERE submission_id = $1 AND outcome = 'none'
        RETURNING submission_id
    )
    UPDATE submission s SET files_failed = files_failed + d.n
      FROM (SELECT count(*) AS n FROM lost) d WHERE s.id = $1 AND d.n > 0
"""


async def fail_left_over(
    conn: Connection, submission_id: int, not_finished: str, not_handed_out: str
) -> None:
    """What nobody has done when all is over has failed."""
    await conn.execute(LEFT, submission_id, not_finished, not_handed_out)
