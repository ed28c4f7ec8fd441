"""What one operation may ask for: counted in one walk, each fragment once."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    value_from_ast_untyped,
)

PAGE = 50
"""How many nodes a connection yields when nobody says how many."""
LIST = 10
"""How many nodes a plain list of objects is taken to have: it can't be asked for fewer."""
PAGED = frozenset({"nodes", "edges"})
"""The lists of a connection, which is counted itself."""
JSON_NODES = 5
"""What a field of free JSON weighs, which may be long."""
BACKREF = "strawberry-definition"
WEIGHT = "weight"
"""In a field's metadata: how many nodes its work, or its text, is worth."""
DIGITS = 20
MOST_COUNTED = 2**53 - 1
"""Nobody needs to know how much more than this was asked, and no JSON number has to say it."""


@dataclass(frozen=True, slots=True)
class OperationLimits:
    """The most of each that one operation may ask for."""

    depth: int = 12
    aliases: int = 30
    directives: int = 20
    fields: int = 500
    repeats: int = 5
    nodes: int = 20_000
    seconds: float = 60.0
    """How long it may take."""


@dataclass(slots=True)
class OperationCost:
    """What one selection asks for."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    repeats: int = 0
    nodes: int = 0

    def add(self, other: "OperationCost") -> None:
        """Beside each other: depths don't add up, everything else does."""
        self.depth = max(self.depth, other.depth)
        self.repeats = max(self.repeats, other.repeats)
        self.aliases += other.aliases
        self.directives += other.directives
        self.fields += other.fields
        self.nodes += other.nodes


class CostCounter:
    """Costs multiply through lists; a fragment is walked once and its cost used again."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]
    ) -> None:
        self.schema = schema
        self.fragments = {
            found.name.value: found
            for found in document.definitions
            if isinstance(found, FragmentDefinitionNode)
        }
        self.variables = variables
        self.known: dict[str, OperationCost] = {}
        self.sizers: set[str] = set()

    def operation(self, node: OperationDefinitionNode) -> OperationCost:
        """The cost of a whole operation."""
        total = self.selection(node.selection_set, self.schema.get_root_type(node.operation))
        total.directives += len(node.directives or ())
        return total

    def selection(self, found: SelectionSetNode | None, parent: Any) -> OperationCost:
        """The cost of what stands between two braces."""
        total, seen = OperationCost(), dict[str, int]()
        for node in found.selections if found else ():
            total.add(self.one(node, parent))
            if isinstance(node, FieldNode):
                name = (node.alias or node.name).value
                seen[name] = seen.get(name, 0) + 1
        total.repeats = max(total.repeats, *seen.values(), 0)
        return total

    def one(self, node: SelectionNode, parent: Any) -> OperationCost:
        """The cost of one selection."""
        if isinstance(node, FragmentSpreadNode):
            cost = replace(self.fragment(node.name.value))
        elif isinstance(node, InlineFragmentNode):
            name = node.type_condition.name.value if node.type_condition else None
            cost = self.selection(
                node.selection_set, self.schema.get_type(name) if name else parent
            )
        else:
            cost = self.field(cast(FieldNode, node), parent)
        cost.directives += len(node.directives or ())
        return cost

    def field(self, node: FieldNode, parent: Any) -> OperationCost:
        """The cost of a field with all below it."""
        name = node.name.value
        definition = getattr(parent, "fields", {}).get(name)
        kind = get_named_type(definition.type) if definition else None
        cost = self.selection(node.selection_set, kind if is_composite_type(kind) else None)
        if name.startswith("__"):  # introspection is deep; graphql-core bounds its nesting
            cost.depth = cost.nodes = 0
        elif node.selection_set is not None:
            cost.depth += 1
            cost.nodes = min(self.size(node, definition) * (1 + cost.nodes), MOST_COUNTED)
        cost.nodes = min(cost.nodes + find_weight(definition), MOST_COUNTED)
        cost.fields += 1
        cost.aliases += node.alias is not None
        return cost

    def size(self, node: FieldNode, definition: Any) -> int:
        """How many nodes a field may yield: what `first` or `last` say, or a default page."""
        given = [a.value for a in node.arguments or () if a.name.value in ("first", "last")]
        sizes = [size for value in given if (size := self.number(value)) is not None]
        if sizes:
            return max(1, *sizes)
        if definition is None:
            return 1
        if "first" in definition.args:
            return PAGE
        return LIST if is_plain_list(node, definition) else 1

    def number(self, value: Any) -> int | None:
        """An argument's value, with the variables at hand."""
        if isinstance(value, IntValueNode):
            digits = value.value
            return parse_size(int(digits)) if len(digits) < DIGITS else MOST_COUNTED
        if isinstance(value, VariableNode):
            self.sizers.add(value.name.value)
            return parse_size(self.variables.get(value.name.value))
        return None

    def fragment(self, name: str) -> OperationCost:
        """The cost of a named fragment; a cycle is another rule's business."""
        if name not in self.known:
            self.known[name] = OperationCost()
            if found := self.fragments.get(name):
                kind = self.schema.get_type(found.type_condition.name.value)
                self.known[name] = self.selection(found.selection_set, kind)
        return self.known[name]


def parse_size(given: Any) -> int | None:
    """A number of nodes that somebody asks for; what is no number says nothing, and is refused elsewhere."""
    if not isinstance(given, int | float) or given != given:
        return None
    return int(max(0, min(given, MOST_COUNTED)))


def is_plain_list(node: FieldNode, definition: Any) -> bool:
    """Whether a field yields a list of objects that has no pages."""
    is_list = is_list_type(get_nullable_type(definition.type))
    return is_list and node.name.value not in PAGED


def find_weight(definition: Any) -> int:
    """What a field is worth besides the nodes that it yields."""
    if definition is None:
        return 0
    field = definition.extensions.get(BACKREF)
    given: int = field.metadata.get(WEIGHT, 0) if field is not None else 0
    is_json = getattr(get_named_type(definition.type), "name", "") == "JSON"
    return given or (JSON_NODES if is_json else 0)


def collect_defaults(node: OperationDefinitionNode) -> dict[str, Any]:
    """The values of the variables that a client leaves out."""
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in node.variable_definitions or ()
        if definition.default_value is not None
    }


def compute_costs(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]
) -> Iterator[tuple[OperationCost, set[str]]]:
    """The cost of each operation in a document, and the variables it depends on."""
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            counter = CostCounter(schema, document, {**collect_defaults(node), **variables})
            try:
                yield counter.operation(node), counter.sizers
            except RecursionError:
                yield OperationCost(depth=sys.getrecursionlimit()), counter.sizers


def list_excess(found: OperationCost, limits: OperationLimits) -> list[GraphQLError]:
    """One error for each limit that is passed."""
    return [
        GraphQLError(
            f"Too much asked: {what.name} {have}, at most {most}.",
            extensions={"code": "TOO_EXPENSIVE", "what": what.name, "limit": most},
        )
        for what in fields(OperationCost)
        if (have := getattr(found, what.name)) > (most := getattr(limits, what.name))
    ]
