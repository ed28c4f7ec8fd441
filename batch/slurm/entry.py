"""What a native id of Slurm stands for: arrays, which together have a task for each job."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from batch import journal
from batch.slurm.order import format_ranges


@dataclass(frozen=True, slots=True)
class SlurmEntry(journal.JournalEntry):
    """A launch that is followed."""

    bases: Mapping[int, int] = field(default_factory=dict)
    """Array → what is added to its tasks' ids to get numbers."""

    def __post_init__(self) -> None:
        """As it was written down, an array's id is text."""
        object.__setattr__(
            self, "bases", {int(array): base for array, base in dict(self.bases).items()}
        )

    @property
    def set(self) -> str:
        """What the names of its arrays carry."""
        return self.native_id.rpartition("@")[2]

    def place(self, number: int) -> tuple[int, int]:
        """The array and task of a job."""
        array = max((base, array) for array, base in self.bases.items() if base <= number)[1]
        return array, number - self.bases[array]

    def jobs(self, arrays: Collection[int], numbers: Sequence[int] | None) -> list[str]:
        """All of these arrays, or some tasks of them, as Slurm names them."""
        if numbers is None:
            return [str(array) for array in self.bases if array in arrays]
        tasks: dict[int, list[int]] = {}
        for number in sorted({*numbers} & {*self.numbers}):
            array, task = self.place(number)
            if array in arrays:
                tasks.setdefault(array, []).append(task)
        return [f"{array}_[{format_ranges(each)}]" for array, each in tasks.items()]


Journal = journal.LaunchJournal[SlurmEntry]
