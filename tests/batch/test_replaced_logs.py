"""An event log that another file replaces, wherever its reader is just then: its jobs are believed to end alike."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from batch import JobEvent, Launch
from batch.htcondor.feed import HTCondorFeed
from batch.htcondor.order import locate_event_log
from domain.setup.resources import Resources
from domain.submissions.jobs import JobState

JOBS = (1, 2, 3)
STEP = 197
"""How far the places lie apart at which the log is replaced: no block is a multiple of it."""


def write_cluster_log() -> bytes:
    """What a schedd wrote of one job, for several that come, run and end together."""
    text = (Path(__file__).parents[2] / "bench/joblog.txt").read_text()
    blocks = [block + "\n...\n" for block in text.split("\n...\n")[:-1]]
    pairs = [event + ad for event, ad in zip(blocks[::2], blocks[1::2], strict=True)]
    named = (
        pair.replace("(001.000.000)", f"(001.{proc:03d}.000)").replace(
            "Proc = 0\n", f"Proc = {proc}\n"
        )
        for pair in pairs
        for proc in range(len(JOBS))
    )
    return "".join(named).encode()


WHOLE = write_cluster_log()
ENDED = dict.fromkeys(JOBS, (1, JobState.SUCCEEDED, 0))
CLUSTER_OVER = (
    b"036 (001.-01.000) 2026-11-26 20:44:20 Cluster removed\n"
    b"\tMaterialized 3 jobs from 3 items.\tComplete\n...\n"
)
BLOCK = WHOLE.index(b"\n...\n") + 5


def put_another(log: Path, content: bytes) -> None:
    """Another file under the same name, as a restored or moved spool has it."""
    made = log.with_name("made")
    made.write_bytes(content)
    os.replace(made, log)


def move_spool(log: Path, upto: int) -> None:
    """The rest is written to the copy."""
    put_another(log, WHOLE[:upto])
    with log.open("ab") as file:
        file.write(WHOLE[upto:])


def restore_spool(log: Path, upto: int) -> None:
    """The copy is older than what was read; the schedd writes on, and what was between is lost."""
    put_another(log, WHOLE[: upto // 2] + WHOLE[upto:])


def rotate_log(log: Path, upto: int) -> None:
    """What was read is away, and the schedd writes on into a file that is shorter than that."""
    put_another(log, WHOLE[WHOLE.rfind(b"\n...\n", 0, upto) + 5 if upto > BLOCK else 0 :])


def put_whole_log(log: Path, upto: int) -> None:
    put_another(log, WHOLE)


def begin_in_place(log: Path, upto: int) -> None:
    """The same file, written from its beginning."""
    log.write_bytes(WHOLE)


def find_last_states(events: Sequence[JobEvent]) -> dict[int, tuple[int, JobState, int | None]]:
    """What the last event of each job says: which is the last, their numbers tell."""
    return {
        event.number: (event.attempt, event.state, event.exit_code)
        for event in sorted(events, key=lambda event: event.sequence)
    }


def read_all(feed: HTCondorFeed, read_to: str | None) -> tuple[list[JobEvent], str | None]:
    events: list[JobEvent] = []
    while (batch := feed.read(read_to, 2)).events:
        events, read_to = events + list(batch.events), batch.read_to
    return events, batch.read_to


@dataclass
class CutLog:
    """A log that is read as far as it goes, and what is believed then."""

    launch: Launch
    feed: HTCondorFeed
    events: list[JobEvent]
    read_to: str | None

    def read_on(self, *, is_restarted: bool = False) -> None:
        if is_restarted:
            self.feed = HTCondorFeed(self.launch.directory / "live")
        events, self.read_to = read_all(self.feed, self.read_to)
        self.events += events


def begin_log(folder: Path, upto: int) -> CutLog:
    launch = Launch(f"m{upto}", folder / str(upto), JOBS, Resources(), "a/b")
    log = locate_event_log(launch.directory)
    log.parent.mkdir(parents=True)
    log.write_bytes(WHOLE[:upto])
    feed = HTCondorFeed(launch.directory / "live")
    feed.enter(launch)
    return CutLog(launch, feed, *read_all(feed, None))


@pytest.mark.parametrize(
    "replace", [move_spool, put_whole_log, begin_in_place], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_log_that_is_replaced_anywhere_tells_of_the_same_ends(
    tmp_path: Path, replace: Callable[[Path, int], None], is_restarted: bool
) -> None:
    for upto in range(STEP, len(WHOLE), STEP):
        cut = begin_log(tmp_path, upto)
        replace(locate_event_log(cut.launch.directory), upto)
        cut.read_on(is_restarted=is_restarted)
        assert find_last_states(cut.events) == ENDED, f"replaced after {upto} bytes"


def test_jobs_of_a_log_that_lost_something_are_to_be_looked_up(tmp_path: Path) -> None:
    for upto in range(STEP, len(WHOLE), STEP):
        cut = begin_log(tmp_path, upto)
        restore_spool(locate_event_log(cut.launch.directory), upto)
        cut.read_on()
        assert cut.launch.mark in cut.feed.doubts, f"restored after {upto} bytes"


def test_a_log_that_goes_on_in_another_file_tells_of_the_ends_there(tmp_path: Path) -> None:
    for upto in range(STEP, len(WHOLE), STEP):
        cut = begin_log(tmp_path, upto)
        rotate_log(locate_event_log(cut.launch.directory), upto)
        cut.read_on()
        assert find_last_states(cut.events) == ENDED, f"rotated after {upto} bytes"


def test_a_log_that_lost_something_is_not_over_before_its_jobs_were_looked_up(
    tmp_path: Path,
) -> None:
    cut = begin_log(tmp_path, WHOLE.index(b"\n005 ") + 1)
    log = locate_event_log(cut.launch.directory)
    entry = cut.launch.directory / "live" / cut.launch.mark
    end = WHOLE[WHOLE.rindex(b"\n005 ") + 1 :]
    put_another(log, end + CLUSTER_OVER)

    cut.read_on()
    cut.read_on()
    assert entry.exists()
    assert cut.launch.mark in cut.feed.doubts

    cut.feed.trust([cut.launch.mark])
    cut.read_on()
    cut.read_on()
    assert not entry.exists()
