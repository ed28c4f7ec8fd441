"""What an operation selects below a field, so that only that need be read."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

MOST_KEPT = 500
_kept: OrderedDict[tuple[int, ...], tuple[Any, frozenset[str]]] = OrderedDict()


def list_selected_names(info: strawberry.Info[Any, Any], *paths: tuple[str, ...]) -> frozenset[str]:
    """The names of all fields selected at these paths below the field, whatever @skip and @include say.

    Remembered by the nodes of the document, which entries hold, so that no id is used for another node.
    """
    nodes = tuple(info._raw_info.field_nodes)
    key = tuple(map(id, nodes))
    entry = _kept.get(key)
    if entry is None:
        fragments = info._raw_info.fragments
        sets = [node.selection_set for node in nodes]
        found = frozenset(
            n for s in sets for path in paths for n in _iterate_names_at(s, path, fragments)
        )
        entry = _kept[key] = nodes, found
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return entry[1]


def _iterate_names_at(
    selection: SelectionSetNode | None, path: tuple[str, ...], fragments: Mapping[str, Any]
) -> Iterator[str]:
    for field in _iterate_fields(selection, fragments, set()):
        if not path:
            yield field.name.value
        elif field.name.value == path[0]:
            yield from _iterate_names_at(field.selection_set, path[1:], fragments)


def _iterate_fields(
    selection: SelectionSetNode | None, fragments: Mapping[str, Any], seen: set[str]
) -> Iterator[FieldNode]:
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _iterate_fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            fragment = fragments.get(node.name.value)
            if isinstance(fragment, FragmentDefinitionNode):
                yield from _iterate_fields(fragment.selection_set, fragments, seen)
