"""A dataset in memory, in which the rules of splits look as they do in the database."""

from dataclasses import dataclass, field, replace
from typing import Any

from domain.campaigns.splits.queries import (
    FileWeights,
    FirstTime,
    InWindow,
    Look,
    NextRun,
    OfRun,
    SplitSource,
    StagedFiles,
    Steps,
    TakenSlice,
    UntakenRun,
)
from domain.campaigns.splits.reading import parse_split
from domain.campaigns.splits.slicing import choose_next_slice


@dataclass(frozen=True)
class SplitFile:
    run: int | None = None
    time: float = 0.0
    bytes: int = 0
    events: int = 0


@dataclass
class MemoryDataset:
    """The files of a dataset, those that were marked staged in that order, and what slices have taken."""

    files: list[SplitFile] = field(default_factory=list)
    staged: list[int] = field(default_factory=list)
    taken_ordinals: set[int] = field(default_factory=set)

    def follow(self, steps: Steps, head: int) -> TakenSlice | None:
        try:
            look = next(steps)
            while True:
                look = steps.send(self.answer(look, head))
        except StopIteration as end:
            found: TakenSlice | None = end.value
            return found

    def answer(self, look: Look, head: int) -> Any:
        there = list(enumerate(self.files[:head]))
        match look:
            case NextRun(low, below):
                runs = [f.run for _, f in there if f.run is not None and low <= f.run < below]
                return min(runs, default=None)
            case UntakenRun(low, but):
                free = (
                    (n, f.run)
                    for n, f in there
                    if n >= low
                    and f.run is not None
                    and f.run not in but
                    and n not in self.taken_ordinals
                )
                return next(free, None)
            case OfRun(run):
                return [n for n, f in there if f.run == run and n not in self.taken_ordinals]
            case FirstTime(after, upto):
                return min((f.time for _, f in there if after < f.time <= upto), default=None)
            case InWindow(after, upto):
                found = [(f.time, n) for n, f in there if after < f.time <= upto]
                return [n for _, n in sorted(found)]
            case StagedFiles(place, most):
                return self.staged[place : place + most]
            case FileWeights(low, most, of):
                return [getattr(f, of) for _, f in there[low : low + most]]


@dataclass
class SplitStage:
    """A stage that launches slice after slice."""

    split: str
    shelf: MemoryDataset = field(default_factory=MemoryDataset)
    source: SplitSource = field(default_factory=SplitSource)
    cursor: int = 0
    slices: list[TakenSlice] = field(default_factory=list)

    def plan(self) -> TakenSlice | None:
        source = self.source
        if not source.generates and self.shelf.files:
            source = replace(source, head=len(self.shelf.files))
        return self.shelf.follow(
            choose_next_slice(parse_split(self.split), self.cursor, source), source.head
        )

    def launch(self) -> TakenSlice | None:
        if taken := self.plan():
            self.cursor = taken.cursor
            self.slices.append(taken)
            if taken.listed is not None:
                self.shelf.taken_ordinals.update(taken.listed)
        return taken

    def run(self, most: int = 10_000) -> "SplitStage":
        while len(self.slices) < most and self.launch():
            pass
        return self

    @property
    def ordinals(self) -> list[list[int]]:
        return [list_ordinals(taken) for taken in self.slices]

    @property
    def all(self) -> list[int]:
        return [ordinal for found in self.ordinals for ordinal in found]


def list_ordinals(taken: TakenSlice) -> list[int]:
    return list(range(taken.low, taken.high) if taken.listed is None else taken.listed)
