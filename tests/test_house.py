"""The house keeps its own rules: who imports whom, how large things get, what stands in files."""

import ast
import importlib.metadata
import re
import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)
from strawberry.printer import print_schema

import app
from resolvers.permissions_page import render_permissions_page
from resolvers.roots import ROOTS, make_schema
from tests.sources import ROOT, list_tracked_files, parse_module

ROOMS = {
    "domain": set(),
    "log_lines": set(),
    "door": {"log_lines"},
    "settings": set(),
    "doorbell": set(),
    "feed": {"doorbell"},
    "lanes": set(),
    "metrics": {"lanes"},
    "poms": set(),
    "db": {"domain"},
    "batch": {"domain", "lanes", "log_lines"},
    "auth": {"db", "domain", "log_lines", "settings"},
    "catalogs": {"batch", "db", "domain", "lanes"},
    "identity": {"auth", "db", "domain", "lanes"},
    "schema": {"auth", "db", "domain", "door", "feed"},
    "resolvers": {"auth", "db", "domain", "door", "feed", "identity", "lanes", "schema"},
    "workers": {"batch", "catalogs", "db", "domain", "doorbell", "lanes", "log_lines", "metrics",
                "settings"},
    "app": {"auth", "db", "domain", "door", "doorbell", "feed", "identity", "log_lines", "metrics", "resolvers",
            "schema", "settings"},
    "up": {"auth", "db", "domain", "log_lines", "settings"},
    "bench": {"app", "auth", "batch", "catalogs", "db", "domain", "door", "doorbell", "feed", "lanes",
              "poms", "resolvers", "schema", "settings", "up", "workers"},
    "examples": {"poms"},
}  # fmt: skip
"""What each room may import of ours; `auth` reads people, and its command needs the settings."""

GROUPS = (
    "people",
    "setup",
    "files",
    "campaigns",
    "submissions",
    "launching",
    "recovery",
    "batch",
    "requests",
)
"""The groups of nouns, lower ones first: in each of these rooms a folder, where the room has something of it."""
GROUPED = ("domain", "db", "schema", "resolvers")
JOINS_ALL = {"resolvers.roots"}
"""Above the groups: what puts all of them together."""

LONGEST_FUNCTION, LONGEST_FILE, MEDIAN_FUNCTION, P90_FUNCTION, MEDIAN_FILE = 50, 400, 8, 25, 100


def list_modules(room: str) -> list[Path]:
    """The Python files of a room."""
    single = ROOT / f"{room}.py"
    found = [single] if single.is_file() else sorted((ROOT / room).rglob("*.py"))
    return [path for path in found if "generated" not in path.parts]


ALL = [path for room in ROOMS for path in list_modules(room)]


def list_imports(path: Path) -> Iterator[str]:
    """The top-level names that a module imports."""
    for node in ast.walk(parse_module(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in list_modules(room)
        for name in list_imports(path)
        if name in ROOMS and name != room and name not in ROOMS[room]
    ]
    assert wrong == []


def test_every_room_is_in_the_table() -> None:
    there = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {
        path.stem for path in ROOT.glob("*.py")
    }
    assert there - {"tests"} <= set(ROOMS)


def find_level(name: str) -> int:
    """How high a module of such a room stands: its group's place, below all of them what is in none."""
    if name in JOINS_ALL:
        return len(GROUPS) + 1
    _, group, *rest = name.split(".")
    return GROUPS.index(group) + 1 if rest or (ROOT / name.replace(".", "/")).is_dir() else 0


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


LAZY = re.compile(r'strawberry\.lazy\("([\w.]+)"\)')
"""Types of GraphQL refer to each other in circles: what such a reference names is imported when it is asked for."""

LOOKS_UP = {
    ("schema.people.experiments", "schema.launching.queue"): "what holds its launches",
    ("schema.campaigns.campaigns", "schema.launching.queue"): "what holds its launches",
    ("schema.campaigns.stages", "schema.launching.queue"): "what holds its launches",
    ("schema.campaigns.campaigns", "schema.submissions.accounts"): "what became of its inputs",
    ("schema.campaigns.stages", "schema.submissions.accounts"): "what became of its inputs",
    ("schema.files.datasets", "schema.submissions.accounts"): "what became of its files",
    ("schema.submissions.submissions", "schema.launching.catalog_launches"): "how its catalog knows it",
    ("schema.submissions.submissions", "schema.launching.launch_attempts"): "how it was launched",
    ("schema.submissions.submissions", "schema.launching.queue"): "why it has not begun",
    ("schema.submissions.unfinished_work", "schema.launching.late_files"): "what came too late for its dependents",
    ("schema.submissions.unfinished_work", "schema.recovery.recovery_attempts"): "what was tried to recover it",
}  # fmt: skip
"""Fields of a type that are of a noun above it, whose type refers back to it: all lazy references to higher groups."""


def find_lazy_references(path: Path) -> set[str]:
    """The modules that a module of `schema` refers to lazily, and imports nowhere else."""
    at_once = set(list_named_modules(parse_module(path).body, path))
    return set(LAZY.findall(path.read_text())) - at_once


def list_named_modules(
    nodes: Iterable[ast.AST], path: Path, rooms: Collection[str] = ()
) -> Iterator[str]:
    """The modules that these imports name: of a file's own room, or of these."""
    rooms = rooms or (path.relative_to(ROOT).parts[0],)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.partition(".")[0] in rooms)
        elif isinstance(node, ast.ImportFrom) and f"{node.module}".partition(".")[0] in rooms:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if is_module(name) else str(node.module)


