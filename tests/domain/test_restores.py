"""A database that has forgotten launches is told from one that has not, whatever it went through."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from domain.batch.restores import HighWaterMark, is_older, merge_marks

NEW = HighWaterMark(("h0",), 0, 0)


@dataclass(frozen=True)
class Database:
    """What it says of itself, and the launches that it knows or has been told that it had forgotten."""

    tide: HighWaterMark = NEW
    knows: frozenset[int] = frozenset()


@dataclass
class RestoreModel:
    """One installation: its database, its last dump, what is kept beside both, all launches ever."""

    database: Database = field(default_factory=Database)
    dumped: Database = field(default_factory=Database)
    kept_mark: HighWaterMark | None = None
    launched: int = 0
    histories: int = 0
    was_restored: bool = False

    @property
    def forgotten(self) -> frozenset[int]:
        return frozenset(range(self.launched)) - self.database.knows

    def dump(self) -> None:
        self.dumped = self.database

    def restore(self) -> None:
        self.database, self.was_restored = self.dumped, True

    def launch(self) -> None:
        older = is_older(self.database.tide, self.kept_mark)
        assert older or not self.forgotten
        assert self.was_restored or not older
        if older and self.kept_mark is not None:
            self.begin_again(self.kept_mark)
        tide, launches = self.database.tide, self.database.tide.launches + 1
        tide = replace(tide, launches=launches, submissions=launches)
        self.database = Database(tide, self.database.knows | {self.launched})
        self.launched += 1
        self.kept_mark = merge_marks(tide, self.kept_mark) if self.kept_mark else tide

    def begin_again(self, kept: HighWaterMark) -> None:
        self.histories += 1
        fresh = HighWaterMark((*self.database.tide.histories, f"h{self.histories}"), 0, 0)
        both = merge_marks(fresh, merge_marks(self.database.tide, kept))
        assert both.history == f"h{self.histories}"
        self.kept_mark, self.was_restored = both, False
        self.database = Database(both, frozenset(range(self.launched)))


@given(
    st.lists(
        st.sampled_from([RestoreModel.launch, RestoreModel.dump, RestoreModel.restore]), max_size=40
    )
)
def test_no_launch_is_made_by_a_database_that_has_forgotten_one(steps: list[object]) -> None:
    world = RestoreModel()
    for step in steps:
        assert callable(step)
        step(world)


def test_a_database_without_what_is_kept_beside_it_is_new_or_was_moved() -> None:
    assert not is_older(HighWaterMark(("h0",), 0, 5), None)
    assert is_older(HighWaterMark(("h0",), 1, 5), None)


def test_what_two_know_together_is_nothing_less() -> None:
    both = merge_marks(HighWaterMark(("h0", "h2"), 3, 9), HighWaterMark(("h0", "h1"), 5, 7))
    assert both == HighWaterMark(("h1", "h0", "h2"), 5, 9)
