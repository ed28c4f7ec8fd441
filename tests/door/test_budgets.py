"""What one caller may use at once; what is refused may be sent again, and others go on meanwhile."""

from collections.abc import Hashable
from typing import Any

import pytest
from strawberry.types import ExecutionResult

from door.answers import MOST_ANSWER, encode_result
from door.budgets import SPENT, Budget, Budgets
from door.limits import MOST_COUNTED, OperationLimits
from resolvers.roots import make_schema as resolvers_schema
from tests.door.log_service import LogService, LogViewer, make_schema


class Payer(LogViewer):
    """Somebody with an account."""

    @property
    def payer(self) -> Hashable:
        return self.name


def list_codes(result: ExecutionResult) -> list[Any]:
    return [(error.extensions or {}).get("code") for error in result.errors or ()]


def get_extensions(result: ExecutionResult) -> dict[str, Any]:
    assert result.extensions is not None
    return result.extensions


async def test_who_has_used_up_the_minute_waits_and_others_do_not() -> None:
    schema, world = make_schema(), LogService()
    schema.budgets = Budgets(Budget(nodes_per_minute=250))
    query = "{ items(first: 50) { nodes { id } } }"
    results = [await schema.execute(query, None, Payer(world, "boss")) for _ in range(3)]
    assert [list_codes(result) for result in results] == [[], [], [SPENT]]
    assert get_extensions(results[0])["cost"]["remaining"] == pytest.approx(150, abs=10)
    [refusal] = results[2].errors or []
    assert "Ask again in" in refusal.message
    assert list_codes(await schema.execute(query, None, Payer(world, "guest"))) == []


def test_what_was_used_comes_back_with_time() -> None:
    budgets = Budgets(Budget(nodes_per_minute=600))
    budgets.begin("anna", 600).end()
    assert budgets.remaining("anna") == pytest.approx(0, abs=20)
    budgets.accounts["anna"].at -= 30
    assert budgets.remaining("anna") == pytest.approx(300, abs=20)


@pytest.mark.parametrize(
    ("budget", "nodes"), [(Budget(operations=2), 1), (Budget(dear_operations=2), 5_000)]
)
def test_so_many_run_at_once(budget: Budget, nodes: int) -> None:
    budgets = Budgets(budget)
    running = [budgets.begin("anna", nodes) for _ in range(2)]
    with pytest.raises(Exception, match="Ask again in 1 s"):
        budgets.begin("anna", nodes)
    budgets.begin("otto", nodes).end()
    running[0].end()
    budgets.begin("anna", nodes).end()


async def test_an_operation_that_fails_or_is_refused_gives_its_place_back() -> None:
    schema = make_schema()
    schema.budgets = Budgets(Budget(operations=1))
    for query in ("{ crash }", "{ hello", "{ unknown }", "{ hello }", "{ hello }"):
        await schema.execute(query, None, Payer(LogService(), "boss"))
    assert schema.budgets.accounts["boss"].running == 0


async def test_an_operation_that_takes_too_long_is_cut_off() -> None:
    schema = make_schema(limits=OperationLimits(seconds=0.05))
    result = await schema.execute("{ slow }", None, LogViewer(LogService(), "boss"))
    assert list_codes(result) == ["TIMEOUT"]


def test_an_answer_that_is_too_long_is_refused_whole() -> None:
    long = encode_result(ExecutionResult(data={"a": "x" * MOST_ANSWER}, errors=None))
    assert len(long) < 1_000
    assert b"TOO_EXPENSIVE" in long


@pytest.mark.parametrize("digits", [19, 31, 309, 5_000])
@pytest.mark.parametrize("as_variable", [True, False])
async def test_any_size_is_counted_and_can_be_said(digits: int, *, as_variable: bool) -> None:
    """Also one that no JSON number and no int of Python's own writing can say."""
    schema, size = make_schema(), "9" * digits
    query = f"{{ items(first: {size}) {{ nodes {{ id }} }} }}"
    variables: dict[str, Any] = {}
    if as_variable:
        query = "query ($n: Int!) { items(first: $n) { nodes { id } } }"
        variables = {"n": float(size) if digits < 4_000 else 10**digits}
    result = await schema.execute(query, variables, LogViewer(LogService(), "boss"))
    assert result.data is None
    encode_result(result)
    assert get_extensions(result)["cost"]["nodes"] <= MOST_COUNTED


def test_nested_lists_multiply_without_end_and_without_a_crash() -> None:
    """Also where no list of the chain has pages: campaigns of stages of campaigns."""
    schema = resolvers_schema()
    query = "{ campaigns(first: 100) { nodes { stages "
    query += "{ campaign { stages " * 20 + "{ id }" + "} }" * 20 + "} } }"
    verdict = schema.verdict(schema.documents.parse_document(query), {})
    assert verdict.cost.nodes == MOST_COUNTED
    deep = "{ campaigns(first: 10) { nodes { stages { campaign { stages { campaign { stages { id } } } } } } } }"
    assert schema.verdict(schema.documents.parse_document(deep), {}).cost.nodes >= 10_000
