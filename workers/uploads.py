"""What people uploaded, as launch scripts find it: copies of what was there when their submissions were made."""

import os
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from batch.payload.plain_files import UnsafeFileError, open_plain_file
from db.setup import uploads
from db.setup.uploads import Upload
from db.submissions.submissions import Submission
from domain.launching.launch_scripts import BLOCK
from domain.setup.uploads import locate_upload
from lanes import LaneUnavailable
from workers.outcomes import NothingSubmitted
from workers.tools import WorkerTools, log

PIECE = 1 << 20
MOST_DROPPED = 1_000


async def put_uploads(
    tools: WorkerTools, submission: Submission, folder: Path, *, pack: bool
) -> bytes:
    """Put a submission's uploads into its script's folder; with `pack` they come back as an archive of whole blocks.

    Raises NothingSubmitted where one is not what was uploaded.
    """
    rows = await uploads.list_by_submissions(tools.db, [submission.id])
    root = tools.uploads
    if not rows:
        return b""
    if root is None:
        raise NothingSubmitted(
            "The launch script does not run: the workers don't know where uploads are. Set POMS_UPLOADS for them, too."
        )

    def put() -> bytes:
        for row in rows:
            _copy_upload(root, row, folder)
        return pack_files(folder, rows) if pack else b""

    try:
        return await tools.lanes.prepare.call(put)
    except (OSError, UnsafeFileError, LaneUnavailable) as wrong:
        raise NothingSubmitted(
            f"The launch script does not run: its uploads can't be brought ({wrong})."
        ) from wrong


def _copy_upload(root: Path, row: Upload, folder: Path) -> None:
    """A copy, since a script may write into it; of exactly the bytes that were uploaded."""
    path, copy = locate_upload(root, row.experiment_id, row.person_id, row.id), folder / row.name
    copy.unlink(missing_ok=True)
    digest = sha256()
    with open_plain_file(str(path), str(root)) as source:
        fd = os.open(
            copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        with os.fdopen(fd, "wb") as made:
            while piece := os.read(source, PIECE):
                digest.update(piece)
                made.write(piece)
    if f"sha256:{digest.hexdigest()}" != row.checksum:
        raise UnsafeFileError(f"{row.name} is not as it was uploaded: upload it again")


def pack_files(folder: Path, rows: Sequence[Upload]) -> bytes:
    """The files as an archive for another host, which consists of whole blocks."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for row in rows:
            entry = tarfile.TarInfo(row.name)
            entry.size, entry.mode, entry.mtime = row.size, 0o600, int(row.created_at.timestamp())
            with (folder / row.name).open("rb") as content:
                archive.addfile(entry, content)
    packed.write(b"\0" * (-packed.tell() % BLOCK))
    return packed.getvalue()


async def drop_uploads(tools: WorkerTools) -> None:
    """Remove the bytes of uploads that were removed, and that no launch will read any more."""
    root = tools.uploads
    if root is None:
        return
    rows = await uploads.list_to_drop(tools.db, MOST_DROPPED)

    def drop() -> list[int]:
        return [row.id for row in rows if _drop_upload(root, row)]

    try:
        dropped = await tools.lanes.spool.call(drop) if rows else []
    except LaneUnavailable as wrong:
        log.warning("uploads were not dropped: %s", wrong)
        return
    if dropped:
        await uploads.mark_dropped(tools.db, dropped)


def _drop_upload(root: Path, row: Upload) -> bool:
    """Whether nothing of it is there any more; a folder that is away altogether is no proof."""
    path = locate_upload(root, row.experiment_id, row.person_id, row.id)
    with suppress(OSError):
        path.unlink(missing_ok=path.parent.is_dir())
        return True
    return False
