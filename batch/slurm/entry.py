"""What a native id of Slurm stands for: arrays, which together have a task for each job."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from batch import journal


@dataclass(frozen=True, slots=True)
class Entry(journal.Entry):
    """A launch that is followed."""

    bases: Mapping[int, int] = field(default_factory=dict)
    """Array → what is added to its tasks' ids to get numbers."""

    def __post_init__(self) -> None:
        """As it was written down, an array's id is text."""
        object.__setattr__(
            self, "bases", {int(array): base for array, base in dict(self.bases).items()}
        )

    def place(self, number: int) -> tuple[int, int]:
        """The array and task of a job."""
        array = max((base, array) for array, base in self.bases.items() if base <= number)[1]
        return array, number - self.bases[array]


Journal = journal.Journal[Entry]
