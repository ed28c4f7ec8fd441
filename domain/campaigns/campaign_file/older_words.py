"""What older files say in other words, brought up to date, with a warning for each."""

import re
from collections.abc import Iterator, Mapping

from domain.campaigns.campaign_file.document import (
    FileDocument,
    FileEntry,
    FileFinding,
    FilePlace,
    FileSection,
    FindingLevel,
)

SECTIONS = {"launch_template": "login_setup"}
KEYS = {
    "campaign": {"tag": "name"},
    "campaign_stage": {"dataset": "dataset_or_split_data", "launch_template": "login_setup"},
    "campaign_defaults": {"dataset": "dataset_or_split_data", "launch_template": "login_setup"},
}
NOTHING = re.compile(r"(?!)")
VALUES = {
    "completion_type": (re.compile(r"^completed$", re.IGNORECASE), "complete"),
    "recoveries": (re.compile(r'"proj_status"'), '"process_status"'),
}


def upgrade_document(document: FileDocument) -> tuple[FileDocument, list[FileFinding]]:
    """The document in the words of today."""
    found: list[FileFinding] = []
    sections: dict[str, FileSection] = {}
    for section in document.sections.values():
        header, kind = section.header, section.kind
        if kind in SECTIONS:
            header = f"{SECTIONS[kind]} {section.name}"
            found.append(
                _make_warning(section.place(), f"[{kind} …] is called [{SECTIONS[kind]} …] now.")
            )
        words = {k: new for k, new in KEYS.get(kind, {}).items() if new not in section.entries}
        found += _rename_keys(section, words)
        entries = {
            words.get(k, k): _upgrade_value(words.get(k, k), e) for k, e in section.entries.items()
        }
        found += _replace_values(section, entries)
        if header not in sections:
            sections[header] = FileSection(header, section.line, entries)
    return FileDocument(sections), found


def _make_warning(place: FilePlace, said: str) -> FileFinding:
    return FileFinding(place, said, FindingLevel.WARNING)


def _rename_keys(section: FileSection, words: Mapping[str, str]) -> Iterator[FileFinding]:
    for old, new in words.items():
        if old in section.entries:
            yield _make_warning(section.place(old), f"{old} is called {new} now.")


def _upgrade_value(key: str, entry: FileEntry) -> FileEntry:
    old, new = VALUES.get(key, (NOTHING, ""))
    return FileEntry(old.sub(new, entry.value), entry.line)


def _replace_values(
    section: FileSection, entries: Mapping[str, FileEntry]
) -> Iterator[FileFinding]:
    for key, entry in entries.items():
        old = section.entries.get(key)
        if old is not None and old.value != entry.value:
            words, new = VALUES[key]
            yield _make_warning(
                section.place(key), f"{words.findall(old.value)[0]} is called {new} now."
            )
