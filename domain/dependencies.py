"""Which outputs of a stage go to the stages after it."""

from collections.abc import Sequence
from fnmatch import fnmatchcase


def matches(name: str, patterns: Sequence[str]) -> bool:
    """True for a name that any of the globs takes; no globs take every name."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
