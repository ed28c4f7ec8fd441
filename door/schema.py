"""A schema with all that the door adds: rules, descriptions, limits, masking, compilation."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import strawberry
from graphql import (
    GraphQLError,
    OperationDefinitionNode,
    specified_rules,
)
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from door.budgets import Budget, Budgets
from door.checks import OperationChecks
from door.compiled import CompiledExecutor
from door.describe import describe_fields
from door.documents import DocumentCache, DocumentVerdict, ParsedDocument
from door.limits import OperationLimits
from door.masking import mask_errors
from door.requests import GraphQLRequest
from door.rules import NoRule, WatchSource, guard_field
from door.sharing import SHARE, Sharing, derive_sharing


class DoorSchema(strawberry.Schema):
    """Strawberry's schema, spoken our way."""

    def __init__(
        self,
        *args: Any,
        actions: Collection[str] | None,
        limits: OperationLimits,
        budget: Budget,
        **kwargs: Any,
    ) -> None:
        self.actions, self.limits, self.documents = actions, limits, DocumentCache()
        self.budgets = Budgets(budget)
        super().__init__(*args, **kwargs)

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """What a type publishes: described, and guarded where something runs."""
        describe_fields(type_definition)
        if not type_definition.is_input:
            for field in type_definition.fields:
                self.prepare(type_definition, field)
        return type_definition.fields

    def prepare(self, definition: StrawberryObjectDefinition, field: StrawberryField) -> None:
        """Plain attributes are covered by the rule of whatever yields their object."""
        root = definition.origin in (self.query, self.mutation, self.subscription)
        if field.base_resolver is None and not root:
            return
        guard_field(field, f"{definition.name}.{field.python_name}", self.actions)
        mode = field.metadata.get(SHARE)
        if mode not in (None, "state", "log"):
            raise NoRule(f'{definition.name}.{field.python_name}: "share" is "state" or "log".')
        if mode == "log" and not any(isinstance(e, WatchSource) for e in field.extensions):
            field.extensions.append(WatchSource())

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Bugs are logged where they are masked, and nothing else is."""

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        """Execute one operation, for as long as it may take; bugs come out masked."""
        try:
            async with asyncio.timeout(self.limits.seconds):
                result = await super().execute(*args, **kwargs)
        except TimeoutError:
            return ExecutionResult(data=None, errors=[make_timeout_error(self.limits.seconds)])
        context = kwargs.get("context_value", args[2] if len(args) > 2 else None)
        result.errors = mask_errors(result.errors, context)
        return result

    def verdict(self, document: ParsedDocument, variables: Mapping[str, Any]) -> DocumentVerdict:
        """What a document costs."""
        return document.verdict(self._schema, variables, self.limits)

    def errors(self, document: ParsedDocument, verdict: DocumentVerdict) -> list[GraphQLError]:
        """Why a document isn't executed: too dear, or not valid."""
        if verdict.errors:
            return list(verdict.errors)
        if document.checked is None:
            found = validate_document(self._schema, document.tree, tuple(specified_rules))
            document.checked = found
        return list(document.checked)

    def operation(self, ask: GraphQLRequest) -> OperationDefinitionNode:
        """The operation that is meant; raises GraphQLError when there is none."""
        found = self.documents.parse_document(ask.query).operation(ask.operation_name)
        if found is None and ask.operation_name is not None:
            raise GraphQLError(f"Unknown operation named {ask.operation_name[:100]!r}.")
        if found is None:
            raise GraphQLError("Say in `operationName` which operation of the document is meant.")
        return found

    def sharing(self, ask: GraphQLRequest) -> Sharing:
        """How a subscription is shared; an invalid one not at all."""
        document = self.documents.parse_document(ask.query)
        found: Sharing | None = document.shares.get(ask.operation_name)
        verdict = self.verdict(document, ask.variables or {})
        operation = document.operation(ask.operation_name)
        if operation is None or self.errors(document, verdict):
            return Sharing()
        if found is None:
            found = document.shares[ask.operation_name] = derive_sharing(
                self._schema, document.tree, operation
            )
        return found


def make_timeout_error(seconds: float) -> GraphQLError:
    """What an operation is told that was cut off."""
    return GraphQLError(
        f"This took more than {seconds:.0f} s and was cut off: ask for less at once. Whether a mutation was carried"
        " out is not known; with the same idempotencyKey it is done once.",
        extensions={"code": "TIMEOUT"},
    )


def build_schema(
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    *,
    types: Iterable[type] = (),
    actions: Collection[str] | None = None,
    limits: OperationLimits | None = None,
    budget: Budget | None = None,
    config: Any = None,
    **more: Any,
) -> DoorSchema:
    """Put a schema together; raises NoRule when a field doesn't say who may.

    `actions` are the rules that exist: any other one in a field's metadata stops the start.
    """
    try:
        return DoorSchema(
            query,
            mutation,
            subscription,
            types=types,
            actions=actions,
            limits=limits or OperationLimits(),
            budget=budget or Budget(),
            config=config,
            extensions=[OperationChecks],
            execution_context_class=CompiledExecutor,
            **more,
        )
    except TypeError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, NoRule):
                raise cause from None
            cause = cause.__cause__
        raise


__all__ = ["DoorSchema", "build_schema"]
