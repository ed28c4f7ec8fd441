"""SAM's dimensions: a small real evaluator of its query language.

    expression: any {(minus | union | intersect) any} {with options}      left to right
    any:        all {or all}
    all:        one {and one}
    one:        not one | ( expression ) | defname: D | isparentof: ( expression ) … | dimension [op] value

A file without a location is only found where `with availability` asks for it.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from tests.catalogs.sam_stand_in.store import SamExperiment, SamFault, SamFile

TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>'[^']*'|"[^"]*")|(?P<sign><=|>=|!=|[=<>(),:])|(?P<word>[\w.%?+@/*-]+))"""
)
SETS: dict[str, Callable[[set[int], set[int]], set[int]]] = {
    "minus": set.difference,
    "union": set.union,
    "intersect": set.intersection,
}
RELATIONS = ("isparentof", "ischildof", "isancestorof", "isdescendantof")
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
FIELDS: dict[str, Callable[[SamFile], Any]] = {
    "file_id": lambda file: file.id,
    "create_date": lambda file: file.created,
    "version": lambda file: file.metadata.get("application", {}).get("version"),
    "run_number": lambda file: [run[0] for run in file.metadata.get("runs", [])],
}
LIMITS = ("limit", "offset", "stride")


def run_dimensions(text: str, experiment: SamExperiment) -> list[int]:
    """The ids of the files that a query has, in their order."""
    return DimensionsParser(text, experiment).evaluate()


