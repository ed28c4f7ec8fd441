"""What a batch system starts a job with waits for a launch directory that is away just then."""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from batch import Launch
from batch.directory import LaunchOrder, LaunchUnit, prepare_directory, put_entry
from batch.htcondor import order as htcondor_order
from batch.htcondor.access import HTCondorAccess
from batch.slurm import order as slurm_order
from domain.setup.resources import Resources


def build_htcondor_words(directory: Path) -> list[str]:
    """As the starter divides the arguments of a submit description."""
    access = HTCondorAccess("127.0.0.1:1")
    htcondor_order.put_script(directory)
    launch = Launch("m1", directory, (1,), Resources(), "reco")
    described = htcondor_order.describe_submission(launch, access)
    words = described["arguments"].replace("$(POMS_NUMBER)", "1")
    return [described["executable"], *shlex.split(words[1:-1].replace('""', '"'))]


def build_slurm_words(directory: Path) -> list[str]:
    """Slurm has the script itself."""
    slurm_order.put_script(directory)
    own = (directory / "job.sh").rename(directory.parent / "job.sh")
    return ["/bin/sh", str(own), str(directory), "1"]


def build_entry_words(directory: Path) -> list[str]:
    """A launch script's jobs have the script in their sandbox."""
    put_entry(directory)
    own = (directory / "run").rename(directory.parent / "run")
    return [str(own), "1", "/bin/sh", "-c", "echo result > x.root"]


@pytest.mark.parametrize("build", [build_htcondor_words, build_slurm_words, build_entry_words])
def test_a_job_whose_launch_directory_goes_away_before_it_is_read_waits_for_it(
    tmp_path: Path, build: Callable[[Path], list[str]]
) -> None:
    command = ["/bin/sh", "-c", "echo result > x.root"]
    order = LaunchOrder("m1", command, str(tmp_path / "store"), [LaunchUnit(1)])
    directory = prepare_directory(tmp_path, order)
    words = build(directory)
    away = directory.rename(tmp_path / "away")
    with start_job(words, tmp_path) as job:
        with pytest.raises(subprocess.TimeoutExpired):
            job.wait(1.5)
        away.rename(directory)
        assert job.wait(30) == 0
    assert (directory / "reports/1.1.json").exists()


def start_job(words: Sequence[str], home: Path) -> subprocess.Popen[bytes]:
    scratch = home / "scratch"
    scratch.mkdir()
    (scratch / "ad").write_text("NumShadowStarts = 1\n")
    told: Mapping[str, str] = {
        "_CONDOR_JOB_AD": str(scratch / "ad"),
        "_CONDOR_SCRATCH_DIR": str(scratch),
        "SLURM_ARRAY_TASK_ID": "0",
        "TMPDIR": str(scratch),
    }
    return subprocess.Popen(words, cwd=scratch, env={**os.environ, **told})
