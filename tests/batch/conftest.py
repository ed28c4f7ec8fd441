"""One bench for each batch system that is tested."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.benches import Feed, LocalBench


@pytest.fixture(params=[LocalBench])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalBench]:
    made: LocalBench = request.param(tmp_path)
    yield made
    made.end()


@pytest.fixture
def feed(bench: LocalBench) -> Feed:
    return Feed(bench.system)
