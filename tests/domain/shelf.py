"""A dataset in memory, in which the rules of splits look as they do in the database."""

from dataclasses import dataclass, field, replace
from typing import Any

from domain.splits import Source, Steps, Taken, next_slice, parse
from domain.splits.looks import (
    FirstTime,
    InWindow,
    Look,
    NextRun,
    OfRun,
    Staged,
    Untaken,
    Weights,
)


@dataclass(frozen=True)
class File:
    run: int | None = None
    time: float = 0.0
    bytes: int = 0
    events: int = 0


@dataclass
class Shelf:
    """The files of a dataset, those that were marked staged in that order, and what slices have taken."""

    files: list[File] = field(default_factory=list)
    staged: list[int] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)

    def follow(self, steps: Steps, head: int) -> Taken | None:
        try:
            look = next(steps)
            while True:
                look = steps.send(self.answer(look, head))
        except StopIteration as end:
            found: Taken | None = end.value
            return found

    def answer(self, look: Look, head: int) -> Any:
        there = list(enumerate(self.files[:head]))
        match look:
            case NextRun(low, below):
                runs = [f.run for _, f in there if f.run is not None and low <= f.run < below]
                return min(runs, default=None)
            case Untaken(low, but):
                free = (
                    (n, f.run)
                    for n, f in there
                    if n >= low and f.run is not None and f.run not in but and n not in self.taken
                )
                return next(free, None)
            case OfRun(run):
                return [n for n, f in there if f.run == run and n not in self.taken]
            case FirstTime(after, upto):
                return min((f.time for _, f in there if after < f.time <= upto), default=None)
            case InWindow(after, upto):
                found = [(f.time, n) for n, f in there if after < f.time <= upto]
                return [n for _, n in sorted(found)]
            case Staged(place, most):
                return self.staged[place : place + most]
            case Weights(low, most, of):
                return [getattr(f, of) for _, f in there[low : low + most]]


@dataclass
class Stage:
    """A stage that launches slice after slice."""

    split: str
    shelf: Shelf = field(default_factory=Shelf)
    source: Source = field(default_factory=Source)
    cursor: int = 0
    slices: list[Taken] = field(default_factory=list)

    def plan(self) -> Taken | None:
        source = self.source
        if not source.generates and self.shelf.files:
            source = replace(source, head=len(self.shelf.files))
        return self.shelf.follow(next_slice(parse(self.split), self.cursor, source), source.head)

    def launch(self) -> Taken | None:
        if taken := self.plan():
            self.cursor = taken.cursor
            self.slices.append(taken)
            if taken.listed is not None:
                self.shelf.taken.update(taken.listed)
        return taken

    def run(self, most: int = 10_000) -> "Stage":
        while len(self.slices) < most and self.launch():
            pass
        return self

    @property
    def ordinals(self) -> list[list[int]]:
        return [ordinals(taken) for taken in self.slices]

    @property
    def all(self) -> list[int]:
        return [ordinal for found in self.ordinals for ordinal in found]


def ordinals(taken: Taken) -> list[int]:
    return list(range(taken.low, taken.high) if taken.listed is None else taken.listed)
