"""The campaign file as text: sections of keys and values, each with its line.

The standard library reads it, set as POMS sets it (no interpolation, keys in small letters, comments only at the
start of a line, values continued on indented lines); where things stand is seen through the hooks that it has.
"""

import io
import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, MissingSectionHeaderError, ParsingError
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast


class FindingLevel(StrEnum):
    """What a finding in a file means for its import."""

    REFUSED = "refused"
    """Nothing is imported."""
    DRAFT = "draft"
    """The campaign is imported as a draft, and can't be activated until this is mended."""
    WARNING = "warning"
    """It is imported and can launch; look at this nevertheless."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where in a file something stands; of what isn't there, where it would belong."""

    line: int
    section: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What is wrong with a file, and where."""

    place: FilePlace
    message: str
    level: FindingLevel


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A value, and the line of its key."""

    value: str
    line: int


@dataclass(frozen=True, slots=True)
class FileSection:
    """A section `[kind name]`, or `[kind]`."""

    header: str
    line: int
    entries: Mapping[str, FileEntry] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The first word of its header."""
        return self.header.partition(" ")[0]

    @property
    def name(self) -> str:
        """The rest of its header."""
        return self.header.partition(" ")[2]

    def place(self, key: str = "") -> FilePlace:
        """Where a key stands in it."""
        entry = self.entries.get(key)
        return FilePlace(entry.line if entry else self.line, self.header, key)


@dataclass(frozen=True, slots=True)
class FileDocument:
    """The sections of a file by their headers, in their order."""

    sections: Mapping[str, FileSection]

    def get(self, header: str) -> FileSection:
        """A section, or an empty one where there is none."""
        return self.sections.get(header) or FileSection(header, 1)

    def of_kind(self, kind: str) -> list[FileSection]:
        """All sections `[kind name]`."""
        return [found for found in self.sections.values() if found.kind == kind and found.name]


class _HeaderPattern:
    """Stands for the pattern of a section's header, and notes where one was found."""

    def __init__(self, reader: "_PlaceNotingParser") -> None:
        self.reader = reader

    def match(self, text: str) -> re.Match[str] | None:
        """As the pattern would."""
        found = ConfigParser.SECTCRE.match(text)
        if found:
            self.reader.note(found["header"], None)
        return found


class _PlaceNotingParser(ConfigParser):
    """Notes the line of each header and key as it is read, those too that come twice."""

    def __init__(self) -> None:
        super().__init__(interpolation=None, strict=False, default_section="")
        self.SECTCRE = cast("re.Pattern[str]", _HeaderPattern(self))
        self.line = 0
        self.header = ""
        self.noted: list[tuple[int, str, str | None]] = []

    def note(self, header: str, key: str | None) -> None:
        """Keep where this was found."""
        self.header = header
        self.noted.append((self.line, header, key))

    def optionxform(self, optionstr: str) -> str:
        """Asked for each key as it is read."""
        key = optionstr.lower()
        self.note(self.header, key)
        return key

    def lines(self, text: str) -> Iterator[str]:
        """Lines as the parser takes them, counted."""
        for self.line, line in enumerate(io.StringIO(text), start=1):
            yield line


CONFLICT = re.compile(r"(?m)^(<{7}|={7}|>{7}|\|{7})(?: .*)?$")
"""What git leaves where two changes of a file could not be merged."""


def parse_document(text: str) -> tuple[FileDocument, list[FileFinding]]:
    """Read a text; all that is wrong with its form is found at once."""
    if conflicts := _find_conflicts(text):
        return FileDocument({}), conflicts
    reader, found = _PlaceNotingParser(), list[FileFinding]()
    try:
        reader.read_file(reader.lines(text))
    except MissingSectionHeaderError as error:
        found.append(_make_refusal(error.lineno, "The file begins with a section: [campaign]."))
    except ParsingError as error:
        found += [
            _make_refusal(line, "This is neither a section nor a key.") for line, _ in error.errors
        ]
    noted = list(reader.noted)
    found += _report_duplicates(noted)
    first = {(header, key): line for line, header, key in reversed(noted)}
    return FileDocument(
        {name: _build_section(reader, name, first) for name in reader.sections()}
    ), found


def _find_conflicts(text: str) -> list[FileFinding]:
    """Marks of a merge, instead of all the keys that come twice because of it."""
    message = (
        "This is the mark of a merge conflict: choose one of the sides, and take the marks out."
    )
    lines = enumerate(text.splitlines(), start=1)
    return [_make_refusal(number, message) for number, line in lines if CONFLICT.match(line)]


def _make_refusal(line: int, said: str, header: str = "", key: str = "") -> FileFinding:
    return FileFinding(FilePlace(line, header, key), said, FindingLevel.REFUSED)


def _report_duplicates(noted: list[tuple[int, str, str | None]]) -> Iterator[FileFinding]:
    seen = set[tuple[str, str | None]]()
    for line, header, key in noted:
        if (header, key) in seen:
            what = f"[{header}]" if key is None else f"{key} of [{header}]"
            yield _make_refusal(line, f"{what} is in the file already.", header, key or "")
        seen.add((header, key))


def _build_section(
    reader: _PlaceNotingParser, name: str, first: Mapping[tuple[str, str | None], int]
) -> FileSection:
    entries = {key: FileEntry(value, first[name, key]) for key, value in reader.items(name) if key}
    return FileSection(name, first[name, None], entries)


def render_sections(sections: Mapping[str, Mapping[str, str]]) -> str:
    """The text of sections; empty ones are left out."""
    return "\n".join(
        "".join([f"[{header}]\n", *(_render_line(key, value) for key, value in entries.items())])
        for header, entries in sections.items()
        if entries
    )


def _render_line(key: str, value: str) -> str:
    return f"{key} = " + value.replace("\n", "\n\t") + "\n"
