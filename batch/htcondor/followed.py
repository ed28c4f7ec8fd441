"""Clusters that somebody else submitted: the numbers that their jobs get here."""

from collections.abc import Collection, Iterator, Sequence


def number_jobs(told: Sequence[int | None], first: int, taken: Collection[int]) -> list[int]:
    """The number of each job, of which its ad told one or none: what it told, if nobody else has it, else its place."""
    mine, used = dict[int, int](), {*taken}
    for proc, number in enumerate(told):
        if isinstance(number, int) and number >= 0 and number not in used:
            mine[proc] = number
            used.add(number)
    for proc in range(len(told)):
        if proc not in mine:
            mine[proc] = next(
                each for each in _iterate_free_numbers(first + proc, used) if each not in used
            )
            used.add(mine[proc])
    return [mine[proc] for proc in range(len(told))]


def _iterate_free_numbers(place: int, used: Collection[int]) -> Iterator[int]:
    yield place
    yield max(used, default=place) + 1
