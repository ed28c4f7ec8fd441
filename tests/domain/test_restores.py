"""A database that has forgotten launches is told from one that has not, whatever it went through."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from domain.restores import Tide, is_older, later

NEW = Tide(("h0",), 0, 0)


@dataclass(frozen=True)
class Database:
    """What it says of itself, and the launches that it knows or has been told that it had forgotten."""

    tide: Tide = NEW
    knows: frozenset[int] = frozenset()


@dataclass
class World:
    """One installation: its database, its last dump, what is kept beside both, all launches ever."""

    database: Database = field(default_factory=Database)
    dumped: Database = field(default_factory=Database)
    kept: Tide | None = None
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
        older = is_older(self.database.tide, self.kept)
        assert older or not self.forgotten
        assert self.was_restored or not older
        if older and self.kept is not None:
            self.begin_again(self.kept)
        tide, launches = self.database.tide, self.database.tide.launches + 1
        tide = replace(tide, launches=launches, submissions=launches)
        self.database = Database(tide, self.database.knows | {self.launched})
        self.launched += 1
        self.kept = later(tide, self.kept) if self.kept else tide

    def begin_again(self, kept: Tide) -> None:
        self.histories += 1
        fresh = Tide((*self.database.tide.histories, f"h{self.histories}"), 0, 0)
        both = later(fresh, later(self.database.tide, kept))
        assert both.history == f"h{self.histories}"
        self.kept, self.was_restored = both, False
        self.database = Database(both, frozenset(range(self.launched)))


@given(st.lists(st.sampled_from([World.launch, World.dump, World.restore]), max_size=40))
def test_no_launch_is_made_by_a_database_that_has_forgotten_one(steps: list[object]) -> None:
    world = World()
    for step in steps:
        assert callable(step)
        step(world)


def test_a_database_without_what_is_kept_beside_it_is_new_or_was_moved() -> None:
    assert not is_older(Tide(("h0",), 0, 5), None)
    assert is_older(Tide(("h0",), 1, 5), None)


def test_what_two_know_together_is_nothing_less() -> None:
    both = later(Tide(("h0", "h2"), 3, 9), Tide(("h0", "h1"), 5, 7))
    assert both == Tide(("h1", "h0", "h2"), 5, 9)
