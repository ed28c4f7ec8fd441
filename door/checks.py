"""What every operation passes before it is executed, whatever way it came."""

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from door.budgets import OperationUse
from door.documents import MOST_TOKENS
from door.masking import mask_errors

if TYPE_CHECKING:
    from door.schema import DoorSchema


class OperationChecks(SchemaExtension):
    """Parses once, counts the cost, validates once, and masks what streams."""

    cost: dict[str, int] | None = None
    use: OperationUse | None = None

    @property
    def schema(self) -> "DoorSchema":
        """The schema that is asked."""
        return cast("DoorSchema", self.execution_context.schema)

    def on_operation(self) -> Iterator[None]:
        """Let others run once this one is over."""
        yield
        if self.use is not None:
            self.use.end()

    def on_parse(self) -> Iterator[None]:
        """Take the parsed document; what can't be parsed is left to report itself."""
        context = self.execution_context
        context.parse_options["max_tokens"] = MOST_TOKENS
        with suppress(GraphQLError):
            context.graphql_document = self.schema.documents.parse_document(
                context.query or ""
            ).tree
        yield

    def on_validate(self) -> Iterator[None]:
        """Refuse what costs too much, else what isn't valid."""
        context = self.execution_context
        document = self.schema.documents.parse_document(context.query or "")
        verdict = self.schema.verdict(document, context.variables or {})
        if context.operation_type is not OperationType.SUBSCRIPTION:
            limit = self.schema.limits.nodes
            self.cost = {
                "nodes": verdict.cost.nodes,
                "limit": limit,
                "depth": verdict.cost.depth,
                "fields": verdict.cost.fields,
            }
        context.pre_execution_errors = self.schema.errors(document, verdict)
        if not context.pre_execution_errors:
            self.charge(verdict.cost.nodes)
        yield

    def charge(self, nodes: int) -> None:
        """Put the operation on its caller's account, or refuse it; a subscription is a connection's affair."""
        context = self.execution_context
        payer = getattr(context.context, "payer", None)
        if payer is None or self.cost is None:
            return
        try:
            self.use = self.schema.budgets.begin(payer, nodes)
        except GraphQLError as refusal:
            context.pre_execution_errors = [refusal]
        remaining = self.schema.budgets.remaining(payer)
        if remaining is not None:
            self.cost["remaining"] = remaining

    def on_stream_result(self, result: Any) -> Iterator[None]:
        """Mask the bugs in one result of a subscription."""
        if isinstance(result, ExecutionResult):
            result.errors = mask_errors(result.errors, self.execution_context.context)
        yield

    def get_results(self) -> dict[str, Any]:
        """Tell what the operation cost."""
        return {"cost": self.cost} if self.cost else {}
