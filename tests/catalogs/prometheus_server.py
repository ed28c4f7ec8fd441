"""A real Prometheus, which scrapes itself under a name of ours."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.conftest import wait_until
from up.children import spawn_process
from up.ports import find_free_port

PROGRAM = Path(__file__).parents[2] / ".pools/prometheus/usr/bin/prometheus"


def find_program() -> Path:
    """Without it tests are skipped, or fail where `POMS_POOLS` is `required`."""
    if not PROGRAM.exists():
        if os.environ.get("POMS_POOLS") == "required":
            pytest.fail("nothing in .pools/prometheus: run `make pools`")
        pytest.skip("nothing in .pools/prometheus: run `make pools`")
    return PROGRAM


class Prometheus:
    """Where it answers, and how it is stopped and begun again."""

    def __init__(self, folder: Path, job: str) -> None:
        self._program, self._folder, self._port = find_program(), folder, find_free_port()
        self.host = f"127.0.0.1:{self._port}"
        self.url = f"http://{self.host}"
        target = json.dumps({"targets": [self.host]})
        (folder / "prometheus.yml").write_text(
            f"scrape_configs:\n- job_name: {json.dumps(job)}\n  scrape_interval: 1s\n"
            f"  scrape_timeout: 1s\n  static_configs:\n  - {target}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = spawn_process(
                [
                    self._program,
                    f"--config.file={self._folder}/prometheus.yml",
                    f"--storage.tsdb.path={self._folder}/data",
                    f"--web.listen-address={self.host}",
                ],
                out=log,
                err=log,
            )
        wait_until(self._has_scraped, what="Prometheus", within=60)

    def _has_scraped(self) -> bool:
        assert self._process
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            answer = httpx2.get(f"{self.url}/api/v1/query", params={"query": "up"})
            return bool(answer.json()["data"]["result"])
        except (httpx2.TransportError, ValueError, KeyError):
            return False

    def stop(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)


@contextmanager
def run_prometheus(folder: Path, job: str) -> Iterator[Prometheus]:
    """One that knows of a job of this name, as long as the block lasts."""
    made = Prometheus(folder, job)
    made.start()
    try:
        yield made
    finally:
        made.stop()
