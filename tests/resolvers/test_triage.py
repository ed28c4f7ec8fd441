"""Failed jobs, grouped by what they have in common."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.pool import Pool
from domain.submissions.triage import compute_signature, normalise_line
from tests.resolvers.submission_factory import SubmissionFactory

Ask = Callable[..., Awaitable[dict[str, Any]]]

TRIAGE = """
    query ($id: ID!) {
      %sTriage(id: $id) {
        jobs truncated
        groups { count share files reason exitCode signal site batchSystemMessage log sampleLog sampleJobId jobIds }
      }
    }
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-11-23T04:05:06.789Z start", "<time> start"),
        ("at 04:05:06,12 in /data/run7/file_12.root: not found", "at <time> in <path>: not found"),
        ("id 123e4567-e89b-12d3-a456-426614174000 lost", "id <uuid> lost"),
        ("segfault at 0xDEADbeef in deadbeef01", "segfault at <hex> in <hex>"),
        ("event 17 of 1000 took 3.5 s", "event <n> of <n> took <n> s"),
        ("can't open root://host.example:1094//a/b.root", "can't open <url>"),
        ("\x1b[31mred\x1b[0m   spaces", "red spaces"),
    ],
)
def test_what_differs_from_job_to_job_is_taken_out(line: str, expected: str) -> None:
    assert normalise_line(line) == expected


@given(st.text(max_size=500))
def test_any_log_has_a_short_signature_that_is_its_own(log: str) -> None:
    found = compute_signature(log)
    assert len(found.splitlines()) <= 3 or len(found) < 2000
    assert compute_signature(log) == found


def test_only_the_last_lines_count() -> None:
    assert compute_signature("a 1\n\nb 2\nc 3\n\n") == "a <n>\nb <n>\nc <n>"
    assert compute_signature("x\na\nb\nc") == compute_signature("y\na\nb\nc")
    assert compute_signature(None) == ""


@pytest.fixture
async def work(db: Pool, hypot: int) -> SubmissionFactory:
    return await SubmissionFactory.make(db)


async def test_failures_are_grouped_largest_first(ask: Ask, work: SubmissionFactory) -> None:
    row = await work.submission(work.reco, "running", jobs_idle=0, jobs_failed=4)
    for number in (1, 2, 3):
        await work.fail(row.id, number, f"line\nevent {number}\nno such file /d/{number}", site="A")
    await work.fail(row.id, 4, "killed", reason="memory", exit_code=None, signal=9, site="B")
    for noun, key in (("submission", row.id), ("stage", work.reco)):
        found = (await ask(TRIAGE % noun, {"id": f"{noun}:{key}"}))[f"{noun}Triage"]
        assert (found["jobs"], found["truncated"]) == (4, False)
        first, second = found["groups"]
        assert (first["count"], first["share"], first["files"]) == (3, 0.75, 3)
        assert first["log"] == "line\nevent <n>\nno such file <path>"
        assert first["sampleLog"].endswith("/d/1")
        assert first["jobIds"] == [f"job:{row.id}.{number}" for number in (1, 2, 3)]
        assert (second["reason"], second["signal"], second["site"]) == ("memory", 9, "B")


async def test_a_held_job_is_grouped_by_what_the_batch_system_says(
    ask: Ask, work: SubmissionFactory
) -> None:
    row = await work.submission(work.reco, "running", jobs_idle=2, jobs_held=2)
    for number in (1, 2):
        said = f"Cannot write /spool/{number}: disk full"
        await work.fail(row.id, number, "", state="held", reason=None, exit_code=None, text=said)
    found = await ask(TRIAGE % "submission", {"id": f"submission:{row.id}"})
    groups = found["submissionTriage"]["groups"]
    assert [(group["count"], group["batchSystemMessage"]) for group in groups] == [
        (2, "Cannot write <path>: disk full")
    ]


async def test_there_is_nothing_to_triage_of_what_is_not_yours(
    ask: Ask, work: SubmissionFactory
) -> None:
    row = await work.submission(work.reco)
    for noun, key in (("submission", row.id), ("stage", work.reco)):
        query = TRIAGE % noun
        assert (await ask(query, {"id": f"{noun}:{key}"}, "otto")) == {f"{noun}Triage": None}
