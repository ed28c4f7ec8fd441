"""A proxy that forwards requests, and cuts some connections before the answer has come through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class Cutter:
    """Where it listens, and how many answers it still swallows."""

    port: int = 0
    swallow: int = 0
    swallowed: int = 0


@asynccontextmanager
async def run_cutting_proxy(to: int) -> AsyncIterator[Cutter]:
    """A proxy in front of a loopback port."""
    cutter = Cutter()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        forth = asyncio.create_task(pump(reader, back))
        try:
            if cutter.swallow:
                cutter.swallow -= 1
                await there.read(1 << 16)
                cutter.swallowed += 1
            else:
                await pump(there, writer)
        finally:
            forth.cancel()
            writer.close()
            back.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    cutter.port = server.sockets[0].getsockname()[1]
    async with server:
        yield cutter
