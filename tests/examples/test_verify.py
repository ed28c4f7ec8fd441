"""The example's programs through the real payload, and a verifier that finds every kind of wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batch.directory import InputFile, LaunchOrder, LaunchUnit, prepare_directory
from domain.submissions.units import UnitIdentity

EXAMPLES = Path(__file__).parents[2] / "examples"
DETECTOR = EXAMPLES / "detector"


def run_units(
    tmp: Path, stage: str, program: str, units: list[LaunchUnit], *words: str
) -> list[dict[str, Any]]:
    """Run every unit of a stage by the payload; returns the reports."""
    store = tmp / "store" / stage
    order = LaunchOrder(
        mark=f"m-{stage}", command=[sys.executable, str(DETECTOR / program), *words],
        check=[sys.executable, str(DETECTOR / "check.py")], store=str(store), units=units,
        patterns=["*.jsonl"],
    )  # fmt: skip
    directory = prepare_directory(tmp / "spool", order)
    for unit in units:
        scratch = tmp / "scratch" / f"{stage}-{unit.number}"
        scratch.mkdir(parents=True)
        payload = [sys.executable, "-I", str(directory / "payload.py"), str(directory)]
        subprocess.run([*payload, str(unit.number), "1"], cwd=scratch, check=not words)
    return [json.loads(p.read_text()) for p in sorted((directory / "reports").glob("*.json"))]


def list_inputs(tmp: Path, stage: str) -> list[InputFile]:
    found = sorted((tmp / "store" / stage).rglob("*.jsonl"))
    return [InputFile(n, p.name, str(p), p.stat().st_size) for n, p in enumerate(found, 1)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    generators = [UnitIdentity(n, 77 + n, 1, n + 1, n * 5 + 1, 5) for n in range(3)]
    made = [LaunchUnit(n, generator=g, parameter="muon_1GeV") for n, g in enumerate(generators, 1)]
    run_units(tmp_path, "generate", "generate.py", made)
    run_units(
        tmp_path,
        "reconstruct",
        "reconstruct.py",
        [LaunchUnit(1, files=list_inputs(tmp_path, "generate"))],
    )
    run_units(
        tmp_path, "merge", "merge.py", [LaunchUnit(1, files=list_inputs(tmp_path, "reconstruct"))]
    )
    return tmp_path / "store"


def run_verifier(store: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(EXAMPLES / "verify.py"), str(store), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def record(store: Path, tmp_path: Path, **changed: object) -> Path:
    mine = json.loads(run_verifier(store, "--json").stdout)
    mine["reconstruct"] |= changed
    (tmp_path / "record.json").write_text(json.dumps(mine))
    return tmp_path / "record.json"


def test_the_chain_is_recomputed_and_equals_its_record(store: Path, tmp_path: Path) -> None:
    found = run_verifier(store, "--against", str(record(store, tmp_path)))
    assert found.returncode == 0, found.stderr
    assert "agree exactly" in found.stdout
    mine = json.loads(run_verifier(store, "--json").stdout)
    assert [len(mine[s]["files"]) for s in ("generate", "reconstruct", "merge")] == [3, 3, 1]
    assert [mine[s]["events"] for s in ("generate", "reconstruct", "merge")] == [15, 15, 15]


def test_an_account_that_counts_an_input_twice_differs(store: Path, tmp_path: Path) -> None:
    account = {
        "given": 3, "done": 3, "in_work": 0, "waiting": 0, "owed": 0, "lost": 0, "waived": 0, "files": 3, "events": 15,
    }  # fmt: skip
    right = run_verifier(store, "--against", str(record(store, tmp_path, account=account)))
    assert right.returncode == 0, right.stderr
    twice = record(store, tmp_path, account={**account, "given": 6, "done": 6})
    found = run_verifier(store, "--against", str(twice))
    assert (found.returncode, "3 done on disk, 6 in the record" in found.stderr) == (1, True), found


def test_a_record_with_another_number_of_events_differs(store: Path, tmp_path: Path) -> None:
    found = run_verifier(store, "--against", str(record(store, tmp_path, events=16)))
    assert found.returncode == 1
    assert "15 events on disk, 16 in the record" in found.stderr


def test_a_record_with_another_file_differs(store: Path, tmp_path: Path) -> None:
    found = run_verifier(store, "--against", str(record(store, tmp_path, processed=["x.jsonl"])))
    assert "x.jsonl is in the record, not on disk" in found.stderr


def test_a_file_that_was_cut_off_is_not_counted(store: Path, tmp_path: Path) -> None:
    against = record(store, tmp_path)
    victim = next((store / "merge").rglob("*.jsonl"))
    victim.write_text(victim.read_text()[:-40])
    found = run_verifier(store, "--against", str(against))
    assert found.returncode == 1
    assert "is in the record, not on disk" in found.stderr


def test_an_input_that_two_outputs_processed_is_wrong(store: Path) -> None:
    first = next((store / "reconstruct").rglob("*.jsonl"))
    first.with_name("reco_twin.jsonl").write_text(first.read_text())
    assert "processed twice" in run_verifier(store).stderr


def change_rows(victim: Path, how: str) -> None:
    """Change a file's rows, and give it the checksum that belongs to them."""
    program = (
        f"import sys; sys.path.insert(0, {str(DETECTOR)!r})\n"
        "from tracks import read, write\n"
        f"header, rows = read(sys.argv[1]); {how}; write(sys.argv[1], header, rows)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(victim)], check=True)


@pytest.mark.parametrize(
    ("stage", "how", "said"),
    [
        ("generate", "rows[0]['hits'][3] += 0.001", "is not what its seed gives"),
        ("generate", "rows[1] = rows[0]", "is there more than once"),
        ("reconstruct", "rows[0]['fit'][1] += 0.001", "the fit of event"),
        ("reconstruct", "rows[1] = rows[0]", "is there more than once"),
        ("reconstruct", "rows[1]['event'] = 999", "its events are not those of"),
        ("merge", "rows[0]['slope'][0] += 1", "the histogram of"),
        ("merge", "header['total'] += 1", "the total is not the sum"),
    ],
)
def test_a_wrong_number_is_found_even_with_a_right_checksum(
    store: Path, stage: str, how: str, said: str
) -> None:
    change_rows(next((store / stage).rglob("*.jsonl")), how)
    found = run_verifier(store)
    assert found.returncode == 1
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_two_files_of_one_identity_are_wrong(store: Path) -> None:
    first = next((store / "generate").rglob("*.jsonl"))
    first.with_name("gen_twin.jsonl").write_bytes(first.read_bytes())
    assert "its events are also those of" in run_verifier(store).stderr


def test_a_file_that_was_made_twice_counts_once_if_it_is_the_same(store: Path) -> None:
    first = next((store / "reconstruct").rglob("*.jsonl"))
    for folder in ("1.2", ".1.3.part"):
        (store / "reconstruct" / folder).mkdir()
        (store / "reconstruct" / folder / first.name).write_bytes(first.read_bytes())
    change_rows(store / "reconstruct/.1.3.part" / first.name, "rows[0]['fit'][1] += 1")
    assert run_verifier(store).returncode == 0
    change_rows(store / "reconstruct/1.2" / first.name, "rows[0]['fit'][1] += 1")
    assert "two files of this name differ" in run_verifier(store).stderr


def test_files_of_one_campaign_may_lie_in_several_folders(store: Path, tmp_path: Path) -> None:
    against = record(store, tmp_path)
    (store / "merge").rename(tmp_path / "old")
    found = run_verifier(store, "--against", str(against))
    assert "in the record, not on disk" in found.stderr
    found = run_verifier(store, str(tmp_path / "old"), "--against", str(against))
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize("spoilt", [b"\xff\xfe", b"[]\n", b"", b'{"events": 1}\n[1]\n'])
def test_a_file_that_is_no_file_of_ours_is_named_and_not_counted(
    store: Path, spoilt: bytes
) -> None:
    next((store / "merge").rglob("*.jsonl")).write_bytes(spoilt)
    found = run_verifier(store)
    assert found.returncode == 0, found.stderr
    assert "not counted, because it is not whole: hist_" in found.stdout


def test_a_record_that_counts_an_input_twice_differs(store: Path, tmp_path: Path) -> None:
    processed = json.loads(run_verifier(store, "--json").stdout)["reconstruct"]["processed"]
    twice = record(store, tmp_path, processed=[*processed, processed[0]])
    found = run_verifier(store, "--against", str(twice))
    assert found.returncode == 1
    assert "is 2 times in the record, 1 on disk" in found.stderr


def test_a_record_with_a_stage_more_differs(store: Path, tmp_path: Path) -> None:
    path = record(store, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"filter": {"events": 1}}))
    found = run_verifier(store, "--against", str(path))
    assert "filter: in the record, not on disk" in found.stderr


