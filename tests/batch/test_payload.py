"""What the payload does with its command, its inputs and its outputs, and what it reports."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from batch import ReportKey
from batch.directory import (
    InputFile,
    LaunchOrder,
    LaunchUnit,
    prepare_directory,
    read_reports,
)
from domain.submissions.units import UnitIdentity
from tests.conftest import wait_until


class Site:
    """A place where one unit is run by hand."""

    def __init__(self, home: Path) -> None:
        self.home, self.store, self.attempt = home, home / "store", 0
        self.directory = home
        self.status = 0
        self.files: list[InputFile] = []

    def add(self, *names: str) -> None:
        for name in names:
            path = self.home / name
            path.write_text(f"content of {name}\n")
            size = path.stat().st_size
            self.files.append(InputFile(10 + len(self.files), name, str(path), size))

    def order(self, command: Sequence[str], **more: Any) -> None:
        unit = LaunchUnit(1, self.files, more.pop("generator", None), more.pop("parameter", None))
        store = str(more.pop("store", self.store))
        mark = f"m{len(list(self.home.glob('launches/*')))}"
        self.directory = prepare_directory(
            self.home, LaunchOrder(mark, command, store, [unit], **more)
        )

    def start(self, payload_py: Path | None = None) -> subprocess.Popen[bytes]:
        self.attempt += 1
        scratch = self.home / f"scratch{self.attempt}"
        scratch.mkdir()
        payload = [sys.executable, "-I", str(payload_py or self.directory / "payload.py")]
        return subprocess.Popen(
            [*payload, str(self.directory), "1", str(self.attempt)], cwd=scratch
        )

    def run(self, script: str, **more: Any) -> Mapping[str, Any]:
        self.order(["/bin/sh", "-c", script], **more)
        self.status = self.start().wait()
        return self.report()

    def report(self) -> Mapping[str, Any]:
        key = ReportKey(self.directory, 1, self.attempt)
        return read_reports([key])[key]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def list_fates(report: Mapping[str, Any]) -> dict[str, tuple[str, str, str | None]]:
    return {i["name"]: (i["delivery"], i["outcome"], i["reason"]) for i in report["inputs"]}


def list_output_parents(report: Mapping[str, Any]) -> dict[str, list[int]]:
    return {output["name"]: output["parents"] for output in report["outputs"]}


def test_outputs_are_measured_and_put_into_the_store(site: Site) -> None:
    site.add("a.json", "b.json")
    report = site.run("cat $(cat $POMS_INPUTS) > all.root; touch not.wanted", patterns=["*.root"])
    assert (site.status, report["outcome"], report["reason"]) == (0, "succeeded", None)
    (output,) = report["outputs"]
    content = (site.store / "1.1/all.root").read_bytes()
    assert content == b"content of a.json\ncontent of b.json\n"
    assert output["checksum"] == "sha256:" + hashlib.sha256(content).hexdigest()
    assert (output["size"], output["parents"]) == (len(content), [10, 11])
    assert output["path"] == str(site.store / "1.1/all.root")
    done = ("consumed", "done", None)
    assert list_fates(report) == {"a.json": done, "b.json": done}
    assert [path.name for path in site.store.iterdir()] == ["1.1"]
    (start,) = (site.directory / "starts/1.jsonl").read_text().splitlines()
    assert json.loads(start)["attempt"] == 1


def test_an_exit_code_is_passed_on_and_nothing_is_kept(site: Site) -> None:
    site.add("a.json")
    report = site.run("touch a.root; exit 3", patterns=["*.root"])
    assert (site.status, report["exit_code"], report["reason"]) == (3, 3, "exit")
    assert list_fates(report) == {"a.json": ("delivered", "failed", "exit")}
    assert report["outputs"] == []
    assert not site.store.exists()


def test_a_signal_is_passed_on(site: Site) -> None:
    report = site.run("kill -SEGV $$")
    assert site.status == -signal.SIGSEGV
    assert (report["exit_code"], report["signal"], report["reason"]) == (None, 11, "signal")


def test_a_command_that_is_not_there_fails_with_127(site: Site) -> None:
    site.order(["/nowhere/to/be found"])
    assert site.start().wait() == 127
    assert "/nowhere/to/be found" in site.report()["log_tail"]


def test_every_pattern_must_match_an_output(site: Site) -> None:
    site.add("a.json")
    report = site.run("touch a.root", patterns=["*.root", "*.hist"])
    assert (site.status, report["reason"], report["outputs"]) == (81, "no_output", [])
    assert list_fates(report) == {"a.json": ("delivered", "failed", "no_output")}
    assert "*.hist" in report["log_tail"]


def test_an_output_that_the_check_refuses_is_bad(site: Site) -> None:
    site.add("a.json")
    report = site.run("echo x > a.root; : > b.root", patterns=["*.root"], check=["test", "-s"])
    assert (site.status, report["reason"], report["outputs"]) == (82, "bad_output", [])
    assert "b.root" in report["log_tail"]
    assert not site.store.exists()


def test_a_missing_input_and_a_cut_one_keep_the_command_from_running(site: Site) -> None:
    site.add("a.json", "b.json", "c.json")
    Path(site.files[0].path).unlink()
    Path(site.files[1].path).write_text("cut")
    report = site.run("echo I ran")
    assert (site.status, report["reason"]) == (80, "missing_input")
    missing = ("waiting", "failed", "missing_input")
    not_run = ("waiting", "failed", "not_run")
    assert list_fates(report) == {"a.json": missing, "b.json": missing, "c.json": not_run}
    assert "I ran" not in report["log_tail"]


TWO_OF_THREE = """
for name in a b; do
  echo '{"path": "'$name'.root", "parents": ["'$name'.json"], "events": 5}' >> $POMS_OUTPUTS
  echo '{"input": "'$name'.json", "outcome": "done"}' >> $POMS_FATES
  echo $name > $name.root
