"""The event log that HTCondor writes for a cluster, as text: blocks of lines that end with `...`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_END = b"\n...\n"
_HEADER = re.compile(
    r"(?P<type>\d{3}) \((?P<cluster>\d+)\.(?P<proc>-?\d+)\.-?\d+\) "
    r"(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[ T]|(?P<month2>\d\d)/(?P<day2>\d\d) )"
    r"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?(?: (?P<text>.*))?$",
    re.MULTILINE,
)
_LINE = re.compile(r"\n(?=\d{3} \()")


@dataclass(frozen=True, slots=True)
class Block:
    """One event as it was written."""

    type: int
    cluster: int
    proc: int
    """-1: of the cluster itself."""
    at: datetime
    text: str
    body: str
    """What follows the first line, with the end of that."""
    end: int
    """The offset behind it."""

    @property
    def first(self) -> str:
        """The first line after the header."""
        return self.body[1:].partition("\n")[0].strip()

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


def blocks(data: bytes, offset: int) -> Iterator[Block | int]:
    """The whole blocks in what was read at an offset; for one that is no event, the offset behind it.

    A last block that is not whole yet is left: its writer is still at it.
    """
    begin = 0
    while (end := data.find(_END, begin)) >= 0:
        text = data[begin:end].decode("utf-8", "replace").replace("\0", "\ufffd")
        begin = end + len(_END)
        yield _block(text, offset + begin) or offset + begin


def _block(text: str, end: int) -> Block | None:
    # Half a block of a writer that was killed may stand before a whole one.
    begins = [0, *(line.end() for line in _LINE.finditer(text))]
    found = next(filter(None, (_HEADER.match(text, at) for at in reversed(begins))), None)
    if found is None:
        return None
    type_, cluster, proc = int(found["type"]), int(found["cluster"]), int(found["proc"])
    return Block(type_, cluster, proc, _time(found), found["text"] or "", text[found.end() :], end)


def _time(found: re.Match[str]) -> datetime:
    """When it was; without a zone the schedd's clock is taken for ours, without a year the last such day."""
    fraction = f"{found['fraction'] or '.0':0<7}"[:7]
    clock = f"{found['h']}:{found['m']}:{found['s']}{fraction}{found['zone'] or ''}"
    if found["year"]:
        return _aware(f"{found['year']}-{found['month']}-{found['day']}T{clock}")
    now = datetime.now(UTC)
    for year in (now.year + 1, now.year, now.year - 1, now.year - 2, now.year - 3):
        try:
            at = _aware(f"{year}-{found['month2']}-{found['day2']}T{clock}")
        except ValueError:  # the 29th of February
            continue
        if at < now + timedelta(days=1):
            return at
    return now


@lru_cache(1024)
def _aware(text: str) -> datetime:
    # Without a zone this is the machine's own.
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
