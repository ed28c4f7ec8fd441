"""What SAM answers: errors, files, places, and whether it has what was declared."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from catalogs import (
    CatalogChild,
    CatalogFile,
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    ClaimProblem,
    ListingIncomplete,
    OutputDeclaration,
    Replica,
)

PASSING = frozenset({408, 425, 429})
TAPE = "tape"


class SamRefused(CatalogRefused):
    """SAM refuses, with the class of its error."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


class SamConflict(SamRefused):
    """There is one of that name already, or it is in use."""


def judge_answer(status: int, _headers: Mapping[str, str], text: str) -> Exception:
    """What an answer means that is none: clients take 4xx for final, but for the limit of queries at once."""
    error, message = _read_error(text)
    if status >= 500 or status in PASSING or "query limit" in message.lower():
        return CatalogUnavailable(f"SAM answers {status}: {message}")
    if status in (401, 403):
        return CatalogSignInRefused(f"SAM lets us not in ({status}): {message}")
    return (SamConflict if status == 409 else SamRefused)(error, f"SAM refuses: {message}")


def _read_error(text: str) -> tuple[str, str]:
    try:
        found = orjson.loads(text)
        return str(found["error"]), str(found["message"])[:500]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "", text.strip()[:500]


def parse_file(metadata: Mapping[str, Any]) -> CatalogFile:
    """A file as its metadata describe it; a time is that of its data, else of its declaration."""
    runs, at = metadata.get("runs") or [], metadata.get("end_time") or metadata.get("create_date")
    try:
        return CatalogFile(
            metadata["file_name"],
            int(metadata["file_size"]),
            _choose_checksum(metadata),
            metadata.get("event_count"),
            int(runs[0][0]) if runs else None,
            _parse_time(at) if at else None,
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ListingIncomplete(f"This is no file's metadata: {str(metadata)[:200]}") from error


def _parse_time(text: str) -> datetime:
    """As SAM writes it; without a zone it is UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _choose_checksum(metadata: Mapping[str, Any]) -> str | None:
    """One that can be compared: what is called `enstore` is written otherwise than all others."""
    known = map(str, metadata.get("checksum") or [])
    return next((each for each in known if not each.startswith("enstore:")), None)


def parse_child(metadata: Mapping[str, Any]) -> CatalogChild:
    """A file that was made from others, from its metadata with its locations."""
    places = metadata.get("locations") or []
    return CatalogChild(
        metadata["file_name"],
        int(metadata["file_size"]),
        [parent["file_name"] for parent in metadata.get("parents") or []],
        _choose_checksum(metadata),
        parse_replica(places[0]).url if places else None,
        metadata.get("event_count"),
    )


def parse_listed_file(line: bytes) -> CatalogFile:
    """A line of a listing with `fileinfo`; raises ListingIncomplete where it is none."""
    try:
        name, _, size, events = line.decode().split()
        return CatalogFile(name, int(size), events=None if events == "None" else int(events))
    except ValueError as error:
        raise ListingIncomplete(f"This is no line of a SAM listing: {line[:200]!r}") from error


def parse_replica(place: Mapping[str, Any]) -> Replica:
    """One of the places of a file."""
    kind = place.get("location_type")
    where = str(place.get("location") or "")
    on_disk = None if kind is None else kind != TAPE
    return Replica(str(place.get("full_path") or where), where.partition(":")[0], on_disk)


def build_metadata(output: OutputDeclaration) -> dict[str, Any]:
    """An output as SAM is told of it."""
    given = {"file_type": "unknown"} | dict(output.metadata)
    if output.events is not None:
        given["event_count"] = output.events
    return given | {
        "file_name": output.name,
        "file_size": output.size,
        "checksum": [f"{kind}:{value}" for kind, value in output.checksums.items()],
        "parents": [{"file_name": name} for name in output.parents],
    }


def is_located_at(metadata: Mapping[str, Any] | None, output: OutputDeclaration) -> bool:
    """Whether SAM has the place that was declared."""
    places = metadata.get("locations", []) if metadata else []
    return any(output.location in (place["full_path"], place["location"]) for place in places)


def compare_declaration(
    metadata: Mapping[str, Any] | None, output: OutputDeclaration
) -> ClaimProblem | None:
    """What was read back against what was declared; checksums only of the same algorithm."""
    if metadata is None:
        return ClaimProblem(f"SAM does not know {output.name} after it was declared.")
    if metadata["file_size"] != output.size:
        text = f"SAM has {output.name} with {metadata['file_size']} bytes, not {output.size}."
        return ClaimProblem(text, needs_decision=True)
    for known in metadata.get("checksum") or []:
        kind, _, value = str(known).partition(":")
        if output.checksums.get(kind, value).lower() != value.lower():
            text = f"SAM has {output.name} with another {kind} checksum, {value}."
            return ClaimProblem(text, needs_decision=True)
    return None