done
echo '{"path": "c.root", "parents": ["a.json", "c.json"]}' >> $POMS_OUTPUTS; touch c.root
echo '{"input": "c.json", "outcome": "failed", "reason": "corrupt"}' >> $POMS_FATES
"""


@pytest.mark.parametrize("code", [0, 9])
def test_with_some_inputs_failed_what_is_made_of_the_others_counts(site: Site, code: int) -> None:
    site.add("a.json", "b.json", "c.json")
    report = site.run(f"{TWO_OF_THREE} exit {code}", patterns=["*.root"])
    assert site.status == code
    done, failed = ("consumed", "done", None), ("delivered", "failed", "corrupt")
    assert list_fates(report) == {"a.json": done, "b.json": done, "c.json": failed}
    assert list_output_parents(report) == {"a.root": [10], "b.root": [11]}
    assert report["outputs"][0]["events"] == 5


def test_a_skipped_input_is_no_parent(site: Site) -> None:
    site.add("a.json", "b.json")
    skip = """echo '{"input": "b.json", "outcome": "skipped"}' > $POMS_FATES; touch a.root"""
    report = site.run(skip, patterns=["*.root"])
    assert list_fates(report)["b.json"] == ("skipped", "none", None)
    assert list_output_parents(report) == {"a.root": [10]}


STEPS = """
for name in a b; do
  touch $name.hits $name.tracks
  echo '{"path": "'$name'.tracks", "parents": ["'$name'.hits"]}' >> $POMS_OUTPUTS
  echo '{"path": "'$name'.hits", "parents": ["'$name'.json"]}' >> $POMS_OUTPUTS
