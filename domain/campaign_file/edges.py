"""The dependencies in a campaign file: `[dependencies X]` says what X depends on."""

from typing import Any

from domain.campaign_file import keys, values
from domain.campaign_file.document import Document, Place, Section
from domain.campaign_file.notes import Notes
from domain.plans import Edge

UPSTREAM, PATTERN = "campaign_stage_", "file_pattern_"
OWN = "edges"
Found = tuple[Edge, Place, Place]
"""A dependency, where it stands, and where its patterns do."""


def edges(document: Document, notes: Notes) -> list[Edge]:
    """All of them, in the order of the stages that they launch."""
    order = {section.name: n for n, section in enumerate(document.of_kind("campaign_stage"))}
    names = dict.fromkeys(
        section.name
        for section in document.sections.values()
        if section.kind in ("dependencies", "poms_dependencies") and section.name
    )
    found: list[Found] = []
    for name in sorted(names, key=lambda name: order.get(name, len(order))):
        section = document.get(f"dependencies {name}")
        own = document.get(f"poms_dependencies {name}")
        found += _merged(_numbered(section, notes)) if OWN not in own.entries else _own(own, notes)
        notes.unknown(own, {OWN})
    for n, (_, place, patterns) in enumerate(found):
        at = f"dependencies[{n}]"
        notes.places |= {at: place, f"{at}.patterns": patterns}
        notes.places[f"{at}.downstream"] = Place(place.line, place.section)
    return [edge for edge, _, _ in found]


def _numbered(section: Section, notes: Notes) -> list[Found]:
    found = []
    known = {
        f"{PATTERN}{key.rpartition('_')[2]}" for key in section.entries if key.startswith(UPSTREAM)
    }
    notes.unknown(section, known | {key for key in section.entries if key.startswith(UPSTREAM)})
    for key, entry in section.entries.items():
        if not key.startswith(UPSTREAM):
            continue
        pattern = f"{PATTERN}{key.rpartition('_')[2]}"
        text = section.entries[pattern].value if pattern in section.entries else ""
        read = list(notes.read(section.place(pattern), _patterns, text))
        if read:
            edge = Edge(entry.value, section.name, read[0])
            found.append((edge, section.place(key), section.place(pattern)))
        else:
            notes.keep(section.header, key, entry.value)
            notes.keep(section.header, pattern, text)
    return found


def _patterns(text: str) -> list[str]:
    return [values.read_edge_pattern(text)] if text else []


def _merged(found: list[Found]) -> list[Found]:
    """One for each stage upstream; an empty pattern is any."""
    merged: dict[str, Found] = {}
    for edge, place, where in found:
        if edge.upstream in merged:
            earlier, place, where = merged[edge.upstream]
            both = [*earlier.patterns, *edge.patterns] if earlier.patterns and edge.patterns else []
            edge = Edge(edge.upstream, edge.downstream, list(dict.fromkeys(both)))
        merged[edge.upstream] = edge, place, where
    return list(merged.values())


def _own(section: Section, notes: Notes) -> list[Found]:
    place, text = section.place(OWN), section.entries[OWN].value
    for found in notes.read(place, lambda t: _edges(values.from_json(t), section.name), text):
        return [(edge, place, place) for edge in found]
    notes.keep(section.header, OWN, text)
    return []


def _edges(value: Any, downstream: str) -> list[Edge]:
    if not isinstance(value, list):
        raise values.Unreadable("Dependencies are a list of objects.")
    return [_edge(values.mapping(one), downstream) for one in value]


def _edge(value: dict[str, Any], downstream: str) -> Edge:
    if "upstream" not in value or (unknown := sorted(value.keys() - keys.OWN_EDGE.keys())):
        what = f"no {unknown[0]!r}" if "upstream" in value else "'upstream'"
        raise values.Unreadable(f"A dependency has {what}; it has {', '.join(keys.OWN_EDGE)}.")
    return Edge(downstream=downstream, **{k: keys.OWN_EDGE[k](v) for k, v in value.items()})
