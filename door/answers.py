"""Results as JSON."""

from collections.abc import Iterable
from typing import Any

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult

OPTIONS = orjson.OPT_NON_STR_KEYS


def is_request_error(result: ExecutionResult) -> bool:
    """Nothing was executed: not parsed, not valid, or variables that don't fit."""
    return (
        result.data is None
        and bool(result.errors)
        and all(error.path is None for error in result.errors or ())
    )


def build_body(result: ExecutionResult) -> dict[str, Any]:
    """The response map; without `data` when nothing was executed."""
    answer: dict[str, Any] = {} if is_request_error(result) else {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def encode_json(value: Any) -> bytes:
    """JSON, as bytes."""
    return orjson.dumps(value, option=OPTIONS)


def encode_json_text(value: Any) -> str:
    """JSON, as text."""
    return encode_json(value).decode()


MOST_ANSWER = 32_000_000
"""Bytes of one answer."""


def encode_result(result: ExecutionResult) -> bytes:
    """One result; one that is too long is refused whole, since a part of it would look like all."""
    data = encode_json(build_body(result))
    if len(data) <= MOST_ANSWER:
        return data
    error = GraphQLError(
        f"The answer has {len(data)} bytes, more than {MOST_ANSWER}: ask for less at once.",
        extensions={"code": "TOO_EXPENSIVE", "what": "bytes", "limit": MOST_ANSWER},
    )
    return encode_json({"data": None, "errors": [error.formatted]})


def encode_payload(result: ExecutionResult) -> str:
    """One result as the payload of a message."""
    return encode_result(result).decode()


def encode_errors(errors: Iterable[GraphQLError]) -> str:
    """Errors as the payload of an error message."""
    return encode_json_text([error.formatted for error in errors])
