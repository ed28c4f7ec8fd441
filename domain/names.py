"""What people may call things and write about them: bounded, visible, and always only data."""

import re
from collections.abc import Sequence
from unicodedata import category, is_normalized

MOST_NAME, MOST_DESCRIPTION, MOST_REASON = 100, 10_000, 1_000
MOST_WORD, MOST_WORDS = 4_000, 500
MOST_PATTERN = 200

RESERVED = "stage:"
"""How the names of datasets begin that belong to a stage."""

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that look like nothing, or like something else than they are."""

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
ACCOUNT = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
ADDRESS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")
SLUG = re.compile(r"[a-z][a-z0-9_-]{0,31}")
USERNAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


def check_name(name: str) -> str | None:
    """What is wrong with a name, or nothing."""
    if not name:
        return "A name can't be empty."
    if len(name) > MOST_NAME:
        return f"A name has at most {MOST_NAME} characters, this has {len(name)}."
    if name != name.strip():
        return "A name neither begins nor ends with a space."
    if any(category(c) in INVISIBLE for c in name):
        return "A name has no control or invisible characters."
    if not is_normalized("NFC", name):
        return "A name is written with composed characters (Unicode NFC), so that what looks the same is."
    return None


def check_text(text: str, most: int = MOST_DESCRIPTION) -> str | None:
    """What is wrong with a free text; whatever a shell would make of it is not."""
    if len(text) > most:
        return f"At most {most} characters are kept here, this has {len(text)}."
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        return "A text can't contain NUL or half of a surrogate pair."
    return None


def check_reason(reason: str) -> str | None:
    """What is wrong with a reason that somebody has to give, or nothing."""
    return (
        check_text(reason, MOST_REASON) if reason.strip() else "Say why: a reason is kept with it."
    )


def check_words(words: Sequence[str]) -> str | None:
    """What is wrong with a command that is given as a list of arguments, or with lines."""
    if len(words) > MOST_WORDS:
        return f"At most {MOST_WORDS} entries are kept here, these are {len(words)}."
    return next((said for word in words if (said := check_text(word, MOST_WORD))), None)


def check_form(text: str, form: re.Pattern[str], example: str) -> str | None:
    """What is wrong with a text that must have a certain form."""
    return None if form.fullmatch(text) else f"This is written like {example}, not {text[:100]!r}."


def check_pattern(pattern: str) -> str | None:
    """What is wrong with a pattern that names of files shall match: a glob, or with a `%` one of SQL's LIKE."""
    if not pattern or len(pattern) > MOST_PATTERN:
        return f"A pattern has 1 to {MOST_PATTERN} characters."
    if "/" in pattern or any(category(c) in INVISIBLE for c in pattern):
        return "A pattern is for file names: no slash, no control characters."
    if "%" not in pattern and _is_open(pattern):
        return "A bracket in the pattern is not closed: write [[] for the character itself."
    return None


def _is_open(pattern: str) -> bool:
    at = 0
    while (at := pattern.find("[", at)) >= 0:
        # A closing bracket right after the opening one, or after its `!`, stands for itself.
        first = at + 2 if pattern[at + 1 : at + 2] == "!" else at + 1
        at = pattern.find("]", first + 1)
        if at < 0:
            return True
    return False
