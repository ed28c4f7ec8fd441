"""A world and a server for it, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from door import Door
from tests.door.serving import serving
from tests.door.world import Viewer, World, make_door


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def playground(tmp_path: Path) -> Path:
    page = tmp_path / "index.html"
    page.write_text("<title>playground</title>")
    return page


@pytest.fixture
def door(world: World, playground: Path) -> Door[Viewer]:
    return make_door(world, playground=playground, origins=["https://dashboard.example.org"])


@pytest.fixture
async def port(door: Door[Viewer]) -> AsyncIterator[int]:
    async with serving(door) as found:
        yield found
