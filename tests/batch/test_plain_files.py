"""What a job left behind, or put in the place of what it should have left, is read without waiting and in part."""

import os
from pathlib import Path

import pytest

from batch.files import NotPlainError, read_tail
from batch.slurm.vanished import _read_last_start


def test_the_end_of_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"begin" + b"x" * 100)
    assert read_tail(tmp_path / "log", 10) == b"x" * 10
    assert read_tail(tmp_path / "log", 1000).startswith(b"begin")


def test_a_fifo_a_device_and_a_folder_are_no_files_and_a_link_is_not_followed(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(NotPlainError):
            read_tail(path, 10)
    (tmp_path / "link").symlink_to("/etc/passwd")
    for name in ("link", "nothing"):
        with pytest.raises(OSError, match=name):
            read_tail(tmp_path / name, 10)


@pytest.mark.parametrize(
    "line",
    ["[]", "7", '{"attempt": []}', '{"attempt": 1e400}', '{"attempt": "x"}', "[" * 10_000, "\xff",
     '{"attempt": 1099511627776}', '{"attempt": -3}', "9" * 5000],
)  # fmt: skip
def test_starts_that_a_job_made_up_are_none_and_the_others_count(tmp_path: Path, line: str) -> None:
    (tmp_path / "starts").mkdir()
    (tmp_path / "starts/1.jsonl").write_text(f'{line}\n{{"attempt": 2}}\n{line}', "latin-1")
    assert _read_last_start(tmp_path, 1) == 2
