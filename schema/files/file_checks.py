"""Looks at whether files are there, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.files import file_checks
from door.describe import declare_object_type
from schema.numbers import BigInt
from schema.problems import Invalid, MutationProblem


@declare_object_type
class FileProblem:
    """A file that is not as it should be."""

    name: str
    """The file's name."""
    location: str | None
    """Where it is said to lie."""
    problem: str
    """What was found instead."""


@declare_object_type
class FileCheck:
    """What a worker found where files are said to lie: the last time, with its age.

    Paths on disks are looked at, none is opened; what lies at an address, or in an outside catalog, is `unknown`.
    """

    is_pending: bool
    """Somebody asked, and it is not done yet: what stands here is older."""
    is_whole: bool
    """All files were asked for, not a sample of 1,000 that lie evenly among them."""
    requested_at: datetime
    """When somebody asked last."""
    done_at: datetime | None
    """When it was done last; null: never, nothing is known yet."""
    age_s: int | None
    """How long ago that was."""
    files: BigInt
    """How many files it was about."""
    looked: BigInt
    """Of how many of them it says something: what follows is of these."""
    missing: BigInt
    """How many are not there, or are no plain files."""
    other_size: BigInt
    """How many have another size than is known of them."""
    on_tape: BigInt
    """How many are only on tape: marked so, at a place of tapes, or said so by dCache."""
    unknown: BigInt
    """How many could not be looked at."""
    examples: list[FileProblem]
    """The first 20 that are missing or have another size."""
    trouble: str
    """Why the last look failed, or empty; what was found before stays."""

    @classmethod
    def of(cls, row: file_checks.FileCheck) -> "FileCheck":
        """Show a row."""
        return cls(
            is_pending=row.due_at is not None,
            is_whole=row.is_whole,
            requested_at=row.requested_at,
            done_at=row.done_at,
            age_s=row.age_s,
            files=row.files,
            looked=row.looked,
            missing=row.missing,
            other_size=row.other_size,
            on_tape=row.on_tape,
            unknown=row.unknown,
            examples=[FileProblem(**each) for each in row.examples],
            trouble=row.trouble,
        )


CheckFilesResult = Annotated[
    FileCheck | MutationProblem | Invalid, strawberry.union("CheckFilesResult")
]
