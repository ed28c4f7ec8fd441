"""The house keeps its own rules of names: a class is told from every other, a function says what it does to what."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.sources import ROOT, list_tracked_files, parse_module

BEHIND_ITS_MODULE = frozenset(
    "find list page count create update delete claim release lock apply record".split()  # noqa: SIM905
)
"""One verb alone is enough for these where they are only used behind their module: `submissions.find(db, id)`."""

VERBS = frozenset(
    """
    abandon accept account acquire act activate add adopt advance allow alternate announce answer append apply approve
    archive arm ask attach await become begin bind block bound build call cancel carry cause change check choose claim
    clean clear close collect combine commit compact compare compensate compile compute conclude configure confirm
    connect constrain continue convert copy count create cut damage deactivate decide declare decode delete derive
    describe diff discard dismiss divide do downgrade download draw drop empty encode end enqueue ensure enter
    estimate exclude exec execute exit expand expect explain extract fail feed fetch file fill find finish fire fit
    fold follow forbid force forge forget fork format get give grant group guard handle hash hear hide hold identify
    ignore import index inflict initialise inline insert inspect install invoke issue iterate join judge keep kick
    kill know launch leave limit link list listen load locate lock log look lose lower make map mark mask match
    measure merge migrate mount move multiply must name normalise note notice number open order pack page parse pass
    pause place plan poll post postpone prepare preview print probe promote prove publish put query quote raise reach
    read reap receive recheck recompute reconstruct record recount recover reduce refuse register reject relaunch
    relay release reload remember remove rename render renew renumber repair repeat replace report request requeue
    require reserve reset resolve restart restore restrict resume retain retract retrieve retry return revoke ring
    rotate rule run save schedule scrape search seek select send separate serve set settle show sign simulate skip
    sort spawn spin split spoil stage start stop store strip submit sum supervise sync tabulate take tally teach tell
    throw tidy tokenize transfer trim try unpack unwrap update upgrade upload use validate verify void wait waive walk
    warn watch withdraw wrap write
    """.split()  # noqa: SIM905
)
"""How names of functions begin. A new verb is added here once none of these says it."""

ASKS = frozenset(["are", "can", "has", "have", "is", "may", "must", "was"])
"""How names of functions begin that answer yes or no."""

NAMED_OTHERWISE = frozenset(["main", "node_id", "__getattr__"])
"""`node_id` stands beside `parse_node_id`, as LANGUAGE has it; the other names are Python's own."""

NO_NAMES = frozenset("made taken shown told said found asked wanted kept odd".split())  # noqa: SIM905
"""Participles that tell nobody what a thing is: no names of functions, methods or properties that are no yes or no."""


def list_sources() -> list[Path]:
    """The Python files that people wrote."""
    paths = [path for path in list_tracked_files() if path.suffix == ".py"]
    return [path for path in paths if "generated" not in path.parts]


def is_graphql(node: ast.ClassDef) -> bool:
    """Whether a class is a type of a GraphQL schema, which has the name that clients know."""
    return any(
        re.match(
            r"strawberry\.(type|input|interface|enum)|declare_\w+_type|\w+_type\b",
            ast.unparse(each),
        )
        for each in node.decorator_list
    )


def iterate_classes() -> Iterator[tuple[str, str]]:
    """Each class, with the circle in which its name is to be the only one."""
    for path in list_sources():
        room = path.relative_to(ROOT).parts[0]
        for node in ast.walk(parse_module(path)):
            if isinstance(node, ast.ClassDef) and not (
                is_graphql(node) and room in ("tests", "bench")
            ):
                circle = room if room in ("db", "schema") else "elsewhere"
                yield f"{node.name} ({circle})", str(path.relative_to(ROOT))


def test_a_class_name_is_unique() -> None:
    """The same noun in another room, a row in `db` and a type in `schema`, apart."""
    found = defaultdict(list)
    for name, path in iterate_classes():
        found[name].append(path)
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def is_exempt(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tests are sentences, and a fixture is named for what it gives."""
    decorators = " ".join(ast.unparse(each) for each in node.decorator_list)
    return (
        node.name.startswith(("test_", "pytest_"))
        or node.name in NAMED_OTHERWISE
        or "fixture" in decorators
    )


def iterate_functions() -> Iterator[tuple[Path, str]]:
    """The functions of modules, methods apart; the example's programs for jobs are their physicists'."""
    for path in list_sources():
        if path.is_relative_to(ROOT / "examples" / "detector"):
            continue
        for node in parse_module(path).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_exempt(node):
                yield path, node.name


def test_a_function_is_a_verb_with_its_object() -> None:
    wrong = []
    for path, name in iterate_functions():
        first, *rest = name.strip("_").split("_")
        if not (first in VERBS | ASKS if rest else first in BEHIND_ITS_MODULE):
            wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == []


def test_a_verb_alone_stands_behind_its_module() -> None:
    alone = {(path, name) for path, name in iterate_functions() if "_" not in name.strip("_")}
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path, _ in alone}
    bare = [
        f"{path.relative_to(ROOT)} imports {node.module}.{alias.name} bare"
        for path in list_sources()
        for node in ast.walk(parse_module(path))
        if isinstance(node, ast.ImportFrom) and node.module in modules
        for alias in node.names
        if (modules[node.module], alias.name) in alone
    ]
    assert bare == []


def test_a_participle_is_no_name() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {node.name}.{each.name}"
        for path in list_sources()
        for node in ast.walk(parse_module(path))
        if isinstance(node, ast.ClassDef)
        for each in node.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and each.name.strip("_") in NO_NAMES
        and not (each.returns and ast.unparse(each.returns) == "bool")
    ]
    assert wrong == []
