"""The example's programs through the real payload, and a verifier that finds every kind of wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from batch.directory import Generator, InputFile, Order, Unit, prepare

EXAMPLES = Path(__file__).parents[2] / "examples"
DETECTOR = EXAMPLES / "detector"


def run(tmp: Path, stage: str, program: str, units: list[Unit]) -> list[dict[str, object]]:
    """Run every unit of a stage by the payload; returns the reports."""
    store = tmp / "store" / stage
    order = Order(
        mark=f"m-{stage}", command=[sys.executable, str(DETECTOR / program)],
        check=[sys.executable, str(DETECTOR / "check.py")], store=str(store), units=units,
        patterns=["*.jsonl"],
    )  # fmt: skip
    directory = prepare(tmp / "spool", order)
    for unit in units:
        scratch = tmp / "scratch" / f"{stage}-{unit.number}"
        scratch.mkdir(parents=True)
        payload = [sys.executable, "-I", str(directory / "payload.py"), str(directory)]
        subprocess.run([*payload, str(unit.number), "1"], cwd=scratch, check=True)
    return [json.loads(p.read_text()) for p in sorted((directory / "reports").glob("*.json"))]


def inputs(tmp: Path, stage: str) -> list[InputFile]:
    found = sorted((tmp / "store" / stage).glob("*.jsonl"))
    return [InputFile(n, p.name, str(p), p.stat().st_size) for n, p in enumerate(found, 1)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    generators = [Generator(n, 77 + n, 1, n + 1, n * 5 + 1, 5) for n in range(3)]
    made = [Unit(n, generator=g, parameter="muon_1GeV") for n, g in enumerate(generators, 1)]
    run(tmp_path, "generate", "generate.py", made)
    run(tmp_path, "reconstruct", "reconstruct.py", [Unit(1, files=inputs(tmp_path, "generate"))])
    run(tmp_path, "merge", "merge.py", [Unit(1, files=inputs(tmp_path, "reconstruct"))])
    return tmp_path / "store"


def verify(store: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(EXAMPLES / "verify.py"), str(store), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def record(store: Path, tmp_path: Path, **changed: object) -> Path:
    mine = json.loads(verify(store, "--json").stdout)
    mine["reconstruct"] |= changed
    (tmp_path / "record.json").write_text(json.dumps(mine))
    return tmp_path / "record.json"


def test_the_chain_is_recomputed_and_equals_its_record(store: Path, tmp_path: Path) -> None:
    found = verify(store, "--against", str(record(store, tmp_path)))
    assert found.returncode == 0, found.stderr
    assert "agree exactly" in found.stdout
    mine = json.loads(verify(store, "--json").stdout)
    assert [len(mine[s]["files"]) for s in ("generate", "reconstruct", "merge")] == [3, 3, 1]
    assert [mine[s]["events"] for s in ("generate", "reconstruct", "merge")] == [15, 15, 15]


def test_a_record_with_another_number_of_events_differs(store: Path, tmp_path: Path) -> None:
    found = verify(store, "--against", str(record(store, tmp_path, events=16)))
    assert found.returncode == 1
    assert "15 events on disk, 16 in the record" in found.stderr


def test_a_record_with_another_file_differs(store: Path, tmp_path: Path) -> None:
    found = verify(store, "--against", str(record(store, tmp_path, processed=["x.jsonl"])))
    assert "x.jsonl is in the record, not on disk" in found.stderr


def test_a_file_that_was_cut_off_is_not_counted(store: Path, tmp_path: Path) -> None:
    against = record(store, tmp_path)
    victim = next((store / "merge").glob("*"))
    victim.write_text(victim.read_text()[:-40])
    found = verify(store, "--against", str(against))
    assert found.returncode == 1
    assert "is in the record, not on disk" in found.stderr


def test_an_input_that_two_outputs_processed_is_wrong(store: Path) -> None:
    first = next((store / "reconstruct").glob("*"))
    (store / "reconstruct" / "twin.jsonl").write_text(first.read_text())
    assert "processed twice" in verify(store).stderr


def test_a_wrong_number_is_found_even_with_a_right_checksum(store: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(DETECTOR)!r})\n"
        "from tracks import read, write\n"
        "header, rows = read(sys.argv[1])\n"
        "rows[0]['fit'][1] += 0.001\n"
        "write(sys.argv[1], header, rows)\n"
    )
    victim = next((store / "reconstruct").glob("*"))
    subprocess.run([sys.executable, "-c", program, str(victim)], check=True)
    assert "the fit of event" in verify(store).stderr


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
