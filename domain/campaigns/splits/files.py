"""Rules that cut a dataset: its files have ordinals 0 … head-1 that never change, so that a cursor on
them loses none and takes none twice, however the dataset grows."""

from collections.abc import Callable
from itertools import takewhile

from domain.campaigns.splits.queries import (
    Arguments,
    FileWeights,
    JoinedFiles,
    NextRun,
    OfRun,
    SplitSource,
    StagedFiles,
    Steps,
    TakenSlice,
    UntakenRun,
)

PAGE, MOST_PAGE = 100, 25_600
"""How many files' weights are looked at in one go: four times as many each time."""


def take_rest(_: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take everything that has not been taken."""
    yield from ()
    return TakenSlice(cursor, source.head, source.head) if cursor < source.head else None


def take_n_files(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next n files, fewer at the end."""
    yield from ()
    high = min(cursor + arguments["n"], source.head)
    return TakenSlice(cursor, high, high) if cursor < high else None


def take_whole_dataset(_: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the whole dataset, each time, for ever."""
    yield from ()
    return TakenSlice(0, source.head, cursor + 1, exclusive=False) if source.head else None


def take_first_n(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the first n files, the same each time, for ever."""
    yield from ()
    high = min(arguments["n"], source.head)
    return TakenSlice(0, high, cursor + 1, exclusive=False) if source.head else None


def take_bucket(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next of m buckets: the files whose ordinal leaves that rest when divided by m.

    A bucket without files is not submitted. Files that come after their bucket was taken are left out.
    """
    yield from ()
    m = arguments["m"]
    if cursor >= min(m, source.head):
        return None
    listed = range(cursor, source.head, m)
    return TakenSlice(0, 0, cursor + 1, listed=listed, key=f"{cursor}/{m}")


def take_run(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next run from `low` to below `high` (exclusive, as facts 1 to 3 show).

    An empty run is skipped, not submitted. Files that come after their run was taken are left out, as
    are files without a run: `byexistingruns` takes the late ones.
    """
    run: int | None = yield NextRun(max(cursor, arguments["low"]), arguments["high"])
    if run is None:
        return None
    listed = yield OfRun(run)
    return TakenSlice(0, 0, run + 1, listed=listed, key=str(run), run=run)


def take_existing_run(_: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the run of the first file that is in no slice yet, with all its files that are in none.

    A file that comes after its run was taken is in none, so that its run comes again with what is new.
    All below the cursor is taken or has no run. The slice moves it on to the next untaken file, so that
    no file is passed twice, and that nothing is left is found without looking at what was taken.
    """
    found: tuple[int, int] | None = yield UntakenRun(cursor, source.besides)
    if found is None:
        return None
    first, run = found
    listed = yield OfRun(run)
    onward: tuple[int, int] | None = yield UntakenRun(first + 1, source.besides | {run})
    then = onward[0] if onward else source.head
    return TakenSlice(0, 0, then, listed=listed, key=f"{run}@{first}", run=run)


def take_staged(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the next files that are marked staged, at most k, in the order in which they were marked."""
    found: list[int] = yield StagedFiles(cursor, arguments["k"])
    # What was added to the dataset since its head was read waits, and what was marked after it with it.
    listed = list(takewhile(lambda ordinal: ordinal < source.head, found))
    then = cursor + len(listed)
    return TakenSlice(0, 0, then, listed=listed, key=f"{cursor}..{then}") if listed else None


def take_joined(_: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take what the stages upstream made that belongs together, as it became complete.

    Where none of them made anything, nothing is submitted.
    """
    while True:
        listed: list[int] | None = yield JoinedFiles(cursor)
        if listed is None:
            return None
        if listed:
            return TakenSlice(0, 0, cursor + 1, listed=listed, key=str(cursor))
        cursor += 1


def make_weight_rule(what: str) -> Callable[[Arguments, int, SplitSource], Steps]:
    """The rule of `nbytes` and `nevents`: slices by what their files weigh together."""

    def rule(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
        """Take the next files while they fit; one that alone is too heavy is a slice of its own."""
        (left,), high, page = arguments.values(), cursor, PAGE
        while high < source.head:
            weights: list[int] = yield FileWeights(high, page, what)
            page = min(4 * page, MOST_PAGE)
            for weight in weights:
                if weight > left and high > cursor:
                    return TakenSlice(cursor, high, high)
                left -= weight
                high += 1
        return TakenSlice(cursor, high, high) if high > cursor else None

    return rule
