"""What is noted while a file is read: findings, where things stand, and what is kept as it is written."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from domain.campaigns.campaign_file.document import (
    FileFinding,
    FilePlace,
    FileSection,
    FindingLevel,
)
from domain.campaigns.campaign_file.keys import FileKey, Read
from domain.campaigns.campaign_file.values import (
    PartlyUnreadable,
    UnreadableValue,
    make_json_reader,
)
from domain.findings import make_camel_case

MOST_LIKE = 100
"""Of how many keys one is looked for that is like another, and how often."""


@dataclass(slots=True)
class ReadingNotes:
    """Grows while a file is read."""

    findings: dict[FileFinding, None] = field(default_factory=dict)
    """Each once, in the order in which they were noted."""
    places: dict[str, FilePlace] = field(default_factory=dict)
    """By the paths of the domain's findings."""
    verbatim: dict[str, dict[str, str]] = field(default_factory=dict)
    """Sections with keys that are kept as they are."""
    partly_read: set[str] = field(default_factory=set)
    """Texts of values of which only a part could be read: they are kept besides."""
    drafts: set[str] = field(default_factory=set)
    """Headers of sections of which something could not be taken."""

    def say(
        self, place: FilePlace, message: str, level: FindingLevel = FindingLevel.WARNING
    ) -> None:
        """Note a finding, once."""
        self.findings[FileFinding(place, message, level)] = None
        if level is FindingLevel.DRAFT:
            self.drafts.add(place.section)

    def keep(self, header: str, key: str, value: str) -> None:
        """Keep a key as it is written."""
        self.verbatim.setdefault(header, {})[key] = value

    def keep_all(self, section: FileSection) -> None:
        """Keep a whole section as it is written."""
        for key, entry in section.entries.items():
            self.keep(section.header, key, entry.value)

    def unknown(
        self, section: FileSection, known: Collection[str], kept: Collection[str] = ()
    ) -> None:
        """Keep what the file may say and ours doesn't know, with a warning if POMS wouldn't either."""
        for key, entry in section.entries.items():
            if key in known:
                continue
            self.keep(section.header, key, entry.value)
            if key not in kept:
                said = f"No such key here: it is kept and means nothing.{self._meant(key, known, kept)}"
                self.say(section.place(key), said)

    def _meant(self, key: str, known: Collection[str], kept: Collection[str]) -> str:
        """What was meant, if it is one of few and somebody may still read it."""
        if len(known) > MOST_LIKE or len(self.findings) > MOST_LIKE:
            return ""
        like = get_close_matches(key, [*known, *kept], 1)
        return f" Is it {like[0]}?" if like else ""

    def read_keys(
        self,
        keys: Sequence[FileKey],
        section: FileSection,
        defaults: FileSection | None = None,
        path: str = "",
        passed: Collection[str] = (),
    ) -> dict[str, Any]:
        """What a section's keys say, or those of the defaults where it says nothing.

        Fields that are passed over are said in a section of ours.
        """
        found = {}
        for key in keys:
            if key.field in passed:
                continue
            at = f"{path}{make_camel_case(key.field)}"
            self.places[at] = section.place(key.key)
            for where, raw in _find_values(key.key, section, defaults):
                self.places[at] = where.place(key.key)
                for value in self.read(where.place(key.key), key.read, raw):
                    found[key.field] = value
                if key.field not in found or raw in self.partly_read:
                    self.keep(section.header, key.key, raw)
        return found

    def own(
        self, section: FileSection, table: Mapping[str, Read], path: str = ""
    ) -> dict[str, Any]:
        """What a section of ours says."""
        self.unknown(section, table)
        found = {}
        for key, entry in section.entries.items():
            if key not in table:
                continue
            self.places[f"{path}{make_camel_case(key)}"] = section.place(key)
            for value in self.read(section.place(key), make_json_reader(table[key]), entry.value):
                found[key] = value
            if key not in found:
                self.keep(section.header, key, entry.value)
        return found

    def read(self, place: FilePlace, read: Callable[[str], Any], text: str) -> Iterator[Any]:
        """The value of a text, or a finding and nothing."""
        try:
            yield read(text)
        except PartlyUnreadable as error:
            self.partly_read.add(text)
            self.say(place, str(error))
            yield error.rest
        except UnreadableValue as error:
            self.say(place, str(error), FindingLevel.DRAFT)


def _find_values(
    key: str, section: FileSection, defaults: FileSection | None
) -> Iterator[tuple[FileSection, str]]:
    """Where a key has a value: an empty one is none."""
    for where in (section, defaults):
        if where and where.entries.get(key) and where.entries[key].value:
            yield where, where.entries[key].value
            return
