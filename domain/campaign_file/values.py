"""Values as the campaign file writes them, and what they are."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar

from domain import recovery
from domain.batch_options import BatchOptions
from domain.dependencies import is_like

NOTHING = frozenset({"", "none"})
"""How the file says that there is nothing, in small letters."""
FROM_PARENT = "from_parent"
"""How the file says that a stage works on what those upstream make."""
E = TypeVar("E", bound=StrEnum)


class Unreadable(ValueError):
    """A value that doesn't say what its key is about: why."""


def plain(value: Any) -> Any:
    """A value as JSON has it, so that lists and tuples of the same are the same."""
    return json.loads(json.dumps(asdict(value) if is_dataclass(value) else value))  # type: ignore[arg-type]


def from_json(text: str) -> Any:
    """Read JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        raise Unreadable(f"This is not JSON: {why}.") from None


def unquoted(text: str) -> Any:
    """Read JSON; what is a text in quotes is JSON itself, and read once more, as POMS does."""
    found = from_json(text)
    return from_json(found) if isinstance(found, str) else found


def in_json(read: Callable[[Any], Any]) -> Callable[[str], Any]:
    """Reads a value that is written as JSON."""
    return lambda text: read(from_json(text))


def to_json(value: Any) -> str:
    """Write JSON, in one line and in ASCII."""
    return json.dumps(value)


def is_nothing(text: str) -> bool:
    """The file says that there is nothing."""
    return text.lower() in NOTHING


def word(value: Any) -> str:
    """A text, or a number that stands for one."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    raise Unreadable(f"A text belongs here, not {to_json(value)[:100]}.")


def pairs(value: Any) -> list[list[str]]:
    """Pairs of a key and a value."""
    found = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(found, list):
        raise Unreadable('Parameters are a list of pairs, like [["--events=", "100"]].')
    for pair in found:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise Unreadable(f"A parameter is a pair of two texts, not {to_json(pair)[:100]}.")
    return [[word(key), word(text)] for key, text in found]


def read_pairs(text: str) -> list[list[str]]:
    """Parameters as the file has them."""
    return [] if is_nothing(text) else pairs(unquoted(text))


def read_keywords(text: str) -> list[list[str]]:
    """Keywords: a JSON object."""
    found = {} if is_nothing(text) else unquoted(text)
    if not isinstance(found, dict):
        raise Unreadable('Keywords are an object, like {"pot": "5e18"}.')
    return pairs(found)


def read_lists(text: str) -> list[list[str]]:
    """The parameter lists of `multiparam`."""
    return lists(unquoted(text))


def read_list(text: str) -> list[list[str]]:
    """The one parameter list of `list`: values with commas between them."""
    return [] if is_nothing(text) else [[one.strip() for one in text.split(",")]]


def read_dataset(text: str) -> str | None:
    """A dataset's name; nothing where the stages upstream make it."""
    return None if is_nothing(text) or text.lower() == FROM_PARENT else text


def lists(value: Any) -> list[list[str]]:
    """Lists of texts."""
    if not isinstance(value, list) or not all(isinstance(one, list) for one in value):
        raise Unreadable('Parameter lists are lists of texts, like [["a", "b"], ["c"]].')
    return [[word(text) for text in one] for one in value]


def texts(value: Any) -> list[str]:
    """A list of texts."""
    return lists([value])[0]


def read_whole(text: str) -> int:
    """A whole number, which POMS may write as 95.0."""
    try:
        number = float(text)
    except ValueError:
        raise Unreadable(f"This is a whole number, not {text[:100]!r}.") from None
    if not number.is_integer() or abs(number) > 2**31 - 1:
        raise Unreadable(f"This is a whole number, not {text[:100]!r}.")
    return int(number)


def whole(value: Any) -> int:
    """A whole number in JSON."""
    if type(value) is not int or abs(value) >= 2**63:
        raise Unreadable("This is a whole number.")
    return value


def yes_no(value: Any) -> bool:
    """True or false in JSON."""
    if type(value) is not bool:
        raise Unreadable("This is true or false.")
    return value


def read_yes_no(text: str) -> bool:
    """True or False, in any letters."""
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no") or is_nothing(text):
        return False
    raise Unreadable(f"This is True or False, not {text[:100]!r}.")


