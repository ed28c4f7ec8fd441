"""Files that belong to a slice and came into the dataset after it was taken."""

from dataclasses import dataclass

from domain.campaigns.splits.reading import Split


@dataclass(frozen=True, slots=True)
class LateRange:
    """Where they are: from one ordinal to below another, where a run is given only of that run."""

    low: int
    high: int
    run: int | None = None


def find_later_files(split: Split, key: str | None, then: int, head: int) -> LateRange | None:
    """Of a slice with this key, taken without a range when the dataset had `then` files; None: none ever.

    A slice of `byrun` gets what has come of its run, one of `draining` or `limitn` what has come of the whole
    or of the first n. Ranges get no more files, and what comes late for other keys is left out as it is by
    their splits, or (`byexistingruns`, `stagedfiles`) is in a slice to come.
    """
    if split.name == "byrun" and key is not None:
        return LateRange(0, head, run=int(key)) if key.isdecimal() else None
    if split.kind.exclusive or key is not None:
        return None
    return LateRange(then, min(head, split.arguments.get("n") or head))
