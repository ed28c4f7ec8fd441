"""How many steps outputs are below the inputs: by every way that leads up to them."""

from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from domain.lineage import MOST_GENERATIONS, Made, generations
from tests.domain.lineages import lineages


def ways(outputs: Mapping[str, Made], name: str) -> Iterator[tuple[int, int | None]]:
    """Every way up: how long it is, and at which input it ends (None: at what was made of nothing)."""
    made = outputs[name]
    yield from ((1, parent) for parent in made.parents)
    if not made.parents and not made.made_from:
        yield 1, None
    for other in made.made_from:
        yield from ((steps + 1, end) for steps, end in ways(outputs, other))


@given(lineages())
def test_a_generation_is_the_length_of_a_way_up_and_its_inputs_are_where_it_ends(
    outputs: dict[str, Made],
) -> None:
    for name, found in generations(outputs).items():
        wanted: dict[int, set[int]] = {}
        for steps, end in ways(outputs, name):
            wanted.setdefault(steps, set()).update([] if end is None else [end])
        assert found == wanted
        assert found


@given(lineages())
def test_what_is_made_in_one_step_is_of_the_first_generation_alone(
    outputs: dict[str, Made],
) -> None:
    straight = {name: Made(made.parents) for name, made in outputs.items()}
    assert generations(straight) == {
        name: {1: frozenset(made.parents)} for name, made in straight.items()
    }


NAMES = st.sampled_from("abc")
ANYHOW = st.dictionaries(
    NAMES,
    st.builds(Made, st.lists(st.just(1), max_size=1), st.lists(NAMES | st.just("?"), max_size=3)),
)


@given(ANYHOW)
def test_rings_and_strangers_end_too(outputs: dict[str, Made]) -> None:
    for found in generations(outputs).values():
        assert all(1 <= step <= MOST_GENERATIONS for step in found)


def test_what_hangs_on_a_ring_alone_has_no_generation() -> None:
    ring = {"a": Made(made_from=["b"]), "b": Made(made_from=["a"]), "c": Made(made_from=["b"])}
    assert generations(ring) == {"a": {}, "b": {}, "c": {}}
