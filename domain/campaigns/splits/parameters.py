"""What can stand between the parentheses of a split, and how it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Value = int | str | None

MOST = 10_000_000
MOST_RUN = 2**31 - 1
MOST_EVENTS = 10**15
MOST_BYTES = 10**18
MOST_SECONDS = 10**9
LATEST = 10**11
"""The year 5138: no time lies after it."""

SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1, "": 1}
BYTES = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "pb": 10**15,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "pib": 2**50,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SplitParameter:
    """One parameter: in words what may be given, how it is read (ValueError: it isn't that), and what
    holds when it is left out."""

    is_: str
    read: Callable[[str], Value]
    default: Value = None
    needed: bool = False


def parse_digits(text: str) -> int:
    """A whole number without a sign, in digits that everybody knows."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise ValueError(text)
    return int(text)


def check_bounds(value: int, least: int, most: int) -> int:
    """The value, if it lies in its bounds."""
    if not least <= value <= most:
        raise ValueError(value)
    return value


def make_number_parameter(
    least: int, most: int, default: int | None = None, *, needed: bool = False
) -> SplitParameter:
    """A whole number."""
    says = f"a whole number from {least} to {most}"
    return SplitParameter(
        says, lambda text: check_bounds(parse_digits(text), least, most), default, needed
    )


def _parse_with_unit(text: str, units: dict[str, int], most: int) -> int:
    """A number with its unit, without a rest."""
    value = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit, value = text[len(value) :].lower(), value.strip()
    if unit not in units or not value.isascii() or len(value) > 19 or set("eE+-_") & set(value):
        raise ValueError(text)
    try:
        return check_bounds(int(Decimal(value) * units[unit]), 0, most)
    except InvalidOperation as error:
        raise ValueError(text) from error


def make_duration_parameter(default: int, least: int = 1) -> SplitParameter:
    """A length of time."""
    says = "a time such as 1w, 2d, 12h, 30m or 90s"
    return SplitParameter(
        says,
        lambda text: check_bounds(
            _parse_with_unit(text, SECONDS, MOST_SECONDS), least, MOST_SECONDS
        ),
        default,
    )


def make_size_parameter() -> SplitParameter:
    """A number of bytes."""
    says = "a size such as 10GB, 1.5TiB or 5000000, from 1 byte to 1 EB"
    return SplitParameter(
        says,
        lambda text: check_bounds(_parse_with_unit(text, BYTES, MOST_BYTES), 1, MOST_BYTES),
        needed=True,
    )


def make_choice_parameter(*words: str) -> SplitParameter:
    """One of some words; without any, the first."""

    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(text)
        return text.lower()

    return SplitParameter(f"one of {', '.join(words)}", read, words[0])


def make_moment_parameter(*named: str) -> SplitParameter:
    """A time in seconds since 1970; a word of `named`, or nothing at all, is None."""
    says = " or ".join(["seconds since 1970", *named])

    def read(text: str) -> int | None:
        return None if text.lower() in ("", *named) else check_bounds(parse_digits(text), 1, LATEST)

    return SplitParameter(says, read)


def _check_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(text) from error
    return text


ZONE = SplitParameter("a time zone such as Europe/Paris", _check_zone)
COUNT = make_number_parameter(1, MOST, needed=True)
RUN = make_number_parameter(0, MOST_RUN)
