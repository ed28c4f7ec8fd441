"""What a client asks: one operation with its variables, whatever way it came."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson


class MalformedRequest(Exception):
    """The request isn't one: the reason says what to send instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation to be executed."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


def decode_json(data: bytes | str) -> Any:
    """JSON from a client."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest("The body must be JSON in UTF-8.") from error


def parse_request(found: object) -> GraphQLRequest:
    """Check the members of a request, as decoded from JSON."""
    if isinstance(found, list):
        raise MalformedRequest("Batches are not answered: send one operation per request.")
    if not isinstance(found, dict):
        raise MalformedRequest("The body must be a JSON object.")
    query, name = found.get("query"), found.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise MalformedRequest("`query` must be a string with one GraphQL document.")
    if not isinstance(name, str | None):
        raise MalformedRequest("`operationName` must be a string or null, if provided.")
    for member in ("variables", "extensions"):
        if not isinstance(found.get(member), dict | None):
            raise MalformedRequest(f"`{member}` must be an object or null, if provided.")
    return GraphQLRequest(query, found.get("variables"), name, found.get("extensions"))


def ask_by_url(params: Mapping[str, str]) -> GraphQLRequest:
    """The same from a URL, where objects are JSON in a string."""
    found: dict[str, Any] = dict(params)
    for member in ("variables", "extensions"):
        if given := found.get(member):
            found[member] = decode_json(given)
        else:
            found.pop(member, None)
    found["operationName"] = found.get("operationName") or None
    return parse_request(found)
