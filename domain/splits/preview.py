"""Looking ahead at the slices that would come, without taking any."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.splits.looks import Source, Taken


@dataclass(frozen=True, slots=True)
class Ahead:
    """Where a look ahead has come: the cursor, and what there is to cut."""

    cursor: int
    source: Source

    def past(self, taken: Taken) -> "Ahead":
        """Where it is when this slice is thought of as taken."""
        runs = self.source.besides if taken.run is None else self.source.besides | {taken.run}
        return Ahead(taken.cursor, replace(self.source, besides=runs))


@dataclass(frozen=True, slots=True)
class Bar:
    """How many slices have from `least` to `most` files (of a generator: jobs)."""

    least: int
    most: int
    slices: int


def histogram(sizes: Iterable[int]) -> list[Bar]:
    """Sizes by powers of two: 1, 2 to 3, 4 to 7 and so on, those without any slice left out."""
    found = Counter(size.bit_length() for size in sizes if size > 0)
    return [Bar(1 << bits - 1, (1 << bits) - 1, found[bits]) for bits in sorted(found)]
