"""What processes write in their logs: one form, an id for each request, no secrets."""

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

import log_lines
from lanes import Lane
from settings import SettingError, read_log_settings
from tests.application_server import SECRET, make_token
from up.children import spawn_process
from up.ports import find_free_port

ROOT = Path(__file__).parent.parent
PASSWORD, METRICS_TOKEN = "correct-horse-battery", "a-token-of-prometheus"


def make_record(message: str, *values: object, **more: Any) -> logging.LogRecord:
    return logging.LogRecord("door", logging.WARNING, "", 1, message, values, more.get("exc_info"))


def test_a_line_says_when_how_bad_who_and_about_what() -> None:
    with log_lines.name_subjects(loop="relay"):
        log_lines.add_subjects(subject="submission:7")
        line = log_lines.TextFormatter().format(make_record("late by %s s", 3))
    time, rest = line.split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert rest == "WARNING door loop=relay subject=submission:7: late by 3 s"
    assert log_lines.TextFormatter().format(make_record("x")).endswith("WARNING door: x")


def test_what_was_written_by_somebody_else_does_not_look_like_a_line_of_ours() -> None:
    line = log_lines.TextFormatter().format(make_record("said\r\n2026-01-01 ERROR door: forged"))
    assert line.splitlines()[1] == "    2026-01-01 ERROR door: forged"


def test_a_line_of_json_has_the_same_parts_and_the_traceback() -> None:
    try:
        raise ValueError("too much")
    except ValueError:
        record = make_record("it\nfailed", exc_info=sys.exc_info())
    with log_lines.name_subjects(request_id="a1"):
        text = log_lines.JsonFormatter().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert line.pop("time").endswith("Z")
    assert line.pop("exception").endswith("ValueError: too much")
    assert line == {
        "level": "WARNING",
        "logger": "door",
        "request_id": "a1",
        "message": "it\nfailed",
    }


@pytest.mark.parametrize("formatter", [log_lines.TextFormatter, log_lines.JsonFormatter])
@pytest.mark.parametrize(
    "secret",
    [
        "the secret of this deployment",
        "Bearer abc.def-ghi",
        make_token("anna"),
        "redis://:hunter2hunter2@host/0",
        "postgresql://poms_api:hunter2hunter2@host/poms",
    ],
)
def test_secrets_are_masked_wherever_they_stand(
    formatter: type[log_lines.LogFormatter], secret: str
) -> None:
    ours = formatter(["the secret of this deployment", ""])
    try:
        raise ValueError(f"in an error: {secret}")
    except ValueError:
        line = ours.format(make_record("in a value: %s.", secret, exc_info=sys.exc_info()))
    said = secret.removeprefix("Bearer ")
    assert said not in line
    assert "hunter2" not in line
    assert line.count(log_lines.MASK) >= 2


def test_tasks_and_threads_say_what_they_were_begun_for() -> None:
    async def look() -> list[str | None]:
        with log_lines.name_subjects(request_id="a1"):
            inside = asyncio.create_task(asyncio.sleep(0, log_lines.find_request_id()))
            by_thread = await Lane("looking", 5).call(log_lines.find_request_id)
        return [await inside, by_thread, log_lines.find_request_id()]

    assert asyncio.run(look()) == ["a1", "a1", None]


def test_the_form_is_a_setting_and_secrets_are_found_by_their_names() -> None:
    env = {"POMS_LOG": "json", "POMS_METRICS_TOKEN": "m", "POMS_SECRET": "", "HOME": "/"}
    assert read_log_settings(env) == ("json", ["m"])
    assert read_log_settings({"POMS_REDIS_URL": "redis://:p@h"}) == ("text", ["p"])
    with pytest.raises(SettingError, match="POMS_LOG is 'xml': make it text or json"):
        read_log_settings({"POMS_LOG": "xml"})


