"""Jobs' outputs that are made from inputs and from each other, in any way without a ring."""

from hypothesis import strategies as st

from domain.files.lineage import OutputParents


@st.composite
def draw_lineage(draw: st.DrawFn, inputs: int = 3, most: int = 8) -> dict[str, OutputParents]:
    """Up to so many outputs, each of some inputs (1, 2, …) and of outputs before it."""
    made: dict[str, OutputParents] = {}
    for n in range(draw(st.integers(1, most))):
        parents = draw(st.sets(st.integers(1, inputs), max_size=2)) if inputs else set()
        made_from = draw(st.sets(st.sampled_from(sorted(made)), max_size=2)) if made else set()
        made[f"o{n}"] = OutputParents(sorted(parents), sorted(made_from))
    return made