done
touch both; echo '{"path": "both", "parents": ["a.tracks", "b.tracks"]}' >> $POMS_OUTPUTS
"""


def test_an_output_may_be_made_from_another_one_that_counts(site: Site) -> None:
    site.add("a.json", "b.json")
    fail_b = """echo '{"input": "b.json", "outcome": "failed"}' > $POMS_FATES"""
    made = {o["name"]: o["made_from"] for o in site.run(STEPS)["outputs"]}
    assert made == {
        "a.tracks": ["a.hits"], "a.hits": [], "b.tracks": ["b.hits"], "b.hits": [], "both": ["a.tracks", "b.tracks"]
    }  # fmt: skip
    report = site.run(f"{STEPS}{fail_b}")
    assert list_output_parents(report) == {"a.tracks": [], "a.hits": [10]}, (
        "nothing of what comes from b"
    )


def build_chain(length: int) -> str:
    """Lines of outputs each of which was made from the next, the last one from an input."""
    steps = [f"{n}.root" for n in range(length)] + ["a.json"]
    lines = ({"path": name, "parents": [parent]} for name, parent in pairwise(steps))
    return "\n".join(map(json.dumps, lines))


def test_ten_steps_are_not_too_many(site: Site) -> None:
    site.add("a.json")
    report = site.run(f"touch $(seq -f %g.root 0 9); echo '{build_chain(10)}' > $POMS_OUTPUTS")
    assert len(report["outputs"]) == 10


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        '{"path": "none.root"}',
        '{"path": "a.root", "parents": ["stranger"]}',
        '{"path": "a.root", "parents": [[]]}',
        '{"path": "a.root", "parents": ["a.root"]}',
        '{"path": "a.root", "parents": ["b.root"]}\n{"path": "b.root", "parents": ["a.root"]}',
        build_chain(11),
        '{"path": "a.root", "events": -1}',
        '{"path": "a.root", "metadata": {"x": NaN}}',
        '{"path": "a.root"}\n{"path": "./a.root"}',
    ],
)
def test_outputs_that_cannot_be_understood_are_bad_and_said_so(site: Site, line: str) -> None:
    site.add("a.json")
    site.order(
        [
            "/bin/sh",
            "-c",
            'touch a.root b.root $(seq -f %g.root 0 10); printf "%s\n" "$1" > $POMS_OUTPUTS',
            "sh",
            line,
        ]
    )
    assert site.start().wait() == 82
    assert site.report()["reason"] == "bad_output"
    assert "bad_output: " in site.report()["log_tail"]


def test_an_output_that_cannot_be_staged_out_fails_the_attempt(site: Site) -> None:
    site.add("a.json")
    report = site.run("touch a.root", patterns=["*.root"], store=site.home / "a.json")
    assert (site.status, report["reason"], report["outputs"]) == (83, "stage_out", [])
    assert list_fates(report) == {"a.json": ("delivered", "failed", "stage_out")}


def test_nothing_that_was_made_is_replaced_by_another_start(site: Site) -> None:
    command = ["/bin/sh", "-c", "echo $POMS_UNIQUE $$ > same.root"]
    units = [LaunchUnit(1), LaunchUnit(2)]
    site.directory = prepare_directory(
        site.home, LaunchOrder("m", command, str(site.store), units, (), {}, ["*"])
    )
    texts: dict[str, str] = {}
    # The last one is a batch system's mistake: it starts what it has started before.
    starts = (("1", "1"), ("1", "2"), ("2", "1"), ("1", "1"))
    for n, words in enumerate(starts):
        scratch = site.home / f"again{n}"
        scratch.mkdir()
        payload = [
            sys.executable,
            "-I",
            f"{site.directory}/payload.py",
            str(site.directory),
            *words,
        ]
        assert subprocess.run(payload, cwd=scratch, check=False).returncode == 0
        now = {p.parent.name: p.read_text() for p in site.store.glob("*/same.root")}
        assert now.items() > texts.items()
        texts = now
    assert texts.keys() == {"1.1", "1.2", "2.1", "1.1-2"}
    assert texts["1.2"].split()[0] == "m.1.2"


def test_starts_of_one_attempt_at_once_each_have_a_place_of_their_own(site: Site) -> None:
    site.order(["/bin/sh", "-c", "echo $$ > same.root"], patterns=["*.root"])
    words = [sys.executable, "-I", f"{site.directory}/payload.py", str(site.directory), "1", "1"]
    scratch = [site.home / f"once{n}" for n in range(6)]
    for folder in scratch:
        folder.mkdir()
    started = [subprocess.Popen(words, cwd=folder) for folder in scratch]
    assert [process.wait(60) for process in started] == [0] * 6
    made = {path.read_text() for path in site.store.glob("1.1*/same.root")}
    assert made == {(folder / "same.root").read_text() for folder in scratch}
    assert len(made) == 6
    assert not list(site.store.glob(".*"))


def test_what_a_killed_attempt_was_writing_is_cleared_by_the_next(site: Site) -> None:
    site.order(["/bin/sh", "-c", "echo $POMS_ATTEMPT > a.root"], patterns=["*.root"])
    half = site.store / ".1.1.part"
    half.mkdir(parents=True)
    (half / "a.root").write_text("ha")
    site.attempt = 1
    assert site.start().wait() == 0
    assert [path.name for path in site.store.iterdir()] == ["1.2"]
    assert (site.store / "1.2/a.root").read_text() == "2\n"


def test_a_broken_log_is_still_readable_and_only_its_end_is_reported(site: Site) -> None:
    report = site.run(r"yes line | head -c 12000000; printf '\377\000caf\303\251'")
    assert report["log_tail"].endswith("��café")
    assert len(report["log_tail"]) == 4000
    log = site.home / "scratch1/job.log"
    assert log.stat().st_size < 10_100_000
    assert b"the log is cut here" in log.read_bytes()[-100:]


def test_shell_characters_arrive_as_text(site: Site) -> None:
    strange = "$(touch hacked); `id` & | > 'x' \"y\" \\ \n *"
    script = (
        "import os, sys; print(sys.argv[1] == os.environ['TEXT'] == os.environ['POMS_PARAMETER'])"
    )
    command = [sys.executable, "-c", script, strange]
    site.order(command, environment={"TEXT": strange}, parameter=strange)
    assert site.start().wait() == 0
    assert site.report()["log_tail"] == "True\n"


def test_a_generator_is_told_who_it_is(site: Site) -> None:
    generator = UnitIdentity(index=4, seed=5, run=6, subrun=7, first_event=8, events=9)
    names = "$POMS_INDEX $POMS_SEED $POMS_RUN $POMS_SUBRUN $POMS_FIRST_EVENT $POMS_EVENTS"
    report = site.run(f"echo {names} $POMS_JOB $POMS_ATTEMPT", generator=generator)
    assert report["log_tail"] == "4 5 6 7 8 9 1 1\n"


def test_what_is_left_in_the_background_is_not_waited_for(site: Site) -> None:
    begin = time.monotonic()
    report = site.run("sleep 30 & echo done")
    assert (report["outcome"], report["log_tail"]) == ("succeeded", "done\n")
    assert time.monotonic() - begin < 25


def test_a_payload_that_is_asked_to_end_reports_it_and_nothing_counts(site: Site) -> None:
    site.add("a.json")
    site.order(["/bin/sh", "-c", "echo on; touch a.root; exec sleep 60"], patterns=["*.root"])
    payload = site.start()
    until = time.monotonic() + 20
    while not (site.home / "scratch1/a.root").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    payload.terminate()
    assert payload.wait() == -signal.SIGTERM
    report = site.report()
    assert (report["reason"], report["signal"], report["outputs"]) == ("signal", 15, [])
    assert list_fates(report) == {"a.json": ("delivered", "failed", "signal")}
    assert report["log_tail"].startswith("on")


ASKED_WHILE_READING = """
import os, signal, sys
from batch.payload import command

