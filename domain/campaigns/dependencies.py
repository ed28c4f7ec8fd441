"""Which outputs of a stage go to the stages after it."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase


def is_like(pattern: str) -> bool:
    """Whether it is a pattern of SQL's LIKE, as all with a `%` are; every other one is a glob."""
    return "%" in pattern


def match_patterns(name: str, patterns: Sequence[str]) -> bool:
    """True for a name that any of the patterns takes; no patterns take every name."""
    return not patterns or any(_match_pattern(name, pattern) for pattern in patterns)


def _match_pattern(name: str, pattern: str) -> bool:
    if is_like(pattern):
        return re.fullmatch(_convert_like(pattern), name, re.DOTALL) is not None
    return fnmatchcase(name, pattern)


def convert_pattern_to_regex(pattern: str) -> str:
    """A pattern as a regular expression of Postgres, which takes the same names."""
    return f"^{_convert_like(pattern) if is_like(pattern) else _convert_glob(pattern)}$"


LIKE = re.compile(r"\\(.)|%|_|[^%_]", re.DOTALL)


def _convert_like(pattern: str) -> str:
    """`%` is anything, `_` any one character; a backslash makes the next one stand for itself."""
    return "".join(
        {"%": ".*", "_": "."}.get(found[0]) or re.escape(found[1] or found[0])
        for found in LIKE.finditer(pattern)
    )


def _convert_glob(pattern: str) -> str:
    found, at = "", 0
    while at < len(pattern):
        part = _convert_character_class(pattern, at) if pattern[at] == "[" else ""
        found += (part and _convert_bracket(part)) or ONE.get(pattern[at], re.escape(pattern[at]))
        at += len(part) or 1
    return found


ONE = {"*": ".*", "?": "."}


def _convert_character_class(pattern: str, at: int) -> str:
    """The bracket that opens here, with its end; nothing where it has none and stands for itself."""
    start = at + 1 + pattern.startswith("!", at + 1)
    end = pattern.find("]", start + 1)
    return pattern[at : end + 1] if end >= 0 else ""


def _convert_bracket(part: str) -> str:
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


def name_dependent_dataset(submission_id: int, number: int, analyst: str | None) -> str:
    """How POMS calls what a submission made for a dependency: it is defined in SAM, or the jobs declare it.

    `number` counts the stage's dependencies from 1; `analyst` is whose submission it is, where it is analysis.
    """
    user = f"{analyst}_" if analyst else ""
    return f"poms_{user}depends_{submission_id}_{number}"
