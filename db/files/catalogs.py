"""Catalogs outside of ours: where they are, as whom they are asked, and how they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.changes import sign_as_person, sign_as_service, tell_saved_row
from db.keyset import PageRequest, page_by_name, render_page_by_name
from db.pool import Database, fetch_many, fetch_one
from domain.changes import ChangeKind, ServicePart
from domain.files.catalogs import OUTPUTS_SCOPE, CatalogKind


@dataclass(frozen=True, slots=True)
class Catalog:
    """One row of `catalog`."""

    id: int
    experiment_id: int
    name: str
    kind: CatalogKind
    url: str
    settings: Mapping[str, str]
    credential_id: int | None
    saved_at: datetime
    created_at: datetime
    answered_at: datetime | None
    troubled_since: datetime | None
    trouble: str


COLUMNS = ", ".join(Catalog.__dataclass_fields__)
BY_IDS = f"SELECT {COLUMNS} FROM catalog WHERE id = ANY($1::bigint[])"


async def find_by_ids(db: Database, ids: Sequence[int]) -> list[Catalog]:
    """Find the catalogs that exist among these."""
    return await fetch_many(db, Catalog, BY_IDS, ids)


BY_NAME = f"SELECT {COLUMNS} FROM catalog WHERE experiment_id = $1 AND name = $2"


async def find(db: Database, experiment_id: int, name: str) -> Catalog | None:
    """Find an experiment's catalog."""
    return await fetch_one(db, Catalog, BY_NAME, experiment_id, name)


# MetaCat first: a file is to be known before it is said where it lies.
FOR_OUTPUTS = f"""
    SELECT {COLUMNS} FROM catalog WHERE experiment_id = $1 AND settings ? '{OUTPUTS_SCOPE}'
     ORDER BY kind = 'metacat' DESC, id
"""


async def list_for_outputs(db: Database, experiment_id: int) -> list[Catalog]:
    """The catalogs that are told of an experiment's outputs, in the order in which they are told."""
    return await fetch_many(db, Catalog, FOR_OUTPUTS, experiment_id)


FORWARD = render_page_by_name("catalog", COLUMNS, backwards=False)
BACKWARD = render_page_by_name("catalog", COLUMNS, backwards=True)


async def page(
    db: Database, experiment_id: int, place: PageRequest, contains: str | None
) -> list[Catalog]:
    """Read a page of an experiment's catalogs."""
    return await page_by_name(db, Catalog, (FORWARD, BACKWARD), experiment_id, place, contains)


@dataclass(frozen=True, slots=True)
class CatalogDefinition:
    """A catalog as somebody wants it saved."""

    name: str
    kind: CatalogKind
    url: str
    settings: Mapping[str, str]
    credential_id: int | None


# What could not be listed is tried again at once: the mistake may have been here.
SAVE = f"""
    WITH saved AS (
        INSERT INTO catalog AS c (experiment_id, name, kind, url, settings, credential_id)
        VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (experiment_id, name) DO UPDATE
           SET url = excluded.url, settings = excluded.settings, credential_id = excluded.credential_id,
               saved_at = now()
         WHERE c.kind = excluded.kind
        RETURNING *
    ), due AS (
        UPDATE dataset d SET list_at = now()
          FROM saved WHERE d.catalog_id = saved.id AND d.unknown_since IS NOT NULL
    ), hurried AS (
        UPDATE dataset_listing l SET next_try_at = now()
          FROM saved, dataset d
         WHERE d.catalog_id = saved.id AND l.dataset_id = d.id AND l.state IN ('requested', 'reading', 'publishing')
    ), resumed AS (
        UPDATE catalog_launch l SET next_try_at = now()
          FROM saved WHERE l.catalog_id = saved.id AND l.next_try_at IS NOT NULL
    ), told AS ({tell_saved_row(ChangeKind.CATALOG_SAVED, sign_as_person("$7"))})
    SELECT {COLUMNS} FROM saved
"""


async def save_catalog(
    db: Database, experiment_id: int, given: CatalogDefinition, person_id: int
) -> Catalog | None:
    """Record a catalog, anew if it is there; None where it is there as one of another kind."""
    return await fetch_one(
        db, Catalog, SAVE, experiment_id, given.name, given.kind, given.url, dict(given.settings),
        given.credential_id, person_id,
    )  # fmt: skip


def _tell_health(kind: ChangeKind) -> str:
    return f"""
    INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
    SELECT experiment_id, '{kind.value}', {sign_as_service(ServicePart.LISTINGS)}, NULL,
           jsonb_build_object('catalog', 'catalog:' || id, 'name', name, 'text', trouble)
      FROM moved WHERE is_news
    """


NOTE_TROUBLE = f"""
    WITH moved AS (
        UPDATE catalog SET troubled_since = coalesce(troubled_since, now()), trouble = left($2, 1000) WHERE id = $1
        RETURNING new.*, old.troubled_since IS NULL AS is_news
    )
    {_tell_health(ChangeKind.CATALOG_TROUBLED)}
"""


async def note_trouble(db: Database, id: int, trouble: str) -> None:
    """Note that a catalog does not do what it is asked; told when it begins."""
    await db.execute(NOTE_TROUBLE, id, trouble)


NOTE_ANSWER = f"""
    WITH moved AS (
        UPDATE catalog SET answered_at = now(), troubled_since = NULL, trouble = '' WHERE id = $1
        RETURNING new.*, old.troubled_since IS NOT NULL AS is_news
    )
    {_tell_health(ChangeKind.CATALOG_RECOVERED)}
"""


async def note_answer(db: Database, id: int) -> None:
    """Note that a catalog has done what it was asked; told where it had not before."""
    await db.execute(NOTE_ANSWER, id)
