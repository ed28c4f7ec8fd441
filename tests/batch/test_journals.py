"""The journals of a batch system as accidents leave them: cut, copied, damaged, lost; read on all the same."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch import JobEvent
from batch.journal import JournalEntry, LaunchJournal, order_events
from batch.journals import JournalFolder, Places, parse_places
from domain.submissions.jobs import JobState

AT = datetime(2026, 1, 1, tzinfo=UTC)


def make_event(number: int, state: JobState, attempt: int = 1) -> JobEvent:
    return JobEvent("7", number, attempt, state, AT, 0)


class Reader:
    """Reads a folder of journals, and commits each place as the database does: as JSON."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.places = folder, "{}"
        self.events: list[JobEvent] = []

    def read(self, bound: int = 100) -> list[JobEvent]:
        journals, committed = (
            JournalFolder(self.folder, JournalEntry),
            parse_places(json.loads(self.places)),
        )
        entries = journals.live(committed)
        for native_id in entries:
            journals.journal(native_id).catch_up()
        events, places = journals.read(committed, entries, bound)
        self.places = json.dumps(places)
        self.events += events
        return events

    @property
    def committed(self) -> Places:
        return parse_places(json.loads(self.places))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    follow_jobs(tmp_path / "slurm").tell(
        [make_event(1, JobState.IDLE, 0), make_event(1, JobState.RUNNING)]
    )
    return tmp_path / "slurm"


def follow_jobs(folder: Path, jobs: int = 2) -> LaunchJournal[JournalEntry]:
    journal = LaunchJournal(folder / "7", JournalEntry)
    journal.make(JournalEntry("7", "m1", folder, range(1, jobs + 1)))
    journal.catch_up()
    return journal


def read_all(folder: Path) -> LaunchJournal[JournalEntry]:
    journal = LaunchJournal(folder / "7", JournalEntry)
    journal.catch_up()
    return journal


def list_states(events: list[JobEvent]) -> list[tuple[int, str]]:
    return [(e.number, e.state.value) for e in events]


def test_a_journal_that_was_cut_and_written_on_beyond_the_old_place_is_another_one(
    folder: Path,
) -> None:
    reader = Reader(folder)
    before = reader.read()
    told = folder / "7/told"
    told.write_bytes(told.read_bytes().splitlines(keepends=True)[0])
    read_all(folder).tell([make_event(2, JobState.HELD, 0), make_event(1, JobState.SUCCEEDED)])
    after = reader.read()
    assert list_states(after) == [(1, "idle"), (2, "held"), (1, "succeeded")]
    assert min(e.sequence for e in after) > max(e.sequence for e in before)


def test_who_tells_knows_when_somebody_else_has_cut_the_journal(folder: Path) -> None:
    journal = read_all(folder)
    told = folder / "7/told"
    lines = told.read_bytes().splitlines(keepends=True)
    told.write_bytes(lines[0] + b" " * (len(lines[1]) - 1) + b"\n")
    journal.catch_up()
    assert journal.known[1].state is JobState.IDLE
    assert journal.looked == {}


def test_a_copy_of_a_journal_is_read_on_from_the_same_place(folder: Path) -> None:
    reader = Reader(folder)
    reader.read()
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)
    read_all(folder).tell([make_event(1, JobState.SUCCEEDED)])
    assert list_states(reader.read()) == [(1, "succeeded")]


@pytest.mark.parametrize("rest", [b'{"number": 2, "attem', b'{"a": 1}\n', b"\0" * 100, b"[]\n"])
def test_what_is_no_line_of_ours_stops_nobody(folder: Path, rest: bytes) -> None:
    reader = Reader(folder)
    reader.read()
    with (folder / "7/told").open("ab") as file:
        file.write(rest)
    assert read_all(folder).is_caught_up
    assert reader.read() == []
    read_all(folder).tell([make_event(n, JobState.SUCCEEDED) for n in (1, 2)])
    assert list_states(reader.read()) == [(1, "succeeded"), (2, "succeeded")]
    assert reader.committed["7"].is_over


