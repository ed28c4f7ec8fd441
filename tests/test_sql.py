"""Every statement compiles against the migrated schema, and yields what its record expects."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import db as room
from db.keyset import page_by_name
from db.pool import Pool, fetch_many, fetch_one
from tests.sources import parse_module

BEGINNINGS = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE")
READERS = {each.__name__ for each in (fetch_one, fetch_many, page_by_name)}
UNNAMED = {
    *("?column?", "coalesce", "exists", "sum", "count", "min", "max", "array_agg"),
    *("lower", "upper", "left", "right", "round", "now"),
}
MODULES = [
    importlib.import_module(found.name) for found in pkgutil.walk_packages(room.__path__, "db.")
]


def list_statements(module: ModuleType) -> dict[str, str]:
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


def list_records(module: ModuleType) -> dict[str, type]:
    """Which record each constant is read into: it is handed to a reader, by name or by a local one."""
    found: dict[str, type] = {}
    for function in ast.walk(parse_module(Path(inspect.getfile(module)))):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        locals_ = dict(iterate_assigned(function))
        for row, names in iterate_reads(function):
            record = vars(module).get(row)
            if isinstance(record, type) and is_dataclass(record):
                constants = {n for name in names for n in locals_.get(name, {name})}
                found |= {name: record for name in constants if name.isupper()}
    return found


def iterate_assigned(function: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The names that a function's local variables are made of."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, list_names(node.value)


def iterate_reads(function: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The rows that a function reads, and the names of the statements that it reads them with."""
    for node in ast.walk(function):
        called = getattr(getattr(node, "func", None), "id", None)
        if isinstance(node, ast.Call) and called in READERS and len(node.args) > 2:
            row: Any = node.args[1]
            if isinstance(row, ast.Name):
                yield row.id, list_names(node.args[2])


def list_names(node: ast.AST) -> set[str]:
    """Every name in an expression."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def iterate_cases() -> Iterator[tuple[str, str, type | None]]:
    """Each statement with where it stands, and the record that it is read into, if any."""
    for module in MODULES:
        records = list_records(module)
        for name, sql in list_statements(module).items():
            yield f"{module.__name__}.{name}", sql, records.get(name)


async def test_statements_fit_the_schema_and_their_records(db: Pool) -> None:
    wrong, cases = [], list(iterate_cases())
    # Neither the list of statements nor that of their records is empty by mistake.
    assert len(cases) > 300
    assert sum(record is not None for _, _, record in cases) > 150
    async with db.acquire() as conn:
        for where, sql, record in cases:
            try:
                statement = await conn.prepare(sql)
            except Exception as error:
                wrong.append(f"{where}: {error}")
                continue
            columns = [attribute.name for attribute in statement.get_attributes()]
            if record is not None and columns:
                expected = [field.name for field in fields(record)]
                if not is_alike(columns, expected):
                    wrong.append(f"{where}: {columns} is not {record.__name__}{expected}")
    assert not wrong, "\n".join(wrong)


def is_alike(columns: list[str], expected: list[str]) -> bool:
    """The same names in the same order; an `id` may become a `stage_id`, and what has no name anything."""
    return len(columns) == len(expected) and all(
        column == name or column in UNNAMED or name.endswith(f"_{column}")
        for column, name in zip(columns, expected, strict=True)
    )


def test_the_check_would_find_a_wrong_column() -> None:
    assert is_alike(["id", "coalesce"], ["stage_id", "name"])
    assert not is_alike(["id", "title"], ["id", "name"])
    assert not is_alike(["name", "id"], ["id", "name"])
    assert not is_alike(["id"], ["id", "name"])
