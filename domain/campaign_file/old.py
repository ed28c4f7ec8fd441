"""What older files say in other words, brought up to date, with a warning for each."""

from collections.abc import Iterator, Mapping

from domain.campaign_file.document import Document, Entry, FileFinding, Level, Place, Section

SECTIONS = {"launch_template": "login_setup"}
KEYS = {
    "campaign": {"tag": "name"},
    "campaign_stage": {"dataset": "dataset_or_split_data", "launch_template": "login_setup"},
    "campaign_defaults": {"dataset": "dataset_or_split_data", "launch_template": "login_setup"},
}
VALUES = {("completion_type", "completed"): "complete"}


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
    return FileFinding(place, said, Level.WARNING)


def _renamed(section: Section, words: Mapping[str, str]) -> Iterator[FileFinding]:
    for old, new in words.items():
        if old in section.entries:
            yield _warning(section.place(old), f"{old} is called {new} now.")


def _value(key: str, entry: Entry) -> Entry:
    return Entry(VALUES.get((key, entry.value.lower()), entry.value), entry.line)


def _replaced(section: Section, entries: Mapping[str, Entry]) -> Iterator[FileFinding]:
    for key, entry in entries.items():
        old = section.entries.get(key)
        if old is not None and old.value != entry.value:
            yield _warning(section.place(key), f"{old.value} is called {entry.value} now.")