BAD = (
    b"\xff\xfe", b"null", b'{"number": "1", "attempt": 1, "state": "idle", "at": "2026-01-01T00:00:00+00:00"}',
    b'{"number": 1, "attempt": 1, "state": "idle", "at": "2026-01-01T00:00:00"}',
    b'{"number": 1, "attempt": 99999999999999999999, "state": "idle", "at": "2026-01-01T00:00:00+00:00"}',
    b'{"number": 1, "attempt": 1, "state": "lost", "at": "2026-01-01T00:00:00+00:00"}',
    b'{"number": 1, "attempt": 1, "state": "held", "at": "2026-01-01T00:00:00+00:00", "text": 5}',
    b'{"number": 1, "attempt": 1, "state": "idle", "at": "0001-01-01T00:00:00+14:00"}',
)  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_lines_that_nobody_could_apply_are_passed_over(folder: Path, line: bytes) -> None:
    reader = Reader(folder)
    reader.read()
    with (folder / "7/told").open("ab") as file:
        file.write(line + b"\n")
    read_all(folder).tell([make_event(1, JobState.SUCCEEDED)])
    assert list_states(reader.read()) == [(1, "succeeded")]


def test_a_journal_whose_entry_is_damaged_stops_no_other_and_can_be_made_again(
    folder: Path,
) -> None:
    for text in ("", "{}", "[1]", "\0\0\0"):
        (folder / "7/entry").write_text(text)
        assert JournalFolder(folder, JournalEntry).entries() == {}
        follow_jobs(folder)
        (entry,) = JournalFolder(folder, JournalEntry).entries().values()
        assert entry.mark == "m1"
    assert list_states(Reader(folder).read()) == [(1, "idle"), (1, "running")]


def test_what_was_asked_is_known_as_far_as_it_can_be_read(folder: Path) -> None:
    journal = read_all(folder)
    journal.ask("hold", "wait", [1])
    with (folder / "7/asked").open("ab") as file:
        file.write(b'null\n{"verb": 7}\n\xff\n')
    journal.ask("remove", "enough", None)
    assert [each["verb"] for each in journal.list_requests()] == ["hold", "remove"]


def test_a_folder_that_is_away_for_a_while_is_read_on_with_places_that_grow(folder: Path) -> None:
    reader = Reader(folder)
    reader.read()
    told = folder / "7/told"
    told.unlink()
    read_all(folder).tell([make_event(1, JobState.RUNNING, 2)])
    before = reader.read()
    assert list_states(before) == [(1, "running")]
    away = folder.rename(folder.with_name("away"))
    reader.read()
    away.rename(folder)
    read_all(folder).tell([make_event(1, JobState.SUCCEEDED, 2)])
    after = reader.read()
    assert list_states(after) == [(1, "succeeded")]
    assert after[0].sequence > before[0].sequence


def test_a_journal_taken_up_again_beside_one_that_was_made_anew_hinders_nothing(
    folder: Path,
) -> None:
    read_all(folder).tell([make_event(n, JobState.SUCCEEDED) for n in (1, 2)])
    reader = Reader(folder)
    reader.read()
    reader.read()
    assert not (folder / "7").exists()
    follow_jobs(folder)
    JournalFolder(folder, JournalEntry).look_back()
    assert {*JournalFolder(folder, JournalEntry).entries()} == {"7"}


@given(ahead=st.integers(-7200, 7200))
def test_the_events_of_one_job_stay_in_their_order_whatever_clocks_say(ahead: int) -> None:
    """A batch system's clock tells when a job was submitted, ours when it was seen held."""
    submitted = make_event(1, JobState.IDLE, 0)._replace(at=AT + timedelta(seconds=ahead))
    held = make_event(1, JobState.HELD, 0)
    ordered = order_events({1: [submitted, held], 2: [make_event(2, JobState.IDLE, 0)]})
    assert [e.state for e in ordered if e.number == 1] == [JobState.IDLE, JobState.HELD]


def test_a_launch_that_is_over_and_looked_up_tells_its_ends_once_more(folder: Path) -> None:
    reader = Reader(folder)
    reader.read()
    (folder / "7/told").unlink()
    read_all(folder).tell([make_event(n, JobState.SUCCEEDED) for n in (1, 2)])
    before = reader.read()
    assert before[0].sequence >= 1 << 40
    reader.read()
    assert not (folder / "7").exists()
    journals = JournalFolder(folder, JournalEntry)
    assert journals.take_up("7").mark == "m1"
    after = reader.read()
    assert list_states(after[-2:]) == [(1, "succeeded"), (2, "succeeded")]
    assert after[-2].sequence > max(e.sequence for e in before)
