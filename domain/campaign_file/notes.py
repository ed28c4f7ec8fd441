"""What is noted while a file is read: findings, where things stand, and what is kept as it is written."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from domain.campaign_file.document import FileFinding, FindingLevel, Place, Section
from domain.campaign_file.keys import Key, Read
from domain.campaign_file.values import Unreadable, in_json
from domain.findings import camel

MOST_LIKE = 100
"""Of how many keys one is looked for that is like another, and how often."""


@dataclass(slots=True)
class Notes:
    """Grows while a file is read."""

    findings: dict[FileFinding, None] = field(default_factory=dict)
    """Each once, in the order in which they were noted."""
    places: dict[str, Place] = field(default_factory=dict)
    """By the paths of the domain's findings."""
    verbatim: dict[str, dict[str, str]] = field(default_factory=dict)
    """Sections with keys that are kept as they are."""
    drafts: set[str] = field(default_factory=set)
    """Headers of sections of which something could not be taken."""

    def say(self, place: Place, message: str, level: FindingLevel = FindingLevel.WARNING) -> None:
        """Note a finding, once."""
        self.findings[FileFinding(place, message, level)] = None
        if level is FindingLevel.DRAFT:
            self.drafts.add(place.section)

    def keep(self, header: str, key: str, value: str) -> None:
        """Keep a key as it is written."""
        self.verbatim.setdefault(header, {})[key] = value

    def keep_all(self, section: Section) -> None:
        """Keep a whole section as it is written."""
        for key, entry in section.entries.items():
            self.keep(section.header, key, entry.value)

    def unknown(self, section: Section, known: Collection[str], kept: Collection[str] = ()) -> None:
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

    def said(
        self,
        keys: Sequence[Key],
        section: Section,
        defaults: Section | None = None,
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
            at = f"{path}{camel(key.field)}"
            self.places[at] = section.place(key.key)
            for where, raw in _standing(key.key, section, defaults):
                self.places[at] = where.place(key.key)
                for value in self.read(where.place(key.key), key.read, raw):
                    found[key.field] = value
                if key.field not in found:
                    self.keep(section.header, key.key, raw)
        return found

    def own(self, section: Section, table: Mapping[str, Read], path: str = "") -> dict[str, Any]:
        """What a section of ours says."""
        self.unknown(section, table)
        found = {}
        for key, entry in section.entries.items():
            if key not in table:
                continue
            self.places[f"{path}{camel(key)}"] = section.place(key)
            for value in self.read(section.place(key), in_json(table[key]), entry.value):
                found[key] = value
            if key not in found:
                self.keep(section.header, key, entry.value)
        return found

    def read(self, place: Place, read: Callable[[str], Any], text: str) -> Iterator[Any]:
        """The value of a text, or a finding and nothing."""
        try:
            yield read(text)
        except Unreadable as error:
            self.say(place, str(error), FindingLevel.DRAFT)


def _standing(
    key: str, section: Section, defaults: Section | None
) -> Iterator[tuple[Section, str]]:
    """Where a key has a value: an empty one is none."""
    for where in (section, defaults):
        if where and where.entries.get(key) and where.entries[key].value:
            yield where, where.entries[key].value
            return