def test_loggers_of_libraries_write_the_same_form() -> None:
    program = (
        "import logging, uvicorn, arq.worker, log_lines\n"
        "uvicorn.Config('app:create', log_level='warning')\n"
        "log_lines.configure_logs('json')\n"
        "for name in ('uvicorn.error', 'uvicorn.access', 'arq.worker', 'asyncio', 'py.warnings'):\n"
        "    logging.getLogger(name).warning('hello')\n"
        "logging.getLogger('uvicorn.error').info('as chatty as it was told to be')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["logger"] for line in lines] == [
        "uvicorn.error", "uvicorn.access", "arq.worker", "asyncio", "py.warnings",
    ]  # fmt: skip
    assert ran.stdout == ""


@contextmanager
def run_process(log: Path, words: list[str], env: dict[str, str]) -> Iterator[None]:
    """One of our processes, whose log is kept."""
    with log.open("ab") as file:
        process = spawn_process([sys.executable, *words], env=env, cwd=ROOT, out=file, err=file)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def make_environment(database_url: str, folder: Path) -> dict[str, str]:
    """Of an installation without Redis, about which its processes complain."""
    ours = {
        "PYTHONPATH": str(ROOT),
        "POMS_LOG": "json",
        "POMS_DATABASE_URL": database_url,
        "POMS_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:{find_free_port()}/0",
        "POMS_SECRET": SECRET,
        "POMS_METRICS_TOKEN": METRICS_TOKEN,
        "POMS_SPOOL": str(folder / "spool"),
        "POMS_STORE": str(folder / "store"),
    }
    return os.environ | ours


def read_lines(log: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


async def answer_of(http: httpx2.AsyncClient, query: str, bearer: str) -> httpx2.Response:
    """The answer, once the process is there."""
    for _ in range(600):
        try:
            return await http.post(
                "/graphql", json={"query": query}, headers={"authorization": f"Bearer {bearer}"}
            )
        except httpx2.TransportError:
            await asyncio.sleep(0.1)
    raise AssertionError("the API didn't come up")


async def test_a_report_is_found_in_the_log_of_the_api_which_has_no_secret(
    api_url: str, database_url: str, tmp_path: Path, db: asyncpg.Pool
) -> None:
    port, log, good = find_free_port(), tmp_path / "api.log", make_token("anna")
    await db.execute("INSERT INTO person (username, is_admin) VALUES ('anna', true)")
    words = ["-m", "uvicorn", "app:create", "--factory", "--port", str(port), "--log-level", "info"]
    url = f"http://127.0.0.1:{port}"
    with run_process(log, words, make_environment(api_url, tmp_path)):
        async with httpx2.AsyncClient(base_url=url, timeout=30) as http:
            assert (await answer_of(http, "{ __typename }", good)).status_code == 200
            refused = await answer_of(http, "{ __typename }", good + "x")
            await db.execute("ALTER TABLE campaign RENAME TO hidden")
            broken = await answer_of(http, "{ campaigns(first: 1) { nodes { id } } }", good)
            await http.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"})
    lines = read_lines(log)
    assert refused.status_code == 401
    assert len(refused.headers["x-request-id"]) == 16
    [error] = broken.json()["errors"]
    assert error["extensions"]["requestId"] == broken.headers["x-request-id"]
    found = [line for line in lines if line.get("request_id") == broken.headers["x-request-id"]]
    assert any("campaign" in line.get("exception", "") for line in found)
    assert {"uvicorn.error", "door"} <= {line["logger"] for line in lines}
    expect_no_secret(log.read_text(), good, database_url)


async def test_lines_of_a_worker_say_which_loop_and_have_no_secret(
    database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    (tmp_path / "store").mkdir()
    with run_process(log, ["-m", "workers"], make_environment(database_url, tmp_path)):
        for _ in range(600):
            if "watch:local" in log.read_text() and "Redis" in log.read_text():
                break
            await asyncio.sleep(0.1)
    lines = read_lines(log)
    assert {"watch:local"} <= {line.get("loop") for line in lines}
    assert any("Redis can't be used" in line["message"] for line in lines)
    expect_no_secret(log.read_text(), database_url)


def expect_no_secret(text: str, *secrets: str) -> None:
    for secret in (SECRET, METRICS_TOKEN, PASSWORD, *secrets):
        assert secret not in text
