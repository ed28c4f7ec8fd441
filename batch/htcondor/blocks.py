"""The event log that HTCondor writes for a cluster, as text: blocks of lines that end with `...`."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

END = b"\n...\n"
_HEADER = (
    r"(\d{3}) \((\d+)\.(-?\d+)\.-?\d+\) "
    r"((?:\d{4}-\d\d-\d\d[ T]|\d\d/\d\d )\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)(?: |$)"
)
_BEGINS = re.compile(_HEADER, re.MULTILINE)
_BEGINS_AGAIN = re.compile(rf"\n(?={_HEADER})", re.MULTILINE)


class EventBlock(NamedTuple):
    """One event as it was written."""

    type: int
    cluster: int
    proc: int
    """-1: of the cluster itself."""
    at: datetime
    body: str
    """What follows the header, with the rest of its line."""

    @property
    def key(self) -> tuple[int, int]:
        """Of which job it is: cluster and proc."""
        return self.cluster, self.proc

    @property
    def text(self) -> str:
        """The first line, which says in words what kind of event it is."""
        return self.body.partition("\n")[0]

    @property
    def first(self) -> str:
        """The line after that."""
        return self.body.partition("\n")[2].partition("\n")[0].strip()

    def after(self, label: str) -> str | None:
        """What stands behind a label at the beginning of a line."""
        at = self.body.find(label)
        while at > 0 and self.body[at - 1] not in "\n\t ":
            at = self.body.find(label, at + 1)
        return self.body[at + len(label) :].partition("\n")[0].strip() if at > 0 else None

    def value(self, name: str) -> str | None:
        """An attribute of a block that is a ClassAd."""
        found = self.after(f"{name} = ")
        return None if found is None else found.strip('"')


def split_blocks(data: bytes, offset: int) -> Iterator[tuple[str, int]]:
    """The whole blocks in what was read at an offset, each with the offset behind it.

    A last block that is not whole yet is left: its writer is still at it.
    """
    # Postgres takes no NUL; whatever else is strange stays as long as it was.
    *whole, _ = data.replace(b"\0", b"?").split(END)
    for each in whole:
        offset += len(each) + len(END)
        text = each.decode("utf-8", "replace")
        yield _find_last_block(text) if "\n0" in text else text, offset


def _find_last_block(text: str) -> str:
    # Half a block of a writer that was killed may stand before a whole one.
    begins = [found.start() + 1 for found in _BEGINS_AGAIN.finditer(text)]
    return text[begins[-1] :] if begins else text


def parse_block(text: str) -> EventBlock | None:
    """What a block says; None: it is no event."""
    found = _BEGINS.match(text)
    if found is None:
        return None
    type_, cluster, proc, clock = found.groups()
    try:
        at = _parse_block_time(clock)
    except ValueError:  # a month 13
        return None
    return EventBlock(int(type_), int(cluster), int(proc), at, text[found.end() :])


def list_logged_clusters(data: bytes) -> set[int]:
    """The clusters that the beginning of a log tells of."""
    return {block.cluster for text, _ in split_blocks(data, 0) if (block := parse_block(text))}


def _parse_block_time(clock: str) -> datetime:
    """When it was; without a zone the schedd's clock is taken for ours, without a year the last such day."""
    if clock[2] != "/":
        return _parse_utc_time(clock)
    month, day, now = clock[:2], clock[3:5], datetime.now(UTC)
    for year in range(now.year + 1, now.year - 4, -1):
        try:
            at = _parse_utc_time(f"{year}-{month}-{day}{clock[5:]}")
        except ValueError:  # the 29th of February
            continue
        if at < now + timedelta(days=1):
            return at
    return now


@lru_cache(1024)
def _parse_utc_time(clock: str) -> datetime:
    # Without a zone this is the machine's own.
    return datetime.fromisoformat(clock).astimezone(UTC)
