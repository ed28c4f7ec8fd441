"""Which subscriptions are equal: printed alike, with equal variables, for equal viewers."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import orjson
from graphql import (
    REMOVE,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    print_ast,
    separate_operations,
    visit,
)
from strawberry.types.field import StrawberryField

from door.requests import GraphQLRequest

SHARE = "share"
AFTER = "after"
BACKREF = "strawberry-definition"

Mode = Literal["state", "log"]


@dataclass(frozen=True, slots=True)
class Sharing:
    """How one subscription operation is shared."""

    mode: Mode | None = None
    printed: str = ""
    variables: tuple[str, ...] = ()

    def key(self, ask: GraphQLRequest, scope: Hashable) -> Hashable:
        """Equal for all who may listen to the same run."""
        given = ask.variables or {}
        used = {name: given[name] for name in self.variables if name in given}
        return scope, self.printed, orjson.dumps(used, option=orjson.OPT_SORT_KEYS)


def find_root_field(tree: DocumentNode, found: SelectionSetNode) -> FieldNode | None:
    """The only field of a subscription, wherever fragments hide it."""
    fragments = {d.name.value: d for d in tree.definitions if isinstance(d, FragmentDefinitionNode)}
    seen: set[str] = set()
    selections = found.selections
    while selections:
        node = selections[0]
        if isinstance(node, FieldNode):
            return node
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in seen or name not in fragments:
                return None
            seen.add(name)
            selections = fragments[name].selection_set.selections
        else:
            selections = cast(Any, node).selection_set.selections
    return None


class WithoutAfter(Visitor):
    """Takes `after` away from one field, and notes which variables are used elsewhere."""

    def __init__(self, root: FieldNode) -> None:
        super().__init__()
        self.root = root
        self.used: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        """Replace the root field by itself without `after`."""
        if node is not self.root:
            return None
        kept = tuple(a for a in node.arguments or () if a.name.value != AFTER)
        return replace(node, arguments=kept)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        """A definition is no use."""
        return False

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        """Note a use."""
        self.used.add(node.name.value)


class WithoutUnused(Visitor):
    """Takes the definitions of unused variables away."""

    def __init__(self, used: set[str]) -> None:
        super().__init__()
        self.used = used

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        """Remove it, or leave it as it is."""
        return False if node.variable.name.value in self.used else REMOVE


def print_without_cursor(
    tree: DocumentNode, root: FieldNode, *, cut: bool
) -> tuple[str, tuple[str, ...]]:
    """The document without `after`, and the variables that it still uses."""
    visitor = WithoutAfter(root if cut else cast(FieldNode, None))
    edited = visit(tree, visitor)
    return print_ast(visit(edited, WithoutUnused(visitor.used))), tuple(sorted(visitor.used))


def derive_sharing(
    schema: GraphQLSchema, tree: DocumentNode, operation: OperationDefinitionNode
) -> Sharing:
    """Read from the field's metadata how a subscription is shared."""
    root = find_root_field(tree, operation.selection_set)
    kind = schema.subscription_type
    definition = kind.fields.get(root.name.value) if root and kind else None
    field = definition.extensions.get(BACKREF) if definition else None
    mode = field.metadata.get(SHARE) if isinstance(field, StrawberryField) else None
    if root is None or field is None or mode is None:
        return Sharing()
    own = separate_operations(tree)[operation.name.value if operation.name else ""]
    text, variables = print_without_cursor(own, root, cut=mode == "log")
    return Sharing(mode, text, variables)
