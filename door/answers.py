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


def body(result: ExecutionResult) -> dict[str, Any]:
    """The response map; without `data` when nothing was executed."""
    answer: dict[str, Any] = {} if is_request_error(result) else {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def encode(value: Any) -> bytes:
    """JSON, as bytes."""
    return orjson.dumps(value, option=OPTIONS)


def text(value: Any) -> str:
    """JSON, as text."""
    return encode(value).decode()


def payload(result: ExecutionResult) -> str:
    """One result as the payload of a message."""
    return text(body(result))


def failure(errors: Iterable[GraphQLError]) -> str:
    """Errors as the payload of an error message."""
    return text([error.formatted for error in errors])