def format_dotted_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("room", GROUPED)
def test_a_group_imports_only_what_is_below_it(room: str) -> None:
    """Of its own room and of every other one that has groups."""
    wrong, seen = [], 0
    for path in list_modules(room)[1:]:  # but for what says what the room is
        own, lazy = format_dotted_name(path), find_lazy_references(path)
        rooms = GROUPED if find_level(own) else (room,)  # what stands at a room's top serves all
        for name in list_named_modules(ast.walk(parse_module(path)), path, rooms):
            seen += 1
            if find_level(name) > find_level(own) and name not in lazy:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert seen > len(list_modules(room))
    assert wrong == []


def test_fields_of_a_higher_noun_are_few() -> None:
    looking_up = {
        (own, name)
        for path in list_modules("schema")[1:]
        for name in find_lazy_references(path)
        if find_level(name) > find_level(own := format_dotted_name(path)) > 0
    }
    assert looking_up == set(LOOKS_UP)


@pytest.mark.parametrize("room", GROUPED)
def test_the_folders_of_a_room_are_its_groups(room: str) -> None:
    folders = {path.parent.name for path in (ROOT / room).glob("*/*.py")}
    assert folders <= set(GROUPS)
    assert len(folders) > len(GROUPS) // 2
    for group in folders:
        assert len(list((ROOT / room / group).rglob("*.py"))) > 1, f"{room}/{group} has nothing"
    packages = (ROOT / room).rglob("__init__.py")
    assert [path for path in packages if len(parse_module(path).body) != 1] == [], (
        "only say what it is"
    )


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_imports_itself_in_a_circle(room: str) -> None:
    graph = {
        format_dotted_name(path): {*list_named_modules(parse_module(path).body, path)}
        - {format_dotted_name(path)}
        for path in list_modules(room)
    }
    TopologicalSorter(graph).prepare()


