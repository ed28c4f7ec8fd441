"""The application over HTTP, and tokens with which it lets people in."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import uvicorn

import app
from auth import LocalTokens
from door.bounded import BoundedHttp
from settings import Settings

SECRET = "a secret of the tests, 32 characters or more"


def make_token(username: str, hours: float = 1) -> str:
    return LocalTokens(SECRET).issue(username, timedelta(hours=hours), datetime.now(UTC))


@asynccontextmanager
async def serve_application(settings: Settings, port: int = 0) -> AsyncIterator[str]:
    """The address of the application, served as in production."""
    config = uvicorn.Config(
        app.create(settings),
        http=BoundedHttp,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await server.shutdown(sockets=[listener])
