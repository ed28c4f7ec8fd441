"""Signing in is given to the door from outside; here is how it is asked."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import HTTPConnection

from door.context import DoorContext

C = TypeVar("C", bound=DoorContext)

SignIn = Callable[[HTTPConnection, str | None], Awaitable[C]]
"""Makes a context of a connection and its bearer token; raises NotSignedIn."""


def parse_bearer_token(header: str | None) -> str | None:
    """The token in an Authorization header."""
    scheme, _, token = (header or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
