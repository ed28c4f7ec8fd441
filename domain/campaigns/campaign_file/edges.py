"""The dependencies in a campaign file: `[dependencies X]` says what X depends on."""

from typing import Any

from domain.campaigns.campaign_file import keys, values
from domain.campaigns.campaign_file.document import FileDocument, FilePlace, FileSection
from domain.campaigns.campaign_file.notes import ReadingNotes
from domain.campaigns.plans import PlanEdge

UPSTREAM, PATTERN = "campaign_stage_", "file_pattern_"
OWN = "edges"
Found = tuple[PlanEdge, FilePlace, FilePlace]
"""A dependency, where it stands, and where its patterns do."""


def read_edges(document: FileDocument, notes: ReadingNotes) -> list[PlanEdge]:
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
        found += (
            _merge_edges(_read_numbered_edges(section, notes))
            if OWN not in own.entries
            else _read_own_edges(own, notes)
        )
        notes.unknown(own, {OWN})
    for n, (_, place, patterns) in enumerate(found):
        at = f"dependencies[{n}]"
        notes.places |= {at: place, f"{at}.patterns": patterns}
        notes.places[f"{at}.downstream"] = FilePlace(place.line, place.section)
    return [edge for edge, _, _ in found]


def _read_numbered_edges(section: FileSection, notes: ReadingNotes) -> list[Found]:
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
        read = list(notes.read(section.place(pattern), _read_patterns, text))
        if read:
            edge = PlanEdge(entry.value, section.name, read[0])
            found.append((edge, section.place(key), section.place(pattern)))
        else:
            notes.keep(section.header, key, entry.value)
            notes.keep(section.header, pattern, text)
    return found


def _read_patterns(text: str) -> list[str]:
    return [values.read_edge_pattern(text)] if text else []


def _merge_edges(found: list[Found]) -> list[Found]:
    """One for each stage upstream; an empty pattern is any."""
    merged: dict[str, Found] = {}
    for edge, place, where in found:
        if edge.upstream in merged:
            earlier, place, where = merged[edge.upstream]
            both = [*earlier.patterns, *edge.patterns] if earlier.patterns and edge.patterns else []
            edge = PlanEdge(edge.upstream, edge.downstream, list(dict.fromkeys(both)))
        merged[edge.upstream] = edge, place, where
    return list(merged.values())


def _read_own_edges(section: FileSection, notes: ReadingNotes) -> list[Found]:
    place, text = section.place(OWN), section.entries[OWN].value
    for found in notes.read(place, lambda t: _build_edges(values.read_json(t), section.name), text):
        return [(edge, place, place) for edge in found]
    notes.keep(section.header, OWN, text)
    return []


def _build_edges(value: Any, downstream: str) -> list[PlanEdge]:
    if not isinstance(value, list):
        raise values.UnreadableValue("Dependencies are a list of objects.")
    return [_build_edge(values.read_mapping(one), downstream) for one in value]


def _build_edge(value: dict[str, Any], downstream: str) -> PlanEdge:
    if "upstream" not in value or (unknown := sorted(value.keys() - keys.OWN_EDGE.keys())):
        what = f"no {unknown[0]!r}" if "upstream" in value else "'upstream'"
        raise values.UnreadableValue(f"A dependency has {what}; it has {', '.join(keys.OWN_EDGE)}.")
    return PlanEdge(downstream=downstream, **{k: keys.OWN_EDGE[k](v) for k, v in value.items()})
