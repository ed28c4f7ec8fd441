"""The journals in which it is written down what queries show."""

from datetime import UTC, datetime
from pathlib import Path

from batch import JobEvent
from batch.journal import Entry, Journal
from batch.slurm import entry as slurm
from domain.jobs import JobState


def test_a_journal_that_a_crash_cut_off_goes_on_with_a_line_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "7", Entry)
    journal.make(Entry("7", "m1", tmp_path, range(1, 3)))
    at = datetime.now(UTC)
    first, second = (JobEvent("7", n, 0, JobState.IDLE, at, 0) for n in (1, 2))
    journal.tell([first])
    with (tmp_path / "7/told").open("a") as file:
        file.write('{"number": 2, "att')
    journal.tell([second])
    assert [event.number for _, event in journal.told(0)] == [1, 2]
    assert {n: known.as_told for n, known in journal.known.items()} == {
        1: (JobState.IDLE, 0), 2: (JobState.IDLE, 0),
    }  # fmt: skip


def test_what_is_followed_is_read_as_it_was_written(tmp_path: Path) -> None:
    for n, numbers in enumerate((range(1, 3), [5, 3, 9])):
        entry = slurm.Entry(str(n), "m1", tmp_path, numbers, {7: 0, 9: 100})
        Journal(tmp_path / str(n), slurm.Entry).make(entry)
        assert Journal(tmp_path / str(n), slurm.Entry).entry() == entry