def one_of(choices: type[E]) -> Callable[[Any], E]:
    """One of a choice, in any letters."""

    def read(value: Any) -> E:
        try:
            return choices(str(value).lower())
        except ValueError:
            known = ", ".join(choices)
            raise Unreadable(f"This is one of {known}, not {str(value)[:100]!r}.") from None

    return read


def optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, or null."""
    return lambda value: None if value is None else read(value)


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Unreadable("This is a JSON object.")
    return value


LIKE = re.compile(r"%+|[_*?\[]")
GLOB = re.compile(r"\[([*?[])\]|[*?]")


def read_pattern(text: str) -> str:
    """A pattern of SQL's LIKE as a glob; `%%` is from files that were written for interpolation."""
    if " " in text:
        raise Unreadable(
            "A SAM dimension says nothing here: write a pattern for names, like %.root."
        )

    def glob(found: re.Match[str]) -> str:
        match = found[0]
        return "*" if match[0] == "%" else "?" if match == "_" else f"[{match}]"

    return LIKE.sub(glob, text)


def write_pattern(pattern: str) -> str:
    """A glob as a pattern of SQL's LIKE, as far as that can say it."""

    def like(found: re.Match[str]) -> str:
        return found[1] or ("%" if found[0] == "*" else "_")

    return GLOB.sub(like, pattern)


def read_edge_pattern(text: str) -> str:
    """The same of a dependency, which takes a pattern of LIKE as it is."""
    glob = read_pattern(text)
    return re.sub("%+", "%", text) if is_like(text) else glob


def write_edge_pattern(pattern: str) -> str:
    """The pattern of a dependency as a pattern of LIKE, as far as that can say it."""
    return pattern if is_like(pattern) else write_pattern(pattern)


def read_patterns(text: str) -> list[str]:
    """Patterns with commas between them."""
    found = [] if is_nothing(text) else text.split(",")
    return [read_pattern(one.strip()) for one in found if one.strip()]


def read_recoveries(text: str) -> list[dict[str, Any]]:
    """Recoveries as POMS writes them: pairs of a type and its overrides."""
    found = [] if is_nothing(text) else unquoted(text)
    if not isinstance(found, list) or not all(isinstance(e, list) and len(e) == 2 for e in found):
        raise Unreadable('Recoveries are a list like [["consumed_status", []]].')
    return recoveries([{"type": kind, "overrides": given or []} for kind, given in found])


def write_recoveries(found: Sequence[Any]) -> str:
    """The same way back, without what POMS has no word for."""
    return to_json([[one["type"], one.get("overrides", [])] for one in found])


def number(value: Any) -> float:
    """A number in JSON."""
    if type(value) not in (int, float):
        raise Unreadable("This is a number.")
    return float(value)


RECOVERY: dict[str, Callable[[Any], Any]] = {
    "type": word,
    "overrides": pairs,
    "rounds": whole,
    "factors": lambda value: {name: number(factor) for name, factor in mapping(value).items()},
    "least_share": whole,
    "most_share": whole,
    "patterns": texts,
    "depth": whole,
}
"""Every field of a recovery."""


def recoveries(value: Any) -> list[dict[str, Any]]:
    """Recoveries in JSON, as ours; what they don't say is as it is by default."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unreadable("Recoveries are a list of objects.")
    return [_recovery(one) for one in value]


def _recovery(given: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(given.keys() - RECOVERY.keys()):
        raise Unreadable(f"A recovery has {', '.join(RECOVERY)}, not {unknown[0]}.")
    found = {"type": "", **given}
    found = {name: RECOVERY[name](value) for name, value in found.items()}
    default = asdict(recovery.entry(found))
    return {name: default["kind" if name == "type" else name] for name in RECOVERY}


def batch_options(value: Any) -> dict[str, Any]:
    """What is asked of a batch system, as a stage keeps it."""
    known = {f.name for f in fields(BatchOptions)}
    if unknown := sorted(mapping(value).keys() - known):
        raise Unreadable(
            f"Batch systems are asked for {', '.join(sorted(known))}, not {unknown[0]}."
        )
    return {
        name: pairs(asked) if name == "attributes" else word(asked) for name, asked in value.items()
    }
