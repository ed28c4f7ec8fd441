"""What older files say in other words, brought up to date, with a warning for each."""

import re
from collections.abc import Iterator, Mapping

from domain.campaign_file.document import Document, Entry, FileFinding, FindingLevel, Place, Section

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


def upgraded(document: Document) -> tuple[Document, list[FileFinding]]:
    """The document in the words of today."""
    found: list[FileFinding] = []
    sections: dict[str, Section] = {}
    for section in document.sections.values():
        header, kind = section.header, section.kind
        if kind in SECTIONS:
            header = f"{SECTIONS[kind]} {section.name}"
            found.append(
                _warning(section.place(), f"[{kind} …] is called [{SECTIONS[kind]} …] now.")
            )
        words = {k: new for k, new in KEYS.get(kind, {}).items() if new not in section.entries}
        found += _renamed(section, words)
        entries = {words.get(k, k): _value(words.get(k, k), e) for k, e in section.entries.items()}
        found += _replaced(section, entries)
        if header not in sections:
            sections[header] = Section(header, section.line, entries)
    return Document(sections), found


def _warning(place: Place, said: str) -> FileFinding:
    return FileFinding(place, said, FindingLevel.WARNING)


def _renamed(section: Section, words: Mapping[str, str]) -> Iterator[FileFinding]:
    for old, new in words.items():
        if old in section.entries:
            yield _warning(section.place(old), f"{old} is called {new} now.")


def _value(key: str, entry: Entry) -> Entry:
    old, new = VALUES.get(key, (NOTHING, ""))
    return Entry(old.sub(new, entry.value), entry.line)


def _replaced(section: Section, entries: Mapping[str, Entry]) -> Iterator[FileFinding]:
    for key, entry in entries.items():
        old = section.entries.get(key)
        if old is not None and old.value != entry.value:
            words, new = VALUES[key]
            yield _warning(
                section.place(key), f"{words.findall(old.value)[0]} is called {new} now."
            )
