"""Values as the campaign file writes them, and what they are."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar

from domain.campaigns.dependencies import is_like
from domain.setup.batch_options import BatchOptions
from domain.setup.recovery_rules import read_recovery_rule

NOTHING = frozenset({"", "none"})
"""How the file says that there is nothing, in small letters."""
MOST_WRONG = 5
"""Of so many parts of one value it is said what is wrong with them."""
FROM_PARENT = "from_parent"
"""How the file says that a stage works on what those upstream make."""
E = TypeVar("E", bound=StrEnum)


class UnreadableValue(ValueError):
    """A value that doesn't say what its key is about: why."""


class PartlyUnreadable(UnreadableValue):
    """A value of which a part says nothing: what the rest says is used."""

    def __init__(self, message: str, rest: Any) -> None:
        super().__init__(message)
        self.rest = rest


def normalise_value(value: Any) -> Any:
    """A value as JSON has it, so that lists and tuples of the same are the same."""
    return json.loads(json.dumps(asdict(value) if is_dataclass(value) else value))  # type: ignore[arg-type]


def read_json(text: str) -> Any:
    """Read JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        raise UnreadableValue(f"This is not JSON: {why}.") from None


def read_quoted_json(text: str) -> Any:
    """Read JSON; what is a text in quotes is JSON itself, and read once more, as POMS does."""
    found = read_json(text)
    return read_json(found) if isinstance(found, str) else found


def make_json_reader(read: Callable[[Any], Any]) -> Callable[[str], Any]:
    """Reads a value that is written as JSON."""
    return lambda text: read(read_json(text))


def write_json(value: Any) -> str:
    """Write JSON, in one line and in ASCII."""
    return json.dumps(value)


def is_nothing(text: str) -> bool:
    """The file says that there is nothing."""
    return text.lower() in NOTHING


def read_word(value: Any) -> str:
    """A text, or a number that stands for one."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    raise UnreadableValue(f"A text belongs here, not {write_json(value)[:100]}.")


def read_pair_list(value: Any) -> list[list[str]]:
    """Pairs of a key and a value."""
    found = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(found, list):
        raise UnreadableValue('Parameters are a list of pairs, like [["--events=", "100"]].')
    for pair in found:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise UnreadableValue(
                f"A parameter is a pair of two texts, not {write_json(pair)[:100]}."
            )
    return [[read_word(key), read_word(text)] for key, text in found]


def read_pairs(text: str) -> list[list[str]]:
    """Parameters as the file has them."""
    return [] if is_nothing(text) else read_pair_list(read_quoted_json(text))


def read_keywords(text: str) -> list[list[str]]:
    """Keywords: a JSON object."""
    found = {} if is_nothing(text) else read_quoted_json(text)
    if not isinstance(found, dict):
        raise UnreadableValue('Keywords are an object, like {"pot": "5e18"}.')
    return read_pair_list(found)


def read_lists(text: str) -> list[list[str]]:
    """The parameter lists of `multiparam`."""
    return read_text_lists(read_quoted_json(text))


def read_list(text: str) -> list[list[str]]:
    """The one parameter list of `list`: values with commas between them."""
    return [] if is_nothing(text) else [[one.strip() for one in text.split(",")]]


def read_dataset(text: str) -> str | None:
    """A dataset's name; nothing where the stages upstream make it."""
    return None if is_nothing(text) or text.lower() == FROM_PARENT else text


def read_text_lists(value: Any) -> list[list[str]]:
    """Lists of texts."""
    if not isinstance(value, list) or not all(isinstance(one, list) for one in value):
        raise UnreadableValue('Parameter lists are lists of texts, like [["a", "b"], ["c"]].')
    return [[read_word(text) for text in one] for one in value]


def read_text_list(value: Any) -> list[str]:
    """A list of texts."""
    return read_text_lists([value])[0]


def read_whole(text: str) -> int:
    """A whole number, which POMS may write as 95.0."""
    try:
        number = float(text)
    except ValueError:
        raise UnreadableValue(f"This is a whole number, not {text[:100]!r}.") from None
    if not number.is_integer() or abs(number) > 2**31 - 1:
        raise UnreadableValue(f"This is a whole number, not {text[:100]!r}.")
    return int(number)


def read_whole_number(value: Any) -> int:
    """A whole number in JSON."""
    if type(value) is not int or abs(value) >= 2**63:
        raise UnreadableValue("This is a whole number.")
    return value


def read_json_boolean(value: Any) -> bool:
    """True or false in JSON."""
    if type(value) is not bool:
        raise UnreadableValue("This is true or false.")
    return value


def read_yes_no(text: str) -> bool:
    """True or False, in any letters."""
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no") or is_nothing(text):
        return False
    raise UnreadableValue(f"This is True or False, not {text[:100]!r}.")


