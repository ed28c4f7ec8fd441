"""Launches of which nothing is shared with the machines: all goes with the jobs, and comes back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch import BatchRefused, Launch, ReportKey
from batch.directory import InputFile
from batch.htcondor import Access, HTCondor, carried
from domain.jobs import JobState, Resources, Verb
from tests.batch.benches import Feed, HTCondorBench
from tests.batch.pools import Pool

COPIES = 'for f in $(cat "$POMS_INPUTS"); do echo "$f"; cat "$f"; done > "$POMS_JOB.out"'


@pytest.fixture
def bench(condor: HTCondorBench, access: Access) -> HTCondorBench:
    condor.condor.close()
    condor.system = condor.condor = HTCondor(replace(access, carries=True), condor.spool)
    return condor


def input_of(bench: HTCondorBench, name: str, text: str) -> InputFile:
    path = bench.spool / name
    path.write_text(text)
    return InputFile(1, name, str(path), len(text))


async def report_of(bench: HTCondorBench, launch: Launch, attempt: int = 1) -> Mapping[str, Any]:
    key = ReportKey(launch.directory, 1, attempt)
    return (await bench.system.reports([key]))[key]


async def test_inputs_go_with_the_jobs_and_reports_and_outputs_come_back(
    bench: HTCondorBench, pool: Pool
) -> None:
    feed = Feed(bench.system)
    launch = bench.launch("m1", COPIES, 3, files=[input_of(bench, "raw.txt", "from afar\n")])
    native_id = await bench.system.submit(launch)
    assert pool.run("condor_q", native_id, "-af", "ShouldTransferFiles").stdout.split()[0] == "YES"
    await bench.system.open(native_id)
    assert set((await feed.until_over(native_id, [1, 2, 3])).values()) == {JobState.SUCCEEDED}
    assert not list(bench.store.iterdir())
    for _ in range(2):
        report = await report_of(bench, launch)
    assert report["outcome"] == "succeeded"
    (output,) = report["outputs"]
    made = bench.store / "1.out"
    read_from, said = made.read_text().splitlines()
    assert (output["path"], output["size"]) == (str(made), made.stat().st_size)
    assert output["checksum"] == f"sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}"
    assert said == "from afar"
    assert not read_from.startswith(str(bench.spool))


async def test_an_input_that_can_not_be_carried_fails_the_job_with_its_reason(
    bench: HTCondorBench,
) -> None:
    feed = Feed(bench.system)
    gone = InputFile(1, "gone.txt", str(bench.spool / "gone.txt"), 5)
    native_id = await bench.system.submit(bench.launch("m1", COPIES, files=[gone]))
    await bench.system.open(native_id)
    await feed.until_over(native_id, [1])
    over = feed.events[-1]
    assert (over.state, over.code) == (JobState.FAILED, 13)
    assert "gone.txt" in str(over.text)


async def test_an_attempt_that_was_stopped_leaves_nothing_of_its_own_behind(
    bench: HTCondorBench,
) -> None:
    feed, go = Feed(bench.system), bench.spool / "go"
    script = f'echo "$POMS_ATTEMPT" > 1.out; until [ -e "{go}" ]; do sleep 0.1; done'
    launch = bench.launch("m1", script)
    native_id = await bench.system.submit(launch)
    await bench.system.open(native_id)
    await feed.until(native_id, JobState.RUNNING, [1])
    await bench.system.act(Verb.HOLD, native_id, "look at it")
    await feed.until(native_id, JobState.HELD, [1])
    go.touch()
    await bench.system.act(Verb.RELEASE, native_id, "looked")
    await feed.until_over(native_id, [1])
    attempt = feed.events[-1].attempt
    assert attempt > 1
    report = await report_of(bench, launch, attempt)
    assert report["attempt"] == attempt
    assert (bench.store / "1.out").read_text() == f"{attempt}\n"
    assert [path.name for path in (launch.directory / "reports").iterdir()] == [f"1.{attempt}.json"]


def test_an_output_that_another_job_has_made_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "launch"
    for name in ("outputs/1.1", "outputs/2.1", "names"):
        (folder / name).mkdir(parents=True)
    (folder / "launch.json").write_text(json.dumps({"store": str(tmp_path / "store")}))
    for number in (1, 2):
        (folder / f"outputs/{number}.1/same.out").write_text(str(number))
    told = {"outcome": "succeeded", "log_tail": "", "outputs": [{"name": "same.out"}]}
    told["inputs"] = [{"id": 1, "outcome": "done"}]
    first = carried.brought(ReportKey(folder, 1, 1), told)
    second = carried.brought(ReportKey(folder, 2, 1), told)
    assert first["outputs"] == [{"name": "same.out", "path": f"{tmp_path}/store/same.out"}]
    assert (second["outcome"], second["reason"], second["outputs"]) == ("failed", "stage_out", [])
    assert second["inputs"] == [{"id": 1, "outcome": "failed", "reason": "stage_out"}]
    assert (tmp_path / "store/same.out").read_text() == "1"


@pytest.mark.parametrize(
    "paths", [["/a/b,c"], ["/a/b c"], ["/a/$(b)"], ["a"], ["/a/x", "/b/x"], ["/a/launch.json"]]
)
def test_inputs_that_htcondor_would_mistake_are_refused(tmp_path: Path, paths: list[str]) -> None:
    (tmp_path / "units").mkdir()
    (tmp_path / "units/1.json").write_text(json.dumps({"files": [{"path": p} for p in paths]}))
    with pytest.raises(BatchRefused):
        carried.inputs(Launch("m1", tmp_path, [1], Resources(), "a/b"))
