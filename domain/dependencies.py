"""Which outputs of a stage go to the stages after it."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase


def matches(name: str, patterns: Sequence[str]) -> bool:
    """True for a name that any of the globs takes; no globs take every name."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def regex(pattern: str) -> str:
    """A glob as a regular expression of Postgres, which takes the same names."""
    found, at = "", 0
    while at < len(pattern):
        part = _class(pattern, at) if pattern[at] == "[" else ""
        found += (part and _bracket(part)) or ONE.get(pattern[at], re.escape(pattern[at]))
        at += len(part) or 1
    return f"^{found}$"


ONE = {"*": ".*", "?": "."}


def _class(pattern: str, at: int) -> str:
    """The bracket that opens here, with its end; nothing where it has none and stands for itself."""
    start = at + 1 + pattern.startswith("!", at + 1)
    end = pattern.find("]", start + 1)
    return pattern[at : end + 1] if end >= 0 else ""


def _bracket(part: str) -> str:
    """Any one of its characters and ranges, each escaped; of an empty one nothing, or (of its `!`) all."""
    no = part.startswith("[!")
    inner = part[1 + no : -1]
    pieces, at = [], 0
    while at < len(inner):
        low, high = inner[at], inner[at]
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            high = inner[at + 2]
            at += 2
        at += 1
        pieces += [f"{re.escape(low)}-{re.escape(high)}"] if low <= high else []
    if not pieces:
        return "." if no else "(?!)"
    return f"[{'^' * no}{''.join(pieces)}]"