def make_choice_reader(choices: type[E]) -> Callable[[Any], E]:
    """One of a choice, in any letters."""

    def read(value: Any) -> E:
        try:
            return choices(str(value).lower())
        except ValueError:
            known = ", ".join(choices)
            raise UnreadableValue(f"This is one of {known}, not {str(value)[:100]!r}.") from None

    return read


def make_optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, or null."""
    return lambda value: None if value is None else read(value)


def read_mapping(value: Any) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise UnreadableValue("This is a JSON object.")
    return value


LIKE = re.compile(r"%+|[_*?\[]")
GLOB = re.compile(r"\[([*?[])\]|[*?]")


OWN_ACCOUNT = re.compile(
    r"\$(?:USER|LOGNAME|\{USER\}|\{LOGNAME\}|\((?:whoami|id -un)\))|`(?:whoami|id -un)`"
)


def read_account(text: str) -> str:
    """An account; what POMS's shell reads as its own is nothing here: that of the launch host."""
    if OWN_ACCOUNT.fullmatch(text):
        said = f"{text} is whoever runs POMS: here it is the launch host's account, unless you name another."
        raise PartlyUnreadable(said, "")
    return text


def read_pattern(text: str) -> str:
    """A pattern of SQL's LIKE as a glob; `%%` is from files that were written for interpolation."""
    if " " in text:
        raise UnreadableValue(
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
    """Recoveries as POMS writes them: pairs of a type and its overrides.

    Many real files have some that nobody can read; POMS asks for them only when it recovers.
    """
    read, wrong = list[dict[str, Any]](), list[str]()
    try:
        entries = [] if is_nothing(text) else read_quoted_json(text)
        if not isinstance(entries, list):
            raise UnreadableValue('Recoveries are a list like [["consumed_status", []]].')
    except UnreadableValue as error:
        raise PartlyUnreadable(str(error), []) from None
    for n, entry in enumerate(entries, start=1):
        try:
            read += _read_poms_recovery(entry)
        except UnreadableValue as error:
            wrong.append(f"Recovery {n} can't be read, and is not made: {error}")
    if wrong:
        raise PartlyUnreadable(" ".join(wrong[:MOST_WRONG]), read)
    return read


def _read_poms_recovery(entry: Any) -> list[dict[str, Any]]:
    if not isinstance(entry, list) or len(entry) != 2:
        raise UnreadableValue('A recovery is a pair like ["consumed_status", []].')
    return read_recovery_list([{"type": entry[0], "overrides": entry[1] or []}])


def read_readable_part(read: Callable[[str], Any], text: str) -> Any:
    """What can be read of a text."""
    try:
        return read(text)
    except PartlyUnreadable as error:
        return error.rest


def write_recoveries(found: Sequence[Any]) -> str:
    """The same way back, without what POMS has no word for."""
    return write_json([[one["type"], one.get("overrides", [])] for one in found])


def read_number(value: Any) -> float:
    """A number in JSON."""
    if type(value) not in (int, float):
        raise UnreadableValue("This is a number.")
    return float(value)


RECOVERY: dict[str, Callable[[Any], Any]] = {
    "type": read_word,
    "overrides": read_pair_list,
    "rounds": read_whole_number,
    "factors": lambda value: {
        name: read_number(factor) for name, factor in read_mapping(value).items()
    },
    "least_share": read_whole_number,
    "most_share": read_whole_number,
    "patterns": read_text_list,
    "depth": read_whole_number,
}
"""Every field of a recovery."""


def read_recovery_list(value: Any) -> list[dict[str, Any]]:
    """Recoveries in JSON, as ours; what they don't say is as it is by default."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise UnreadableValue("Recoveries are a list of objects.")
    return [_build_recovery(one) for one in value]


def _build_recovery(given: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(given.keys() - RECOVERY.keys()):
        raise UnreadableValue(f"A recovery has {', '.join(RECOVERY)}, not {unknown[0]}.")
    found = {"type": "", **given}
    found = {name: RECOVERY[name](value) for name, value in found.items()}
    default = asdict(read_recovery_rule(found))
    return {name: default["kind" if name == "type" else name] for name in RECOVERY}


def read_batch_options(value: Any) -> dict[str, Any]:
    """What is asked of a batch system, as a stage keeps it."""
    known = {f.name for f in fields(BatchOptions)}
    if unknown := sorted(read_mapping(value).keys() - known):
        raise UnreadableValue(
            f"Batch systems are asked for {', '.join(sorted(known))}, not {unknown[0]}."
        )
    return {
        name: read_pair_list(asked) if name == "attributes" else read_word(asked)
        for name, asked in value.items()
    }
