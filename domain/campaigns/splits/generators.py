"""Rules that cut what a generator can make: ranges of its indices, some with a parameter."""

from collections.abc import Sequence
from math import prod

from domain.campaigns.splits.queries import Arguments, SplitSource, Steps, TakenSlice


def _take_jobs(cursor: int, source: SplitSource, parameter: str | None = None) -> TakenSlice:
    low = cursor * source.jobs_per_slice
    return TakenSlice(low, low + source.jobs_per_slice, cursor + 1, parameter)


def take_endlessly(_: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next jobs, without end."""
    yield from ()
    return _take_jobs(cursor, source)


def take_n_events(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next jobs, as many as make n events at most (but one), without end."""
    yield from ()
    fitting = max(1, arguments["n"] // source.events_per_job)
    high = cursor + min(source.jobs_per_slice, fitting)
    return TakenSlice(cursor, high, high)


def combine_parameters(lists: Sequence[Sequence[str]], index: int) -> str:
    """The index-th combination, the first list changing fastest, joined by `_`."""
    chosen = []
    for values in lists:
        index, digit = divmod(index, len(values))
        chosen.append(values[digit])
    return "_".join(chosen)


def take_next_combination(_: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next combination of the parameter lists, with its jobs."""
    yield from ()
    if not source.parameter_lists or cursor >= prod(map(len, source.parameter_lists)):
        return None
    return _take_jobs(cursor, source, combine_parameters(source.parameter_lists, cursor))


def parse_list(lists: Sequence[Sequence[str]]) -> list[str]:
    """The entries of a list, which may stand in one text with commas between, without blanks around."""
    parts = (part.strip() for values in lists for text in values for part in text.split(","))
    return [part for part in parts if part]


def take_next_entry(_: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next entry of the one parameter list, with its jobs."""
    yield from ()
    entries = parse_list(source.parameter_lists)
    return _take_jobs(cursor, source, entries[cursor]) if cursor < len(entries) else None
