"""Looking ahead at the slices that would come, without taking any."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.campaigns.splits.queries import Look, SplitSource, Steps, TakenSlice


@dataclass(frozen=True, slots=True)
class SplitLookahead:
    """Where a look ahead has come: the cursor, and what there is to cut."""

    cursor: int
    source: SplitSource

    def past(self, taken: TakenSlice) -> "SplitLookahead":
        """Where it is when this slice is thought of as taken."""
        if taken.run is None:
            return SplitLookahead(taken.cursor, self.source)
        runs = self.source.besides | {taken.run}
        return SplitLookahead(taken.cursor, replace(self.source, besides=runs))


@dataclass(frozen=True, slots=True)
class HistogramBar:
    """How many things are from `least` to `most` large."""

    least: int
    most: int
    number: int


def build_histogram(sizes: Iterable[int]) -> list[HistogramBar]:
    """Sizes by powers of two: 0, 1, 2 to 3, 4 to 7 and so on, those that nothing has left out."""
    found = Counter(size.bit_length() for size in sizes)
    return [HistogramBar(1 << bits >> 1, (1 << bits) - 1, found[bits]) for bits in sorted(found)]


def record_queries(steps: Steps, looks: list[Look]) -> Steps:
    """The same steps, with each look noted."""
    try:
        look = next(steps)
        while True:
            looks.append(look)
            look = steps.send((yield look))
    except StopIteration as end:
        taken: TakenSlice | None = end.value
        return taken