def read_and_be_asked(fd, size, read=os.read):
    piece = read(fd, size)
    if piece == b"on\\n":
        os.kill(os.getpid(), signal.SIGTERM)
    return piece

def stop(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise command.PayloadStopped(number)

signal.signal(signal.SIGTERM, stop)
log = command.CommandLog(sys.argv[1])
os.read = read_and_be_asked
try:
    command.run_command(["/bin/sh", "-c", "echo on; exec sleep 60"], {}, log)
except command.PayloadStopped:
    print("asked after", log.tail())
"""


def test_what_was_read_when_the_end_was_asked_for_is_in_the_log(tmp_path: Path) -> None:
    words = [sys.executable, "-c", ASKED_WHILE_READING, str(tmp_path / "log")]
    assert subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout == "asked after on\n\n"


def test_a_fault_of_the_payload_is_reported_with_its_traceback(site: Site) -> None:
    site.order(["true"])
    (site.directory / "units/1.json").write_text("{")
    assert site.start().wait() == 84
    assert site.report()["reason"] == "payload"
    assert "Traceback" in site.report()["log_tail"]


def test_an_attempt_writes_its_start_and_its_report_and_nothing_else_where_its_launch_is(
    site: Site,
) -> None:
    site.order(["true"])
    shutil.rmtree(site.directory / "batch/payload/__pycache__")  # as with another Python
    before = {*site.directory.rglob("*")}
    assert site.start().wait() == 0
    made = {
        str(each.relative_to(site.directory))
        for each in site.directory.rglob("*")
        if each not in before
    }
    assert made == {"starts/1.jsonl", "reports/1.1.json"}


@pytest.mark.parametrize("part", ["", "units"])
def test_a_launch_directory_that_is_away_at_the_begin_is_waited_for(site: Site, part: str) -> None:
    site.order(["/bin/sh", "-c", "echo result > x.root"], patterns=["*.root"])
    missing, away = site.directory / part, site.home / "away"
    begun = site.home / "payload.py"
    begun.write_bytes((site.directory / "payload.py").read_bytes())
    missing.rename(away)
    running = site.start(begun)
    time.sleep(1)
    assert running.poll() is None
    away.rename(missing)
    assert running.wait(20) == 0
    assert list(list_output_parents(site.report())) == ["x.root"]


def test_a_launch_directory_that_comes_and_goes_is_waited_for(site: Site) -> None:
    site.order(["/bin/sh", "-c", "echo result > x.root"], patterns=["*.root"])
    missing, away = site.directory / "batch/payload/attempt.py", site.home / "away"
    begun = site.home / "payload.py"
    begun.write_bytes((site.directory / "payload.py").read_bytes())
    missing.rename(away)
    running = site.start(begun)
    time.sleep(2)  # as long as the directory is looked at several times, and is there
    assert running.poll() is None
    away.rename(missing)
    assert running.wait(20) == 0
    assert list(list_output_parents(site.report())) == ["x.root"]


def test_a_payload_that_is_missing_for_good_ends_its_job(site: Site) -> None:
    site.order(["true"])
    begun = site.home / "payload.py"
    begun.write_bytes((site.directory / "payload.py").read_bytes())
    shutil.rmtree(site.directory / "batch")
    assert site.start(begun).wait(30) == 1


def test_a_launch_directory_that_is_away_at_the_end_is_waited_for(site: Site) -> None:
    made, go, away = (site.home / name for name in ("made", "go", "away"))
    os.mkfifo(go)
    script = f"echo result > x.root; touch {made}; cat {go}"
    site.order(["/bin/sh", "-c", script], patterns=["*.root"])
    running = site.start()
    wait_until(made.exists, what="the command")
    site.directory.rename(away)
    go.write_text("")
    time.sleep(1)
    assert running.poll() is None
    away.rename(site.directory)
    assert running.wait(20) == 0
    assert list(list_output_parents(site.report())) == ["x.root"]