class DimensionsParser:
    """Reads a query and evaluates it as it goes."""

    def __init__(self, text: str, experiment: SamExperiment) -> None:
        self._experiment, self._at = experiment, 0
        self._tokens = list(self._split(text.strip()))
        self.anywhere: set[int] = set()
        """Files that were asked for wherever they are, or are not."""

    @staticmethod
    def _split(text: str) -> Iterable[tuple[str, str]]:
        place = 0
        while place < len(text):
            found = TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                raise SamFault(
                    400, "DimensionError", f"Parse error at {text[place : place + 20]!r}"
                )
            yield found.lastgroup, found[found.lastgroup]
            place = found.end()

    def evaluate(self) -> list[int]:
        """All of it."""
        if not self._tokens:
            raise SamFault(400, "DimensionError", "Dimensions string is empty")
        found = self._read_expression()
        if self._at < len(self._tokens):
            raise SamFault(400, "DimensionError", f"Parse error at {self._tokens[self._at][1]!r}")
        return sorted(found)

    def _is_next(self, *words: str) -> bool:
        kind, word = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        return kind != "quoted" and word.lower() in words

    def _take(self, *words: str) -> str:
        if self._at >= len(self._tokens) or (words and not self._is_next(*words)):
            expected = " or ".join(words) or "a value"
            raise SamFault(400, "DimensionError", f"Parse error: {expected} expected")
        kind, word = self._tokens[self._at]
        self._at += 1
        return word[1:-1] if kind == "quoted" else word

    def _read_expression(self) -> set[int]:
        found = self._read_any()
        while self._is_next(*SETS):
            found = SETS[self._take().lower()](found, self._read_any())
        options = dict[str, str]()
        while self._is_next("with"):
            self._take("with")
            while self._is_next("availability", *LIMITS):
                option = self._take().lower()
                options[option] = self._take()
        return self._apply_options(found, options)

    def _apply_options(self, found: set[int], options: dict[str, str]) -> set[int]:
        if options.get("availability") in ("anylocation", "virtual"):
            self.anywhere |= found
        files = self._experiment.files
        rows = sorted(id_ for id_ in found if id_ in self.anywhere or files[id_].locations)
        rows = rows[int(options.get("offset", 0)) :: int(options.get("stride", 1))]
        return set(rows[: int(options["limit"])] if "limit" in options else rows)

    def _read_any(self) -> set[int]:
        found = self._read_all()
        while self._is_next("or"):
            self._take("or")
            found = found | self._read_all()
        return found

    def _read_all(self) -> set[int]:
        found = self._read_one()
        while self._is_next("and"):
            self._take("and")
            found = found & self._read_one()
        return found

    def _read_one(self) -> set[int]:
        if self._is_next("not"):
            self._take("not")
            return self._list_live() - self._read_one()
        if self._is_next("("):
            return self._read_group()
        name = self._take()
        if not self._is_next(":"):
            return self._read_dimension(name)
        self._take(":")
        if name.lower() in RELATIONS:
            return self._relate(name.lower(), self._read_group())
        if name.lower() != "defname":
            raise SamFault(400, "DimensionError", f"Unknown operator '{name}:'")
        definition = self._experiment.find_definition(self._take())
        inner = DimensionsParser(definition.dims, self._experiment)
        found = set(inner.evaluate())
        self.anywhere |= inner.anywhere
        return found

    def _read_group(self) -> set[int]:
        self._take("(")
        found = self._read_expression()
        self._take(")")
        return found

    def _list_live(self) -> set[int]:
        return {id_ for id_, file in self._experiment.files.items() if not file.is_retired}

    def _relate(self, how: str, found: set[int]) -> set[int]:
        """Steps up or down from files: one, or as many as there are."""
        goes_up, is_single = how in ("isparentof", "isancestorof"), how in RELATIONS[:2]
        reached, edge = set[int](), found
        while edge:
            files = (self._experiment.files[id_] for id_ in edge)
            near = {
                other.id for file in files for other in (file.parents if goes_up else file.children)
            }
            edge = near - reached
            reached |= near
            if is_single:
                break
        return reached

    def _read_values(self) -> list[str]:
        if not self._is_next("("):
            values = [self._take()]
            while self._is_next(","):
                self._take(",")
                values.append(self._take())
            return values
        self._take("(")
        values = self._read_values()
        self._take(")")
        return values

    def _read_dimension(self, name: str) -> set[int]:
        is_negated = self._is_next("not") and bool(self._take("not"))
        sign = self._take().lower() if self._is_next("=", "!=", *ORDERS, "like", "in") else "="
        values = self._read_values()
        found = self._find_by_project(name, values)
        if found is None:
            read = FIELDS.get(name)
            files = [self._experiment.files[id_] for id_ in self._list_live()]
            has = {file.id: read(file) if read else file.metadata.get(name) for file in files}
            found = {id_ for id_, value in has.items() if is_match(value, sign, values)}
        return self._list_live() - found if is_negated or sign == "!=" else found

    def _find_by_project(self, name: str, values: list[str]) -> set[int] | None:
        """What is asked of snapshots and projects; `consumed_status` of the project that stands beside it."""
        known = self._experiment
        if name == "snapshot_id":
            return {id_ for value in values for id_ in known.snapshots.get(int(value), ())}
        if name == "consumed_status":
            words = [word for _, word in self._tokens]
            named = [words[n + 1] for n, word in enumerate(words[:-1]) if word == "project_name"]
            asked = [known.projects[each] for each in named if each in known.projects]
            return {id_ for each in asked for id_, fate in each.fates.items() if fate in values}
        if name in ("project_name", "snapshot_for_project_name"):
            asked = [known.projects[each] for each in values if each in known.projects]
            is_whole = name == "snapshot_for_project_name"
            return {
                id_
                for each in asked
                for id_ in (known.snapshots[each.snapshot] if is_whole else each.fates)
            }
        return None


def is_match(value: Any, sign: str, values: list[str]) -> bool:
    """Whether what a file has fits one of the values: lists, ranges, patterns with `%`."""
    if isinstance(value, list):
        return any(is_match(each, sign, values) for each in value)
    if value is None:
        return False
    if sign in ORDERS:
        return ORDERS[sign](value, parse_bound(value, values[0]))
    return any(is_like(value, each) for each in values)


def is_like(value: Any, pattern: str) -> bool:
    """Whether it is this value, in this range, or like this."""
    low, dash, high = pattern.partition("-")
    if isinstance(value, int) and dash and low.isdigit() and high.isdigit():
        return int(low) <= value <= int(high)
    if "%" in pattern:
        glob = pattern.replace("[", "[[]").replace("*", "[*]").replace("%", "*")
        return fnmatchcase(str(value), glob)
    return str(value) == pattern


def parse_bound(value: Any, text: str) -> Any:
    """What a value is compared with, of the value's type."""
    if isinstance(value, datetime):
        moment = datetime.fromisoformat(text.replace(" ", "T"))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return float(text)
