"""How SAM, Rucio and MetaCat list files: what of it a file of a dataset is made of."""

import re
from collections.abc import Mapping
from typing import Any

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
NUMBER = re.compile(r"[0-9]+")
RULE = re.compile(r"[+|\s-]*|Total (files|size|events) ?:.*|#.*")
HEAD = re.compile(r"[|\s]*SCOPE:NAME\b", re.IGNORECASE)
FIELDS = {
    "name": ("file_name", "filename", "lfn"),
    "size": ("size_bytes", "bytes", "file_size", "filesize"),
    "location": ("path", "url", "pfn"),
    "events": ("event_count", "n_events"),
    "run": ("run_number",),
}
"""What lists of others call the fields of a file."""
SUM = re.compile(r"(?:ad|adler32):([0-9a-fA-F]{1,8})")


def name_field(column: str) -> str:
    """The field of a file that a column is, or the column's own name."""
    word = column.strip().lower()
    found = (field for field, others in FIELDS.items() if word == field or word in others)
    return next(found, column)


def is_location(text: str) -> bool:
    """Whether it is a path or an address, no name."""
    return text.startswith("/") or ADDRESS.match(text) is not None


def name_location(location: str) -> str:
    """The name of the file that lies there: the last part, without what follows a question mark in an address."""
    path = location if location.startswith("/") else location.partition("?")[0]
    return path.rstrip("/").rpartition("/")[2]


def parse_line(line: str) -> dict[str, Any] | None:
    """A line of a listing: a place, a name, or a name with what is known; None: it tells of no file."""
    if RULE.fullmatch(line) or HEAD.match(line):
        return None
    if is_location(line):
        return {"name": name_location(line), "location": line}
    if "|" in line or "," in line:
        return _parse_rucio_cells([cell.strip() for cell in re.split(r"[|,]", line.strip("| "))])
    words = line.split()
    if len(words) == 4 and all(map(NUMBER.fullmatch, words[1:])):  # name, id, size, events
        return {"name": words[0], "size": int(words[2]), "events": int(words[3])}
    return {"name": line}


def _parse_rucio_cells(cells: list[str]) -> dict[str, Any]:
    """`scope:name`, GUID, checksum, size and events; a size for people (1.2 GB) is not known exactly."""
    found: dict[str, Any] = {"name": cells[0]}
    for cell, part in zip(cells[3:5], ("size", "events"), strict=False):
        if NUMBER.fullmatch(cell):
            found[part] = int(cell)
    sums = [match[1] for cell in cells[1:] if (match := SUM.fullmatch(cell))]
    return found | ({"checksum": f"adler32:{sums[0]}"} if sums else {})


def convert_object(found: dict[str, Any]) -> dict[str, Any]:
    """A JSON object as SAM, Rucio or MetaCat give it, as POMS takes it; any other as it is."""
    if "file_name" in found:
        return _convert_sam_object(found)
    if {"scope", "name"} <= found.keys():
        return _convert_rucio_object(found)
    if {"namespace", "name"} <= found.keys():
        return _convert_metacat_object(found)
    return found


def _convert_sam_object(found: Mapping[str, Any]) -> dict[str, Any]:
    sums, runs = found.get("checksum") or [None], found.get("runs") or [[None]]
    own = {
        "file_name",
        "file_size",
        "checksum",
        "event_count",
        "runs",
        "file_id",
        "parents",
        "locations",
    }
    return {
        "name": found["file_name"],
        "size": found.get("file_size"),
        "checksum": sums if isinstance(sums, str) else sums[0],
        "events": found.get("event_count"),
        "run": runs[0][0],
        "metadata": {name: value for name, value in found.items() if name not in own},
        "catalog": "sam",
    }


def _convert_rucio_object(found: Mapping[str, Any]) -> dict[str, Any]:
    pfns = found.get("pfns") or {}
    places = sorted(pfns, key=lambda pfn: (pfns[pfn] or {}).get("priority", 0))
    adler32 = found.get("adler32")
    return {
        "name": f"{found['scope']}:{found['name']}",
        "size": found.get("bytes"),
        "checksum": f"adler32:{adler32}" if adler32 else None,
        "events": found.get("events"),
        "location": places[0] if places else None,
        "replicas": places[1:] or None,
        "catalog": "rucio",
    }


def _convert_metacat_object(found: Mapping[str, Any]) -> dict[str, Any]:
    sums = found.get("checksums") or {}
    return {
        "name": f"{found['namespace']}:{found['name']}",
        "size": found.get("size"),
        "checksum": next((f"{kind}:{value}" for kind, value in sorted(sums.items())), None),
        "metadata": found.get("metadata") or None,
        "catalog": "metacat",
    }
