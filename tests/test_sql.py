"""Every statement compiles against the migrated schema, and yields what its record expects."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

import pytest

import db as room
from db.pool import Pool

BEGINNINGS = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE")
READERS = {"one", "many", "named"}
UNNAMED = {
    *("?column?", "coalesce", "exists", "sum", "count", "min", "max", "array_agg"),
    *("lower", "upper", "left", "right", "round", "now"),
}
MODULES = [
    importlib.import_module(found.name) for found in pkgutil.iter_modules(room.__path__, "db.")
]


def statements(module: ModuleType) -> dict[str, str]:
    """The constants of a module that are whole statements: not parts of others, which check them too."""
    texts = {
        name: value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    return {
        name: value
        for name, value in texts.items()
        if value.lstrip().startswith(BEGINNINGS)
        and not any(value in other and value != other for other in texts.values())
    }


def records(module: ModuleType) -> dict[str, type]:
    """Which record each constant is read into: it is handed to a reader, by name or by a local one."""
    found: dict[str, type] = {}
    for function in ast.walk(ast.parse(inspect.getsource(module))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        locals_ = dict(assigned(function))
        for row, names in read(function):
            record = vars(module).get(row)
            if isinstance(record, type) and is_dataclass(record):
                constants = {n for name in names for n in locals_.get(name, {name})}
                found |= {name: record for name in constants if name.isupper()}
    return found


def assigned(function: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The names that a function's local variables are made of."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, names_in(node.value)


def read(function: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The rows that a function reads, and the names of the statements that it reads them with."""
    for node in ast.walk(function):
        called = getattr(getattr(node, "func", None), "id", None)
        if isinstance(node, ast.Call) and called in READERS and len(node.args) > 2:
            row: Any = node.args[1]
            if isinstance(row, ast.Name):
                yield row.id, names_in(node.args[2])


def names_in(node: ast.AST) -> set[str]:
    """Every name in an expression."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


ALL = [
    pytest.param(sql, records(module).get(name), id=f"{module.__name__}.{name}")
    for module in MODULES
    for name, sql in statements(module).items()
]


@pytest.fixture(scope="module")
def _nothing() -> None:
    """Keeps the list of statements from being empty by mistake."""
    assert len(ALL) > 50


@pytest.mark.usefixtures("_nothing")
async def test_statements_fit_the_schema_and_their_records(db: Pool) -> None:
    wrong = []
    async with db.acquire() as conn:
        for case in ALL:
            sql, record = case.values
            assert isinstance(sql, str)
            try:
                statement = await conn.prepare(sql)
            except Exception as error:
                wrong.append(f"{case.id}: {error}")
                continue
            columns = [attribute.name for attribute in statement.get_attributes()]
            if isinstance(record, type) and columns:
                expected = [field.name for field in fields(record)]
                if not alike(columns, expected):
                    wrong.append(f"{case.id}: {columns} is not {record.__name__}{expected}")
    assert not wrong, "\n".join(wrong)


def alike(columns: list[str], expected: list[str]) -> bool:
    """The same names in the same order; an `id` may become a `stage_id`, and what has no name anything."""
    return len(columns) == len(expected) and all(
        column == name or column in UNNAMED or name.endswith(f"_{column}")
        for column, name in zip(columns, expected, strict=True)
    )


def test_the_check_would_find_a_wrong_column() -> None:
    assert alike(["id", "coalesce"], ["stage_id", "name"])
    assert not alike(["id", "title"], ["id", "name"])
    assert not alike(["name", "id"], ["id", "name"])
    assert not alike(["id"], ["id", "name"])
