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

from door.limits import OperationCost, OperationLimits, compute_costs, list_excess, parse_size

MOST_TOKENS = 2_000
MOST_KEPT = 600_000
"""Characters of query text kept parsed; a tree takes some hundred bytes per character."""
LEAST_LENGTH = 1_000
"""Characters that each document counts for besides its own: what an empty one takes, with all its verdicts."""
MOST_LENGTH = 20_000
MOST_VERDICTS = 64


@dataclass(frozen=True, slots=True)
class DocumentVerdict:
    """What a document costs with certain variables."""

    cost: OperationCost
    errors: tuple[GraphQLError, ...]


@dataclass(slots=True)
class ParsedDocument:
    """One parsed query text."""

    tree: DocumentNode
    checked: list[GraphQLError] | None = None
    """What validation found, once it was asked."""
    verdicts: dict[tuple[Any, ...], DocumentVerdict] = field(default_factory=dict)
    sizers: tuple[str, ...] | None = None
    shares: dict[str | None, Any] = field(default_factory=dict)
    """How each of its subscriptions is shared, by operation name."""

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation meant by a request, or nothing when it is unknown or ambiguous."""
        return get_operation_ast(self.tree, name)

    def verdict(
        self, schema: GraphQLSchema, variables: Mapping[str, Any], limits: OperationLimits
    ) -> DocumentVerdict:
        """Count what is asked for; equal sizes are counted once."""
        if self.sizers is not None:
            found = self.verdicts.get(self.sizes(variables))
            if found is not None:
                return found
        counted = list(compute_costs(schema, self.tree, variables))
        self.sizers = tuple(sorted(set().union(*(names for _, names in counted))))
        errors = [error for cost, _ in counted for error in list_excess(cost, limits)]
        dearest = max(
            (cost for cost, _ in counted), key=lambda cost: cost.nodes, default=OperationCost()
        )
        if len(self.verdicts) >= MOST_VERDICTS:
            self.verdicts.clear()
        verdict = self.verdicts[self.sizes(variables)] = DocumentVerdict(dearest, tuple(errors[:5]))
        return verdict

    def sizes(self, variables: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values that the cost depends on: numbers only, so that nothing long is kept."""
        return tuple(
            parse_size(variables[name]) if name in variables else ... for name in self.sizers or ()
        )


class DocumentCache:
    """The documents of one schema, least recently used ones forgotten first."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, ParsedDocument] = OrderedDict()
        self.length = 0

    def parse_document(self, text: str) -> ParsedDocument:
        """The document in a text; raises GraphQLError when there is none."""
        found = self.known.get(text)
        if found is not None:
            self.known.move_to_end(text)
            return found
        document = ParsedDocument(parse(text, max_tokens=MOST_TOKENS))
        if len(text) <= MOST_LENGTH:
            self.keep(text, document)
        return document

    def keep(self, text: str, document: ParsedDocument) -> None:
        """Remember a document and forget old ones in exchange."""
        self.known[text] = document
        self.length += LEAST_LENGTH + len(text)
        while self.length > MOST_KEPT:
            old, _ = self.known.popitem(last=False)
            self.length -= LEAST_LENGTH + len(old)
