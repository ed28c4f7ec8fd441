"""An executor that completes plain selections by compiled functions.

It overrides hooks that graphql-core calls private: both packages are pinned, and a test compares
the hooks' signatures and all results with the ordinary executor's.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from graphql import GraphQLObjectType, VariableNode, Visitor, is_object_type, visit
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from door.compiler import Compiler, CompletionPlan
from door.documents import LEAST_LENGTH


class SteeringVariables(Visitor):
    """The variables that decide, through @skip and @include, which fields are selected."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        """Note the variables of a condition."""
        if node.name.value in ("skip", "include"):
            self.names.update(
                argument.value.name.value
                for argument in node.arguments or ()
                if isinstance(argument.value, VariableNode)
            )


def list_steering_variables(root: Any, fragments: Iterable[Any]) -> tuple[str, ...]:
    """The steering variables of an operation."""
    visitor = SteeringVariables()
    for tree in (root, *fragments):
        visit(tree, visitor)
    return tuple(sorted(visitor.names))


class PlanCache:
    """A cache that is bounded by the length of the documents whose nodes its entries hold, each counted again.

    Nodes are held because their ids make the keys: no id is used twice.
    """

    def __init__(self, most: int) -> None:
        self.most, self.length = most, 0
        self.entries: OrderedDict[Any, tuple[Any, Any, int]] = OrderedDict()

    def get(self, key: Any) -> tuple[Any, Any, int] | None:
        """What was put, or None."""
        entry = self.entries.get(key)
        if entry is not None:
            self.entries.move_to_end(key)
        return entry

    def put(self, key: Any, holds: Any, value: Any, length: int) -> None:
        """Keep a value together with what its key stands for, out of a document of that length."""
        self.entries[key] = (holds, value, length)
        self.length += length
        while self.length > self.most:
            _, (_, _, gone) = self.entries.popitem(last=False)
            self.length -= gone


def measure_document(operation: Any) -> int:
    """The characters of an operation's document, and of an empty one about what its tree takes."""
    location = operation.loc
    return LEAST_LENGTH + (len(location.source.body) if location else 0)


PLANS = PlanCache(10_000_000)
STEERS = PlanCache(2_000_000)
STATS = {"fast": 0, "mixed": 0, "fell back": 0, "compiled": 0}


class CompiledExecutor(StrawberryGraphQLCoreExecutionContext):
    """Hand it to `strawberry.Schema(execution_context_class=…)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.local: dict[Any, tuple[Any, CompletionPlan | None]] = {}
        manager = self.middleware_manager
        self.plain = not (manager and manager.middlewares)
        self.steer: tuple[Any, ...] | None = None

    def build_per_event_executor(self, payload: Any) -> Any:
        """Forget the last event's selections: else a subscription's memory grows with each."""
        executor: Any = super().build_per_event_executor(payload)
        executor.local = {}
        executor._relevant_sub_fields = {}
        executor._stream_usages = type(self._stream_usages)()
        return executor

    def steering_values(self) -> tuple[Any, ...]:
        """The values of the steering variables."""
        if self.steer is None:
            entry = STEERS.get(id(self.operation))
            if entry is None or entry[0] is not self.operation:
                names = list_steering_variables(self.operation, self.fragment_definitions.values())
                STEERS.put(
                    id(self.operation), self.operation, names, measure_document(self.operation)
                )
            else:
                names = entry[1]
            self.steer = tuple(self.variable_values.coerced.get(name) for name in names)
        return self.steer

    def plan(self, kind: Any, details: list[Any], *, many: bool) -> CompletionPlan | None:
        """The plan for a selection: of this execution, of an equal one, or a new one."""
        local_key = (id(kind), id(details), many)
        known = self.local.get(local_key)
        if known is not None:
            return known[1]
        nodes = tuple(detail.node for detail in details)
        ids = tuple(map(id, nodes))
        key = (id(self.schema), id(self.operation), id(kind), many, ids, self.steering_values())
        entry = PLANS.get(key)
        if entry is None:
            plan = self.compile(kind, details, many=many)
            held = (self.schema, self.operation, kind, nodes)
            PLANS.put(key, held, plan, measure_document(self.operation))
        else:
            plan = entry[1]
        self.local[local_key] = (details, plan)
        return plan

    def compile(self, kind: Any, details: list[Any], *, many: bool) -> CompletionPlan | None:
        """A new plan."""
        STATS["compiled"] += 1
        compiler = Compiler(self.collect_subfields, self.schema)
        if not many:
            return compiler.compile_mixed(kind, details)
        item = compiler.value(kind, details, "i")
        if item is None:
            return None
        name = compiler.name(None, "all")
        return CompletionPlan(
            compiler.build(f"def {name}(items):\n  return [{item} for i in items]\n", name)
        )

    def attempt(self, plan: CompletionPlan, value: Any) -> Any:
        """Complete a value by its plan; None when the ordinary path must find out more."""
        try:
            done = plan.run(value)
        except Exception:
            STATS["fell back"] += 1
            return None
        STATS["mixed" if plan.rest else "fast"] += 1
        return done

    def complete_iterable_value(
        self,
        item_type: Any,
        field_details_list: list[Any],
        info: Any,
        path: Any,
        items: Any,
        position_context: Any,
    ) -> Any:
        """Complete a list at once if its items are plain."""
        is_list = type(items) is list or type(items) is tuple
        if self.plain and position_context is None and is_list and items:
            plan = self.plan(item_type, field_details_list, many=True)
            if plan is not None and not self.get_stream_usage(field_details_list, path):
                done = self.attempt(plan, items)
                if done is not None:
                    return done
        return super().complete_iterable_value(
            item_type, field_details_list, info, path, items, position_context
        )

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: list[Any],
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Complete an object's plain fields at once, and the others after them."""
        if self.plain and position_context is None and is_object_type(return_type):
            plan = self.plan(return_type, field_details_list, many=False)
            done = self.attempt(plan, result) if plan is not None else None
            if done is not None and plan is not None:
                return self.fill(return_type, result, path, plan, done) if plan.rest else done
        return super().complete_object_value(
            return_type, field_details_list, info, path, result, position_context
        )

    def fill(
        self,
        kind: GraphQLObjectType,
        source: Any,
        path: Any,
        plan: CompletionPlan,
        done: dict[str, Any],
    ) -> Any:
        """Execute the fields that have resolvers, and put them where their places are."""
        found: Any = self.execute_fields(kind, source, path, plan.rest or {}, None)
        if not self.is_awaitable(found):
            done.update(found)
            return done

        async def later() -> dict[str, Any]:
            done.update(await found)
            return done

        return later()


__all__ = ["PLANS", "STATS", "CompiledExecutor"]
