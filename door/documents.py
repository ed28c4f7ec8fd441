"""Parsed documents, each with what was found out about it, in a bounded cache."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
)

from door.limits import Cost, Limits, costs, excess

MOST_TOKENS = 2_000
MOST_KEPT = 400_000
"""Characters of query text kept parsed; a tree takes some hundred bytes per character."""
MOST_LENGTH = 20_000
MOST_VERDICTS = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a document costs with certain variables."""

    cost: Cost
    errors: tuple[GraphQLError, ...]


@dataclass(slots=True)
class Document:
    """One parsed query text."""

    tree: DocumentNode
    checked: dict[bool, list[GraphQLError]] = field(default_factory=dict)
    """What validation found, by whether introspection was allowed."""
    verdicts: dict[tuple[Any, ...], Verdict] = field(default_factory=dict)
    sizers: tuple[str, ...] | None = None
    shares: dict[str | None, Any] = field(default_factory=dict)
    """How each of its subscriptions is shared, by operation name."""

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation meant by a request, or nothing when it is unknown or ambiguous."""
        return get_operation_ast(self.tree, name)

    def verdict(
        self, schema: GraphQLSchema, variables: Mapping[str, Any], limits: Limits
    ) -> Verdict:
        """Count what is asked for; equal sizes are counted once."""
        if self.sizers is not None:
            found = self.verdicts.get(self.sizes(variables))
            if found is not None:
                return found
        counted = list(costs(schema, self.tree, variables))
        self.sizers = tuple(sorted(set().union(*(names for _, names in counted))))
        errors = [error for cost, _ in counted for error in excess(cost, limits)]
        dearest = max((cost for cost, _ in counted), key=lambda cost: cost.nodes, default=Cost())
        if len(self.verdicts) >= MOST_VERDICTS:
            self.verdicts.clear()
        verdict = self.verdicts[self.sizes(variables)] = Verdict(dearest, tuple(errors[:5]))
        return verdict

    def sizes(self, variables: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values that the cost depends on."""
        return tuple(repr(variables.get(name, ...)) for name in self.sizers or ())


class Documents:
    """The documents of one schema, least recently used ones forgotten first."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, Document] = OrderedDict()
        self.length = 0

    def parsed(self, text: str) -> Document:
        """The document in a text; raises GraphQLError when there is none."""
        found = self.known.get(text)
        if found is not None:
            self.known.move_to_end(text)
            return found
        document = Document(parse(text, max_tokens=MOST_TOKENS))
        if len(text) <= MOST_LENGTH:
            self.keep(text, document)
        return document

    def keep(self, text: str, document: Document) -> None:
        """Remember a document and forget old ones in exchange."""
        self.known[text] = document
        self.length += len(text)
        while self.length > MOST_KEPT:
            old, _ = self.known.popitem(last=False)
            self.length -= len(old)
