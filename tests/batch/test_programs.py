"""A program of Slurm's that does not end in time is killed, with all that it has started."""

from pathlib import Path

import pytest

from batch import BatchUnavailable
from batch.slurm import SlurmAccess
from batch.slurm.programs import SlurmPrograms
from tests.batch.batch_fixtures import list_processes_with
from tests.conftest import wait_until

# What a child of it holds open must not keep us, either.
HANGS = "#!/bin/sh\nsleep 3600 &\nkill -STOP $$\n"
LINGERS = "#!/bin/sh\nsleep 3600 &\necho said\n"


def make_programs(folder: Path, text: str) -> SlurmPrograms:
    (folder / "squeue").write_text(text)
    (folder / "squeue").chmod(0o755)
    return SlurmPrograms(SlurmAccess(programs=folder, call_s=0.5))


@pytest.mark.parametrize("text", [HANGS, LINGERS])
def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path, text: str) -> None:
    with pytest.raises(BatchUnavailable, match=r"squeue gave no answer within"):
        make_programs(tmp_path, text).run("squeue", "--me")
    wait_until(
        lambda: not list_processes_with(f"PATH={tmp_path}"), what="the end of all that it started"
    )


def test_a_program_that_ends_says_what_it_said(tmp_path: Path) -> None:
    asked = make_programs(tmp_path, '#!/bin/sh\necho "$1 $SLURM_TIME_FORMAT"\n')
    assert asked.run("squeue", "--me", SLURM_TIME_FORMAT="%s") == "--me %s\n"
