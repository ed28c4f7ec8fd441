"""The kinds of changes: what statements tell is what the registry has, with who did it, and each is shown in full."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLUnionType, parse, validate

import db as room
from domain.changes import ChangeKind, ServicePart
from domain.discrepancies import Resolution
from domain.requests.requests import RequestState
from domain.submissions.change_bodies import BODIES, SubmissionBody
from domain.submissions.change_reading import READERS, WrongBody, read_body
from domain.submissions.submissions import SubmissionState
from resolvers.roots import make_schema

ROOT = Path(__file__).parent
INSERT = re.compile(r"INSERT INTO change_inbox \(([^)]*)\)\s+SELECT(.*?)\sFROM ", re.S)
ENDS: dict[str, set[str]] = {
    "submission.": {state.value for state in SubmissionState},
    "request.": {state.value for state in RequestState},
    "discrepancy.": {end.value for end in Resolution},
}
"""What statements put behind a prefix, out of a column."""


def list_statements() -> Iterator[str]:
    """The whole statements of db: those apart that are only a part of others."""
    for found in pkgutil.walk_packages(room.__path__, "db."):
        names = vars(importlib.import_module(found.name)).items()
        texts = {value for name, value in names if name.isupper() and isinstance(value, str)}
        yield from (
            one for one in texts if not any(one in other and one != other for other in texts)
        )


def list_insertions() -> list[tuple[str, str, str]]:
    """Of each insertion into the inbox its columns, what is selected, and the statement that it stands in."""
    return [
        (match[1], match[2], text) for text in list_statements() for match in INSERT.finditer(text)
    ]


def list_kinds(selected: str, statement: str) -> set[str]:
    """The kinds that an insertion may tell."""
    whole = set(re.findall(r"'([a-z_]+\.[a-z_]+)'", selected))
    for prefix, behind in re.findall(r"'([a-z_]+\.)' \|\| ([^,]*)", selected):
        words = set(re.findall(r"(?:THEN|ELSE) '(\w+)'", behind))
        if "what" in behind:
            pairs = re.findall(r"(?:THEN|ELSE) '(\w+)'|'(\w+)' AS what", statement)
            words = {word for pair in pairs for word in pair if word}
        whole |= {f"{prefix}{word}" for word in words or ENDS[prefix]}
    return whole


def test_statements_tell_the_kinds_of_the_registry_and_no_others() -> None:
    told = {kind for _, selected, text in list_insertions() for kind in list_kinds(selected, text)}
    assert told == set(ChangeKind)


def test_every_statement_says_who_did_it_and_why() -> None:
    found = list_insertions()
    assert len(found) > 50
    silent = [
        text
        for columns, _, text in found
        if not {"actor_id", "part", "reason"} <= set(columns.split(", "))
    ]
    assert silent == []
    parts = {
        part for _, selected, _ in found for part in re.findall(r"NULL::bigint, '(\w+)'", selected)
    }
    assert parts <= set(ServicePart)


def list_arguments(selected: str) -> set[str]:
    """The keys of the body that is built."""
    _, _, built = selected.partition("jsonb_build_object(")
    depth, parts = 0, [""]
    for letter in built:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            break
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return {part.strip().strip("'") for part in parts[::2]}


def test_what_a_statement_says_is_what_the_kind_says() -> None:
    for _, selected, text in list_insertions():
        if "submission_image" in selected:
            continue
        said = list_arguments(selected)
        for kind in list_kinds(selected, text):
            reader = READERS[BODIES[ChangeKind(kind)]]
            needed = {
                key for key, is_needed in zip(reader.keys, reader.needed, strict=True) if is_needed
            }
            assert needed <= said <= set(reader.keys), kind


IMAGE = {
    **{
        "revision": 3,
        "state": "running",
        "reason": "",
        "stage_id": 7,
        "is_test": False,
        "jobs": 4,
        "idle": 1,
    },
    **{"running": 3, "held": 0, "succeeded": 0, "failed": 0, "removed": 0, "files": 9, "done": 0},
    **{"files_failed": 0, "declared": 0, "located": 0},
}


def test_a_body_is_read_or_what_is_wrong_with_it_is_named() -> None:
    body = read_body(ChangeKind.SUBMISSION_RUNNING, IMAGE)
    assert isinstance(body, SubmissionBody)
    assert (body.state, body.stage_id, body.jobs_total) == (SubmissionState.RUNNING, "stage:7", 4)
    with pytest.raises(WrongBody, match=r"submission.running: jobs is missing"):
        read_body(ChangeKind.SUBMISSION_RUNNING, {k: v for k, v in IMAGE.items() if k != "jobs"})
    with pytest.raises(WrongBody, match=r"submission.running: state can't be 'dreaming'"):
        read_body(ChangeKind.SUBMISSION_RUNNING, {**IMAGE, "state": "dreaming"})


def test_a_client_can_ask_for_every_field_of_every_type_at_once() -> None:
    schema = make_schema()._schema
    union, interface = schema.type_map["ChangesItem"], schema.type_map["Change"]
    assert isinstance(union, GraphQLUnionType)
    assert isinstance(interface, GraphQLInterfaceType)
    types = schema.get_possible_types(interface)
    assert set(types) < set(union.types)

    def fields(kind: Any) -> str:
        return " ".join(name if name != "actor" else "actor { username }" for name in kind.fields)

    asked = " ".join(f"... on {kind.name} {{ {fields(kind)} }}" for kind in union.types)
    assert validate(schema, parse(f"subscription {{ changes {{ {asked} }} }}")) == []
