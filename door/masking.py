"""Bugs are masked: the client gets an id, the log gets the id and the story. What is away is called so."""

import logging
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

log = logging.getLogger("door")

MESSAGE = "Unexpected error."


def is_bug(error: GraphQLError) -> bool:
    """Whether something was raised that nobody meant for the client."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause is not None


def get_request_id(context: Any) -> str:
    """The id under which this request is found in the log."""
    return str(getattr(context, "request_id", "unknown"))


def mask_error(error: GraphQLError, context: Any) -> GraphQLError:
    """The same error as far as the client may see it."""
    if not is_bug(error):
        return error
    name = get_request_id(context)
    explain = getattr(context, "explain_outage", None)
    if explain is not None and error.original_error and (found := explain(error.original_error)):
        log.warning("request %s: at %s: %r", name, error.path, error.original_error)
        message, extensions = found
        return GraphQLError(
            message, error.nodes, path=error.path, extensions={**extensions, "requestId": name}
        )
    log.error("request %s: at %s", name, error.path, exc_info=error.original_error)
    return GraphQLError(
        MESSAGE, error.nodes, path=error.path, extensions={"code": "INTERNAL", "requestId": name}
    )


def mask_errors(errors: Sequence[GraphQLError] | None, context: Any) -> list[GraphQLError] | None:
    """All errors of a result as the client may see them."""
    return [mask_error(error, context) for error in errors] if errors else None


def mask_bug(bug: Exception, context: Any) -> GraphQLError:
    """A bug outside of any field."""
    return mask_error(GraphQLError(str(bug), original_error=bug), context)
