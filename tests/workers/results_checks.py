"""Whether what is located is there: looked for in the store itself, and counted by who it is."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from db.pool import Pool

RESULTS = """
    SELECT s.id, u.number, u.first_submission_id, u.first_number, f.location, f.size, f.checksum
      FROM submission s
      JOIN work_unit u ON u.submission_id = s.id
      LEFT JOIN (work_unit w JOIN output_file o ON (o.submission_id, o.number) = (w.submission_id, w.number)
                                               AND o.state = 'located')
        ON w.first_submission_id = u.first_submission_id AND w.first_number = u.first_number
      LEFT JOIN file f ON f.id = o.file_id
     WHERE s.state = 'located' AND s.configuration -> 'patterns' <> '[]'
"""


async def find_without_results(db: Pool) -> Mapping[int, str]:
    """The located submissions of which not every unit has its result once, as catalogued; and why.

    A recovery's results are its origin's, too. Each unit of the stages here makes one file.
    """
    found: dict[int, str] = {}
    units: dict[tuple[int, int], list[str]] = {}
    for row in await db.fetch(RESULTS):
        units.setdefault((row["id"], row["number"]), []).append(row["location"])
        if wrong := check_result(row["location"], row["size"], row["checksum"]):
            found[row["id"]] = wrong
    for (id, number), places in units.items():
        if len(places) != 1:
            found[id] = f"unit {number} has {len(places)} results: {places}"
    return found


def check_result(location: str | None, size: int, checksum: str) -> str:
    """Of one result; nothing: it is as the catalog has it."""
    if location is None:
        return "no result"
    try:
        content = Path(location).read_bytes()
    except OSError as error:
        return f"{location}: {error.strerror}"
    if len(content) != size or checksum != f"sha256:{hashlib.sha256(content).hexdigest()}":
        return f"{location} is not what was catalogued"
    return ""
