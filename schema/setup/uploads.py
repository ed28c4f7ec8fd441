"""What people bring for their launch scripts, as a client sees it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from db.setup import uploads
from door.describe import declare_object_type
from schema.ids import node_id
from schema.numbers import BigInt
from schema.problems import MutationProblem


@declare_object_type
class Upload:
    """A file that somebody brought: launch scripts of what they launch find it in `$UPLOADS`."""

    id: strawberry.ID
    """By which it is removed; another file of the same name has another one."""
    name: str
    """What it is called there."""
    size: BigInt
    """In bytes."""
    checksum: str
    """Of its bytes: `sha256:…`."""
    created_at: datetime
    """When it was brought."""
    removed_at: datetime | None
    """When it was removed, or another one took its place; only launches that were made before find it."""

    @classmethod
    def of(cls, row: uploads.Upload) -> "Upload":
        """Show a row."""
        return cls(
            id=strawberry.ID(node_id("upload", row.id)),
            name=row.name,
            size=row.size,
            checksum=row.checksum,
            created_at=row.created_at,
            removed_at=row.removed_at,
        )


@declare_object_type
class UploadFolder:
    """Your uploads in an experiment, as launches that you make now find them."""

    files: list[Upload]
    """All of them, by name."""
    bytes: BigInt
    """How much they are together."""
    quota_bytes: BigInt
    """How much they may be."""

    @classmethod
    def of(cls, rows: Sequence[uploads.Upload], most: int) -> "UploadFolder":
        """Show rows."""
        return cls(
            files=[Upload.of(row) for row in rows],
            bytes=sum(row.size for row in rows),
            quota_bytes=most,
        )


@declare_object_type
class UploadRemoved:
    """It is gone; launches that were made before find it still."""

    id: strawberry.ID
    """Which one it was."""
    name: str
    """What it was called."""


RemoveUploadResult = Annotated[
    UploadRemoved | MutationProblem,
    strawberry.union("RemoveUploadResult"),
]
