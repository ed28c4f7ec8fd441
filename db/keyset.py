"""Statements that read one page of an experiment's things by their names."""

from dataclasses import dataclass

from db.pool import Database, Row, fetch_many


class NameIsTaken(Exception):
    """Another thing of the experiment has the name."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Where in a list a page begins, which way it goes, and how far."""

    start: str | None = None
    backwards: bool = False
    limit: int = 51


def render_page_by_name(table: str, columns: str, *, backwards: bool) -> str:
    """$1 experiment, $2 the name to start after, $3 how many, $4 what the names contain."""
    sign, way = ("<", "DESC") if backwards else (">", "ASC")
    return f"""
        SELECT {columns} FROM {table}
         WHERE experiment_id = $1 AND ($2::text IS NULL OR name {sign} $2)
           AND ($4::text IS NULL OR position(lower($4) IN lower(name)) > 0)
         ORDER BY name {way} LIMIT $3
    """


async def page_by_name(
    db: Database,
    row: type[Row],
    ways: tuple[str, str],
    experiment_id: int,
    place: PageRequest,
    contains: str | None,
) -> list[Row]:
    """Read a page with one of two statements, forward or backward."""
    sql = ways[place.backwards]
    return await fetch_many(db, row, sql, experiment_id, place.start, place.limit, contains)