def measure_functions() -> Iterator[tuple[int, str]]:
    """How long each function is, and where."""
    for path in ALL:
        for node in ast.walk(parse_module(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno
                where = f"{path.relative_to(ROOT)}:{node.name}"
                yield node.end_lineno - node.lineno + 1, where


def count_lines_without_sql(path: Path) -> int:
    """The lines of a file, those of its statements apart."""
    text = path.read_text()
    if path.relative_to(ROOT).parts[0] != "db":
        return len(text.splitlines())
    blocks = [
        node
        for node in ast.walk(parse_module(path))
        if isinstance(node, ast.Constant | ast.JoinedStr)
        and (node.end_lineno or 0) - node.lineno > 2
        and isinstance(getattr(node, "value", ""), str)
    ]
    return len(text.splitlines()) - sum((n.end_lineno or 0) - n.lineno + 1 for n in blocks)


def test_functions_and_files_stay_small() -> None:
    functions = sorted(measure_functions())
    with_code = [path for path in ALL if len(parse_module(path).body) > 1]
    files = sorted(
        (count_lines_without_sql(path), str(path.relative_to(ROOT))) for path in with_code
    )
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
        for path in list_modules(room)
        for node in ast.walk(parse_module(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and statement.search(node.value)
    }
    assert speaking == set()


SHARED = {"to_thread", "run_in_executor", "ThreadPoolExecutor"}
"""Threads that all of a process would share, and wait for at its end."""


def list_names(path: Path) -> Iterator[str]:
    """What a module calls by a name or an attribute."""
    for node in ast.walk(parse_module(path)):
        if isinstance(node, ast.Name | ast.Attribute):
            yield node.id if isinstance(node, ast.Name) else node.attr


def test_what_blocks_goes_by_a_lane() -> None:
    rooms = [room for room in ROOMS if room not in ("bench", "examples", "poms")]
    shared = [
        f"{path.relative_to(ROOT)}: {name}"
        for room in rooms
        for path in list_modules(room)
        for name in SHARED.intersection(list_names(path))
    ]
    assert shared == []


def list_members(kind: GraphQLNamedType) -> set[str]:
    return {member.name for member in kind.types} if isinstance(kind, GraphQLUnionType) else set()


def test_every_mutation_can_say_what_any_may_answer() -> None:
    common = {"NotFound", "NotPermitted", "TryAgainLater", "IdempotencyKeyReused"}
    silent = [
        name
        for name, field in list_root_fields("Mutation").items()
        if not common <= set(list_members(get_named_type(field.type)))
    ]
    assert silent == []


PAGING = {"first", "after", "last", "before"}
Arguments = Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField]


def list_root_fields(kind: str) -> dict[str, GraphQLField]:
    """The fields of `Query`, `Mutation` or `Subscription`."""
    root = make_schema()._schema.type_map[kind]
    assert isinstance(root, GraphQLObjectType)
    return dict(root.fields)


def find_wrong_ids(given: Arguments) -> list[str]:
    """Ids among arguments that are not called as they should: the object's `id`, another one's `stageId`."""
    ids = [name for name, one in given.items() if str(get_named_type(one.type)) == "ID"]
    others = [name for name in ids if name not in ("id", "ids")]
    alone = bool(others) and len(others) == len(ids)
    return [name for name in others if alone or not name.endswith(("Id", "Ids"))]


def test_arguments_of_mutations_follow_one_rule() -> None:
    """At most two, or one `input` of the mutation's own; behind them the idempotency key."""
    wrong = []
    for name, field in list_root_fields("Mutation").items():
        *rest, last = field.args
        if (last, str(field.args[last].type)) != ("idempotencyKey", "String"):
            wrong.append(f"{name} takes no idempotencyKey as its last argument")
        given: Arguments = {one: field.args[one] for one in rest}
        if "input" in given:
            kind = get_named_type(given["input"].type)
            assert isinstance(kind, GraphQLInputObjectType)
            if rest != ["input"] or kind.name != f"{name[0].upper()}{name[1:]}Input":
                wrong.append(f"{name} takes {kind.name}, and {rest}")
            given = kind.fields
        elif len(rest) > 2:
            wrong.append(f"{name} takes {len(rest)} arguments: give it an input")
        wrong += [f"{name} takes {one}" for one in find_wrong_ids(given)]
        wrong += [f"{name} has a second key" for one in given if one == "idempotencyKey"]
    assert wrong == []


@pytest.mark.parametrize("kind", ["Query", "Subscription"])
def test_what_is_looked_at_is_named_by_its_id(kind: str) -> None:
    fields = list_root_fields(kind)
    assert {name: wrong for name in fields if (wrong := find_wrong_ids(fields[name].args))} == {}


def test_what_is_read_and_watched_takes_the_same_arguments() -> None:
    read, watched = list_root_fields("Query"), list_root_fields("Subscription")
    both = read.keys() & watched.keys()
    assert both
    for name in both:
        one, other = (
            {key: str(argument.type) for key, argument in field.args.items()}
            for field in (read[name], watched[name])
        )
        assert {key for key in one.keys() ^ other.keys() if key not in PAGING} == set(), name
        assert {key for key in one.keys() & other.keys() if one[key] != other[key]} == set(), name


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


CLOCKS = re.compile(r"datetime\.now\(|\btime\.time\(|utcnow\(")
ON_THE_DATABASES_CLOCK = (
    "auth",
    "catalogs",
    "db",
    "domain",
    "feed",
    "identity",
    "resolvers",
    "schema",
    "workers",
)


def test_nothing_is_decided_by_a_hosts_clock() -> None:
    """The database's alone decides (`db/clock.py`); rooms that are not named know only files and hosts."""
    found = [
        path
        for room in ON_THE_DATABASES_CLOCK
        for path in list_modules(room)
        if CLOCKS.search(path.read_text())
    ]
    assert found == [ROOT / "db" / "clock.py"]


def test_the_committed_page_of_permissions_is_what_the_tables_say() -> None:
    assert app.PERMISSIONS.read_text() == render_permissions_page(ROOTS), (
        "run `python -m app schema`"
    )


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
    for path in list_tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        place = MACHINE.search(text)
        if place or any(name in text for name in REGISTRIES):
            found.append(str(path.relative_to(ROOT)))
    assert found == []
