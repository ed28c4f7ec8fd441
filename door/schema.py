"""A schema with all that the door adds: rules, descriptions, limits, masking, compilation."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import strawberry
from graphql import (
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    specified_rules,
)
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from door.asks import Ask
from door.checks import Checks
from door.compiled import CompiledExecutor
from door.describe import describe
from door.documents import Document, Documents, Verdict
from door.limits import Limits
from door.masking import mask
from door.rules import NoRule, Watch, guard
from door.sharing import SHARE, Sharing, sharing

PUBLIC_RULES = (*specified_rules, NoSchemaIntrospectionCustomRule)


class DoorSchema(strawberry.Schema):
    """Strawberry's schema, spoken our way."""

    def __init__(
        self, *args: Any, actions: Collection[str] | None, limits: Limits, **kwargs: Any
    ) -> None:
        self.actions, self.limits, self.documents = actions, limits, Documents()
        super().__init__(*args, **kwargs)

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        """What a type publishes: described, and guarded where something runs."""
        describe(type_definition)
        if not type_definition.is_input:
            for field in type_definition.fields:
                self.prepare(type_definition, field)
        return type_definition.fields

    def prepare(self, definition: StrawberryObjectDefinition, field: StrawberryField) -> None:
        """Plain attributes are covered by the rule of whatever yields their object."""
        root = definition.origin in (self.query, self.mutation, self.subscription)
        if field.base_resolver is None and not root:
            return
        guard(field, f"{definition.name}.{field.python_name}", self.actions)
        mode = field.metadata.get(SHARE)
        if mode not in (None, "state", "log"):
            raise NoRule(f'{definition.name}.{field.python_name}: "share" is "state" or "log".')
        if mode == "log" and not any(isinstance(e, Watch) for e in field.extensions):
            field.extensions.append(Watch())

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Bugs are logged where they are masked, and nothing else is."""

    async def execute(self, *args: Any, **kwargs: Any) -> ExecutionResult:
        """Execute one operation; bugs come out masked."""
        result = await super().execute(*args, **kwargs)
        context = kwargs.get("context_value", args[2] if len(args) > 2 else None)
        result.errors = mask(result.errors, context)
        return result

    def verdict(self, document: Document, variables: Mapping[str, Any]) -> Verdict:
        """What a document costs."""
        return document.verdict(self._schema, variables, self.limits)

    def errors(self, document: Document, verdict: Verdict, context: Any) -> list[GraphQLError]:
        """Why a document isn't executed: too dear, or not valid."""
        if verdict.errors:
            return list(verdict.errors)
        signed_in = bool(getattr(context, "signed_in", False))
        found = document.checked.get(signed_in)
        if found is None:
            rules = specified_rules if signed_in else PUBLIC_RULES
            found = validate_document(self._schema, document.tree, tuple(rules))
            document.checked[signed_in] = found
        return list(found)

    def operation(self, ask: Ask) -> OperationDefinitionNode:
        """The operation that is meant; raises GraphQLError when there is none."""
        found = self.documents.parsed(ask.query).operation(ask.operation_name)
        if found is None and ask.operation_name is not None:
            raise GraphQLError(f"Unknown operation named {ask.operation_name[:100]!r}.")
        if found is None:
            raise GraphQLError("Say in `operationName` which operation of the document is meant.")
        return found

    def sharing(self, ask: Ask, context: Any) -> Sharing:
        """How a subscription is shared; an invalid one not at all."""
        document = self.documents.parsed(ask.query)
        found: Sharing | None = document.shares.get(ask.operation_name)
        verdict = self.verdict(document, ask.variables or {})
        operation = document.operation(ask.operation_name)
        if operation is None or self.errors(document, verdict, context):
            return Sharing()
        if found is None:
            found = document.shares[ask.operation_name] = sharing(
                self._schema, document.tree, operation
            )
        return found


def build(
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    *,
    types: Iterable[type] = (),
    actions: Collection[str] | None = None,
    limits: Limits | None = None,
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
            limits=limits or Limits(),
            config=config,
            extensions=[Checks],
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


__all__ = ["DoorSchema", "build"]
