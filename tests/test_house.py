"""The house keeps its own rules: who imports whom, how large things get, what stands in files."""

import ast
import importlib.metadata
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLNamedType, GraphQLUnionType, get_named_type
from strawberry.printer import print_schema

import app
from resolvers.roots import make_schema

ROOT = Path(__file__).parent.parent
ROOMS = {
    "domain": set(),
    "door": set(),
    "settings": set(),
    "doorbell": set(),
    "feed": {"doorbell"},
    "metrics": set(),
    "poms": set(),
    "db": {"domain"},
    "batch": {"domain"},
    "auth": {"db", "domain", "settings"},
    "catalogs": {"db", "domain"},
    "schema": {"auth", "db", "domain", "door", "feed"},
    "resolvers": {"auth", "db", "domain", "door", "feed", "schema"},
    "workers": {"batch", "catalogs", "db", "domain", "doorbell", "metrics", "settings"},
    "app": {"auth", "db", "domain", "door", "doorbell", "feed", "metrics", "resolvers", "schema", "settings"},
    "up": {"auth", "db", "domain", "settings"},
    "bench": {"app", "auth", "batch", "catalogs", "db", "domain", "door", "doorbell", "feed", "poms",
              "resolvers", "schema", "settings", "up", "workers"},
    "examples": {"poms"},
}  # fmt: skip
"""What each room may import of ours; `auth` reads people, and its command needs the settings."""

LONGEST_FUNCTION, LONGEST_FILE, MEDIAN_FUNCTION, P90_FUNCTION, MEDIAN_FILE = 50, 300, 8, 25, 100


def modules(room: str) -> list[Path]:
    """The Python files of a room."""
    single = ROOT / f"{room}.py"
    found = [single] if single.is_file() else sorted((ROOT / room).rglob("*.py"))
    return [path for path in found if "generated" not in path.parts]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


ALL = [path for room in ROOMS for path in modules(room)]


def imports(path: Path) -> Iterator[str]:
    """The top-level names that a module imports."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imports(path)
        if name in ROOMS and name != room and name not in ROOMS[room]
    ]
    assert wrong == []


def test_every_room_is_in_the_table() -> None:
    there = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {
        path.stem for path in ROOT.glob("*.py")
    }
    assert there - {"tests"} <= set(ROOMS)


def lengths() -> Iterator[tuple[int, str]]:
    """How long each function is, and where."""
    for path in ALL:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno
                where = f"{path.relative_to(ROOT)}:{node.name}"
                yield node.end_lineno - node.lineno + 1, where


def without_sql(path: Path) -> int:
    """The lines of a file, those of its statements apart."""
    text = path.read_text()
    if path.parent.name != "db":
        return len(text.splitlines())
    blocks = [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        and (node.end_lineno or 0) - node.lineno > 2
        and isinstance(getattr(node, "value", ""), str)
    ]
    return len(text.splitlines()) - sum((n.end_lineno or 0) - n.lineno + 1 for n in blocks)


def test_functions_and_files_stay_small() -> None:
    functions = sorted(lengths())
    files = sorted((without_sql(path), str(path.relative_to(ROOT))) for path in ALL)
    assert [found for found in functions if found[0] > LONGEST_FUNCTION] == []
    assert [found for found in files if found[0] > LONGEST_FILE] == []
    sizes = [size for size, _ in functions]
    assert statistics.median(sizes) <= MEDIAN_FUNCTION
    assert sizes[len(sizes) * 9 // 10] <= P90_FUNCTION
    assert statistics.median(size for size, _ in files) <= MEDIAN_FILE


def test_no_installed_package_hides_a_room() -> None:
    owned = importlib.metadata.packages_distributions()
    hidden = {room: owned[room] for room in ROOMS if room in owned and owned[room] != ["poms"]}
    assert hidden == {}


def test_only_db_speaks_sql() -> None:
    statement = re.compile(r"\b(SELECT\s.+\sFROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b", re.S)
    speaking = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ("schema", "resolvers", "door", "domain", "auth", "app", "feed", "workers")
        for path in modules(room)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and statement.search(node.value)
    }
    assert speaking == set()


def members(kind: GraphQLNamedType) -> set[str]:
    return {member.name for member in kind.types} if isinstance(kind, GraphQLUnionType) else set()


def test_every_mutation_can_say_that_it_is_not_permitted() -> None:
    mutation = make_schema()._schema.mutation_type
    assert mutation
    silent = [
        name
        for name, field in mutation.fields.items()
        if "NotPermitted" not in members(get_named_type(field.type))
    ]
    assert silent == []


def test_every_mutation_that_takes_an_id_can_say_that_there_is_no_such_thing() -> None:
    mutation = make_schema()._schema.mutation_type
    assert mutation
    silent = [
        name
        for name, field in mutation.fields.items()
        if any(str(get_named_type(a.type)) == "ID" for a in field.args.values())
        and "NotFound" not in members(get_named_type(field.type))
    ]
    assert silent == []


def test_everything_that_a_client_sees_is_described() -> None:
    schema = make_schema()._schema
    ours = {n: kind for n, kind in schema.type_map.items() if not n.startswith("__")}
    silent = [
        name
        for name, kind in ours.items()
        if not kind.description and not isinstance(kind, GraphQLUnionType)
    ]
    silent += [
        f"{name}.{field}"
        for name, kind in ours.items()
        for field, made in getattr(kind, "fields", {}).items()
        if not made.description
    ]
    assert silent == []


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    served = print_schema(make_schema()) + "\n"
    assert app.SDL.read_text() == served, "run `python -m app schema`"


def tracked() -> list[Path]:
    """Files of the repository that people wrote, those too that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and "dist" not in path.parts]


FACTS = range(1, 41)
"""What is known for sure of how the first POMS behaves, by numbers: its tests, and what was tried of it."""
NAMED_FACTS = re.compile(r"(?:\b|_)facts?[ _]\d+(?:[ _]and[ _]\d+)*", re.IGNORECASE)


def test_every_fact_has_a_test_that_names_it() -> None:
    texts = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]
    named = [found[0] for text in texts for found in NAMED_FACTS.finditer(text)]
    numbers = {int(number) for name in named for number in re.findall(r"\d+", name)}
    assert sorted(set(FACTS) - numbers) == []


REGISTRIES = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com")
MACHINE = re.compile(r"(?<![\w.$\"'{}])/(work|home|root|Users)/\w")


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        place = MACHINE.search(text)
        if place or any(name in text for name in REGISTRIES):
            found.append(str(path.relative_to(ROOT)))
    assert found == []
