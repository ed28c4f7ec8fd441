"""The compiled executor answers exactly what the ordinary one does."""

import gc
import inspect
import logging
import random
from collections.abc import Iterator
from contextlib import aclosing

import pytest
import strawberry
from graphql.execution import Executor

from door.compiled import PLANS, STATS, CompiledExecutor
from door.describe import declare_object_type
from door.pages import Connection, fetch_page
from tests.door.log_service import LogService, LogViewer, make_schema
from tests.door.random_schema import TYPES, Query, RandomData, RandomQueries, execute_both

CHANCES = (0, 0, 0.003, 0.01, 0.03, 0.1)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Strawberry logs every fault."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_random_queries_on_random_data_with_random_faults_are_answered_alike(
    seed: int,
) -> None:
    plain = strawberry.Schema(Query, types=TYPES)
    fast = strawberry.Schema(Query, types=TYPES, execution_context_class=CompiledExecutor)
    dice = random.Random(seed)
    STATS.update(dict.fromkeys(STATS, 0))
    complete = 0
    for _ in range(40):
        query = RandomQueries(dice).query()
        for _ in range(2):
            root = RandomData(dice, dice.choice(CHANCES)).root()
            variables = {name: dice.random() < 0.5 for name in "abc" if dice.random() < 0.6}
            one, other = await execute_both(
                plain.execute(query, variables, None, root),
                fast.execute(query, variables, None, root),
            )
            assert one == other, query
            complete += one[0] != "None"
    assert complete > 60
    assert min(STATS["fast"], STATS["mixed"], STATS["fell back"]) > 8, STATS


def test_the_hooks_of_graphql_core_are_as_we_know_them() -> None:
    known = {
        "complete_iterable_value": "item_type field_details_list info path items position_context",
        "complete_object_value": (
            "return_type field_details_list info path result position_context"
        ),
        "collect_subfields": "return_type field_details_list",
        "execute_fields": "parent_type source_value path grouped_field_set position_context",
        "get_stream_usage": "field_details_list path",
        "build_per_event_executor": "payload",
    }
    for name, parameters in known.items():
        for executor in (Executor, CompiledExecutor):
            found = inspect.signature(getattr(executor, name)).parameters
            assert list(found) == ["self", *parameters.split()], name


async def test_a_connection_is_completed_at_once() -> None:
    @declare_object_type
    class Row:
        """A row."""

        n: int

    @declare_object_type
    class Root:
        """The root."""

        @strawberry.field
        async def rows(self) -> Connection[Row]:
            """All rows."""

            async def fetch(start: object, backwards: bool, limit: int) -> range:
                return range(limit)

            return await fetch_page(fetch, lambda n: Row(n=n), lambda n: (n,), 1)

    schema = strawberry.Schema(Root, execution_context_class=CompiledExecutor)
    STATS.update(dict.fromkeys(STATS, 0))
    query = "{ rows { nodes { n } edges { cursor node { n } } pageInfo { endCursor } } }"
    result = await schema.execute(query)
    assert result.data is not None
    assert len(result.data["rows"]["nodes"]) == 50
    assert (STATS["fast"], STATS["mixed"], STATS["fell back"]) == (1, 0, 0)


async def test_the_cache_of_plans_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PLANS, "most", 1_000_000)  # graphql-core reads a document letter by letter
    schema = strawberry.Schema(Query, types=TYPES, execution_context_class=CompiledExecutor)
    root = RandomData(random.Random(1), 0).root()
    for n in range(50):
        await schema.execute(
            f"{{ a{n}: leaf {{ s }} b: leaf {{ i }} c: leaf {{ f }} d: leaf {{ b }} }} #{'x' * 30_000}",
            None,
            None,
            root,
        )
    await schema.execute("{ leaf { s } leaves { i } }", None, None, root)
    assert 0 < PLANS.length <= PLANS.most
    assert PLANS.length == sum(length for _, _, length in PLANS.entries.values())


@pytest.mark.parametrize("fields", ["position", "position executed", "executed"])
async def test_a_long_subscription_does_not_gather_selections(fields: str) -> None:
    query = f"subscription {{ count(to: 400) {{ {fields} }} }}"
    stream = await make_schema().subscribe(query, None, LogViewer(LogService(), "boss"))

    def selections() -> int:
        gc.collect()
        return sum(type(found).__name__ == "FieldDetails" for found in gc.get_objects())

    async with aclosing(stream):
        for _ in range(20):
            await anext(stream)
        before = selections()
        for _ in range(300):
            await anext(stream)
        assert selections() <= before + 20
