"""How many steps outputs are below the inputs: by every way that leads up to them."""

from collections.abc import Iterator, Mapping

from hypothesis import given
from hypothesis import strategies as st

from domain.files.lineage import MOST_GENERATIONS, OutputParents, compute_generations
from tests.domain.lineage_strategies import draw_lineage


def iterate_ways(
    outputs: Mapping[str, OutputParents], name: str
) -> Iterator[tuple[int, int | None]]:
    """Every way up: how long it is, and at which input it ends (None: at what was made of nothing)."""
    made = outputs[name]
    yield from ((1, parent) for parent in made.parents)
    if not made.parents and not made.made_from:
        yield 1, None
    for other in made.made_from:
        yield from ((steps + 1, end) for steps, end in iterate_ways(outputs, other))


@given(draw_lineage())
def test_a_generation_is_the_length_of_a_way_up_and_its_inputs_are_where_it_ends(
    outputs: dict[str, OutputParents],
) -> None:
    for name, found in compute_generations(outputs).items():
        wanted: dict[int, set[int]] = {}
        for steps, end in iterate_ways(outputs, name):
            wanted.setdefault(steps, set()).update([] if end is None else [end])
        assert found == wanted
        assert found


@given(draw_lineage())
def test_what_is_made_in_one_step_is_of_the_first_generation_alone(
    outputs: dict[str, OutputParents],
) -> None:
    straight = {name: OutputParents(made.parents) for name, made in outputs.items()}
    assert compute_generations(straight) == {
        name: {1: frozenset(made.parents)} for name, made in straight.items()
    }


NAMES = st.sampled_from("abc")
ANYHOW = st.dictionaries(
    NAMES,
    st.builds(
        OutputParents, st.lists(st.just(1), max_size=1), st.lists(NAMES | st.just("?"), max_size=3)
    ),
)


@given(ANYHOW)
def test_rings_and_strangers_end_too(outputs: dict[str, OutputParents]) -> None:
    for found in compute_generations(outputs).values():
        assert all(1 <= step <= MOST_GENERATIONS for step in found)


def test_what_hangs_on_a_ring_alone_has_no_generation() -> None:
    ring = {
        "a": OutputParents(made_from=["b"]),
        "b": OutputParents(made_from=["a"]),
        "c": OutputParents(made_from=["b"]),
    }
    assert compute_generations(ring) == {"a": {}, "b": {}, "c": {}}
