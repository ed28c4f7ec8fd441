"""The journals in which it is written down what queries show."""

from datetime import UTC, datetime
from pathlib import Path

from batch import JobEvent
from batch.journal import JournalEntry, LaunchJournal
from batch.slurm import entry as slurm
from domain.submissions.jobs import JobState


def test_a_journal_that_a_crash_cut_off_goes_on_with_a_line_of_its_own(tmp_path: Path) -> None:
    journal = LaunchJournal(tmp_path / "7", JournalEntry)
    journal.make(JournalEntry("7", "m1", tmp_path, range(1, 3)))
    at = datetime.now(UTC)
    first, second = (JobEvent("7", n, 0, JobState.IDLE, at, 0) for n in (1, 2))
    journal.tell([first])
    with (tmp_path / "7/told").open("a") as file:
        file.write('{"number": 2, "att')
    journal.tell([second])
    assert [event and event.number for _, event in journal.read_events(0)] == [1, None, 2]
    assert {n: known.as_told for n, known in journal.known.items()} == {
        1: (JobState.IDLE, 0), 2: (JobState.IDLE, 0),
    }  # fmt: skip


def test_what_is_followed_is_read_as_it_was_written(tmp_path: Path) -> None:
    for n, numbers in enumerate((range(1, 3), [5, 3, 9])):
        entry = slurm.SlurmEntry(str(n), "m1", tmp_path, numbers, {7: 0, 9: 100})
        LaunchJournal(tmp_path / str(n), slurm.SlurmEntry).make(entry)
        assert LaunchJournal(tmp_path / str(n), slurm.SlurmEntry).entry() == entry
