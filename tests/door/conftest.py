"""A world and a server for it, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from door import Door
from tests.door.log_service import LogService, LogViewer, make_door
from tests.door.serving import serve_door


@pytest.fixture
def world() -> LogService:
    return LogService()


@pytest.fixture
def playground(tmp_path: Path) -> Path:
    page = tmp_path / "index.html"
    page.write_text("<title>playground</title>")
    return page


@pytest.fixture
def door(world: LogService, playground: Path) -> Door[LogViewer]:
    return make_door(world, playground=playground)


@pytest.fixture
async def port(door: Door[LogViewer]) -> AsyncIterator[int]:
    async with serve_door(door) as found:
        yield found
