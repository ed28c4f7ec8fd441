"""Which outputs of a stage go to the stages after it."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase


def is_like(pattern: str) -> bool:
    """Whether it is a pattern of SQL's LIKE, as all with a `%` are; every other one is a glob."""
    return "%" in pattern


def matches(name: str, patterns: Sequence[str]) -> bool:
    """True for a name that any of the patterns takes; no patterns take every name."""
    return not patterns or any(_matches(name, pattern) for pattern in patterns)


def _matches(name: str, pattern: str) -> bool:
    if is_like(pattern):
        return re.fullmatch(_like(pattern), name, re.DOTALL) is not None
    return fnmatchcase(name, pattern)


def regex(pattern: str) -> str:
    """A pattern as a regular expression of Postgres, which takes the same names."""
    return f"^{_like(pattern) if is_like(pattern) else _glob(pattern)}$"


LIKE = re.compile(r"\\(.)|%|_|[^%_]", re.DOTALL)


def _like(pattern: str) -> str:
    """`%` is anything, `_` any one character; a backslash makes the next one stand for itself."""
    return "".join(
        {"%": ".*", "_": "."}.get(found[0]) or re.escape(found[1] or found[0])
        for found in LIKE.finditer(pattern)
    )


def _glob(pattern: str) -> str:
    found, at = "", 0
    while at < len(pattern):
        part = _class(pattern, at) if pattern[at] == "[" else ""
        found += (part and _bracket(part)) or ONE.get(pattern[at], re.escape(pattern[at]))
        at += len(part) or 1
    return found


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
