"""What sacct says, as it said it, and when a record is asked: without any Slurm."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from batch import BatchUnavailable
from batch.slurm import record_queries
from batch.slurm.accounting import parse_array_names, parse_task_ends
from batch.slurm.entry import SlurmEntry
from batch.slurm.order import ArrayName
from batch.slurm.queue import ArrayTask
from batch.slurm.record import REST, Ends, NoRecord
from batch.slurm.record_queries import RecordAnswer, RecordQueries
from domain.submissions.jobs import JobState

SACCT = """\
1_[1-3]|m1:a0:0:1|CANCELLED by 65534|0:0|1795763283|None|1795763295|None assigned
2_1|m1:a1:0:1|COMPLETED|0:0|1795763283|1795763283|1795763284|localhost
3_1|m1:a2:0:1|FAILED|0:9|1795763283|1795763284|1795763285|localhost
18_2|m1:a8:0:1|FAILED|3:0|1795763616|1795763616|1795763617|localhost
5_1|m1:a4:0:1|REQUEUED|0:0|1795763283|1795763286|1795763295|localhost
6_1|m1:a5:0:1|CANCELLED by 65534|0:0|1795763283|1795763295|1795763298|localhost
6_[3-4%1]|m1:a5:0:1|CANCELLED by 65534|0:0|1795763283|1795763298|1795763298|None assigned
5_1|m1:a4:0:1|CANCELLED by 65534|0:0|1795763295|None|1795763298|None assigned
"""
PUT_BACK = """\
20_1|m1:b1:0:1|NODE_FAIL|1:0|1795763880|1795763880|1795763884|localhost
21_1|m1:b2:0:1|RUNNING|0:0|1795763880|1795763885|Unknown|localhost
20_1|m1:b1:0:1|PENDING|0:0|1795763884|Unknown|Unknown|None assigned
23_[4]|m1:b3:0:1|PENDING|0:0|1795763886|Unknown|Unknown|None assigned
"""
LATER = """\
20_1|m1:b1:0:1|NODE_FAIL|1:0|1795763880|1795763880|1795763884|localhost
21_2|m1:b2:0:1|CANCELLED by 65534|0:0|1795763880|None|1795764066|None assigned
20_1|m1:b1:0:1|TIMEOUT|0:0|1795763884|1795764066|1795764127|localhost
"""


def test_ends_are_told_by_set_and_task_and_the_unstarted_rest_of_an_array_apart() -> None:
    found = parse_task_ends(SACCT)
    assert {(k, *place) for k, each in found.items() for place in each} == {
        ("a0", 1, REST), ("a1", 2, 1), ("a2", 3, 1), ("a4", 5, 1), ("a5", 6, 1), ("a5", 6, REST), ("a8", 18, 2),
    }  # fmt: skip
    done, killed, failed = found["a1"][2, 1], found["a2"][3, 1], found["a8"][18, 2]
    assert done == ArrayTask(
        2, 1, "COMPLETED", "", 0, "0:0", 1795763283, 1795763283, 1795763284, "localhost", "", "a1"
    )
    assert (killed.state, killed.exit, failed.exit) == (JobState.FAILED, "0:9", "3:0")
    rest, ran = found["a5"][6, REST], found["a5"][6, 1]
    assert (rest.state, rest.nodes, ran.state) == (JobState.REMOVED, "", JobState.REMOVED)
    assert ran.nodes == "localhost"
    assert (found["a0"][1, REST].started, found["a0"][1, REST].ended) == (0.0, 1795763295)


def test_of_a_job_that_was_put_back_only_its_last_run_counts() -> None:
    assert parse_task_ends(SACCT)["a4"][5, 1].nodes == ""
    assert all(not each for each in parse_task_ends(PUT_BACK).values())
    for text in (LATER, "".join(reversed(LATER.splitlines(keepends=True)))):
        assert parse_task_ends(text)["b1"][20, 1].word == "TIMEOUT"


def test_marks_are_found_and_what_is_not_ours_is_passed_over() -> None:
    others = "7|wrap|COMPLETED|0:0|1|1|2|n1\n8_1|a|b|FAILED|1:0|1|1|2|n1\nsacct: something else\n"
    text = others + SACCT.replace("3_1|m1", "3_1|m2")
    assert parse_array_names(text, "m2") == {3: ArrayName("m2", "a2", 0, 1)}
    assert parse_array_names(text, "m") == {}
    assert parse_task_ends(others) == {}


class SilentRecord(NoRecord):
    """A record that tells nothing, or is away."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.is_away = False

    def read_ends(self, sets: Mapping[str, Collection[int]]) -> Mapping[str, Ends]:
        self.asked.append({*sets})
        if self.is_away:
            raise BatchUnavailable("away")
        return {}


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(record_queries, "time", made)
    return made


ENTRIES = {f"{n}@a{n}": SlurmEntry(f"{n}@a{n}", "m", Path(), [1, 2], {n: 0}) for n in (1, 2)}


def test_what_is_not_told_is_asked_again_ever_later_and_what_is_newly_gone_at_once(
    clock: Clock,
) -> None:
    record, made = SilentRecord(), RecordQueries(5.0)
    first, second = ENTRIES
    for _ in range(1000):
        assert made.answers({first: {1}}, ENTRIES, record)[first] == RecordAnswer()
        clock.now += 5
    assert 8 < len(record.asked) < 20
    assert set(map(frozenset, record.asked)) == {frozenset({"a1"})}
    record.asked.clear()
    made.answers({first: {1}, second: {2}}, ENTRIES, record)
    assert record.asked[-1] >= {"a2"}
    made.answers({first: {1, 2}, second: {2}}, ENTRIES, record)
    assert len(record.asked) == 2
    made.answers({}, ENTRIES, record)
    assert len(record.asked) == 2


def test_a_record_that_is_away_is_asked_by_nobody_for_a_while_and_that_is_told_only_later(
    clock: Clock,
) -> None:
    record, made = SilentRecord(), RecordQueries(5.0)
    record.is_away = True
    first, second = ENTRIES
    answer = made.answers({first: {1}}, ENTRIES, record)[first]
    assert answer == RecordAnswer(is_told=False)
    made.answers({first: {1}, second: {1}}, ENTRIES, record)
    assert len(record.asked) == 1
    for _ in range(120):
        clock.now += 5
        answer = made.answers({first: {1}}, ENTRIES, record)[first]
    assert answer == RecordAnswer(is_told=False, why_not="away")
    assert 8 < len(record.asked) < 20
    record.is_away = False
    clock.now += 60
    assert made.answers({first: {1}}, ENTRIES, record)[first] == RecordAnswer()