def test_a_store_that_is_not_there_is_said(tmp_path: Path) -> None:
    found = run_verifier(tmp_path / "nowhere")
    assert found.returncode == 1
    assert "There is no folder" in found.stderr


def test_faults_come_as_often_as_they_are_asked_for() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(DETECTOR)!r})\n"
        "from collections import Counter; from faults import KINDS, fault\n"
        "found = [Counter(fault(str(n), r, 0.2) for n in range(5000)) for r in (0, 1)]\n"
        "print(*[5000 - c[None] for c in found], *[found[0][k] for k in KINDS])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, second, *kinds = map(int, said.stdout.split())
    assert 900 <= first <= 1100
    assert 150 <= second <= 250
    assert all(100 <= n <= 240 for n in kinds)


def run_python(program: str, *words: str, code: int = 0) -> str:
    """Run a few lines beside the detector's programs; returns what they print."""
    whole = f"import sys; sys.path.insert(0, {str(DETECTOR)!r})\n{program}"
    command = [sys.executable, "-c", whole, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def find_failing_subrun(kind: str) -> int:
    """The first subrun by whose file a job would fail in this way, if all had to."""
    program = (
        "from faults import fault\n"
        "print(*[fault(f'gen_muon_1GeV_r1_s{n:04}', 0, 1.0) for n in range(100)])\n"
    )
    return run_python(program).split().index(kind)


@pytest.mark.parametrize(
    ("kind", "reason", "done"),
    [("exit", "exit", 2), ("signal", "signal", 2), ("no_output", "no_output", 0),
     ("truncated", "bad_output", 0)],
)  # fmt: skip
def test_what_a_failing_job_did_before_stays_done(
    tmp_path: Path, kind: str, reason: str, done: int
) -> None:
    first = find_failing_subrun(kind)
    generators = [UnitIdentity(n, n, 1, n, n, 1) for n in range(first, first + 3)]
    units = [LaunchUnit(n, generator=g, parameter="muon_1GeV") for n, g in enumerate(generators, 1)]
    run_units(tmp_path, "generate", "generate.py", units)
    job = list_inputs(tmp_path, "generate")
    (report,) = run_units(
        tmp_path, "reconstruct", "reconstruct.py", [LaunchUnit(1, files=job)], "--faults=1"
    )
    assert report["reason"] == reason
    assert [i["name"] for i in report["inputs"] if i["outcome"] == "done"] == [
        f.name for f in job[:done]
    ]
    found = json.loads(run_verifier(tmp_path / "store", "--json").stdout)
    assert found["reconstruct"]["processed"] == sorted(f.name for f in job[:done])


def test_a_job_that_takes_too_much_and_is_not_stopped_fails() -> None:
    """Else a limit that nobody enforces would look like work well done."""
    for kind in ("memory", "slow"):
        run_python(f"import faults; faults.MOST_S = 0; faults.suffer({kind!r}, 'x')", code=9)


def test_failing_jobs_say_different_things() -> None:
    program = (
        "from faults import complain\n"
        "print(*[complain(f'gen_muon_1GeV_r1_s{n:04}') for n in range(300)])\n"
    )
    codes = run_python(program).split()
    assert all(60 <= codes.count(code) <= 140 for code in ("3", "4", "5"))


def test_the_fit_finds_the_simulated_slope_as_exactly_as_the_planes_allow() -> None:
    """Its error is sigma / sqrt(sum of (z - mean z)^2), as the theory of least squares says."""
    program = (
        "import random; from statistics import fmean, pstdev; from tracks import fit, simulate\n"
        "off = [fit(simulate(7, n, 'muon_1GeV'))[1] - random.Random(7 * 1_000_003 + n).gauss(0, 0.1)\n"
        "       for n in range(2000)]\n"
        "print(fmean(off), pstdev(off))\n"
    )
    mean, width = map(float, run_python(program).split())
    expected = 0.02 / 8250**0.5
    assert abs(mean) < 4 * expected / 2000**0.5
    assert 0.93 * expected < width < 1.07 * expected
