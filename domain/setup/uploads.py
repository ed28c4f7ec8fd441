"""Files that people bring for their launch scripts: what they may be called, how much they may be, where they lie."""

import re
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_.+,=@-]{0,199}")
"""Plain words: launch scripts name them behind `$UPLOADS/`. None begins with a dot, as what is ours there does."""
MOST_UPLOADS = 1_000
"""Of one person in one experiment."""


def check_upload_name(name: str) -> str | None:
    """What is wrong with the name of an upload, or nothing."""
    if NAME.fullmatch(name):
        return None
    return (
        "An upload is called by 1 to 200 letters, digits and _ . + , = @ -, neither a dot nor a dash first, not"
        f" {name[:100]!r}: give it another name."
    )


def check_quota(used: int, count: int, size: int, most: int) -> str | None:
    """Why one more upload of so many bytes does not go beside those that are there, or nothing."""
    if size > most:
        return f"An upload has at most {_show_bytes(most)}, this one has more: bring less, or ask your operator."
    if used + size > most:
        return (
            f"Your uploads in this experiment take {_show_bytes(used)} of {_show_bytes(most)}, and this one has"
            f" {_show_bytes(size)}: remove some first."
        )
    if count >= MOST_UPLOADS:
        return (
            f"You have {count} uploads in this experiment, as many as one may: remove some first."
        )
    return None


def _show_bytes(size: int) -> str:
    return f"{size:,} bytes" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"


def locate_upload_folder(root: Path, experiment_id: int, person_id: int) -> Path:
    """Where the uploads of a person in an experiment lie: folders are made of ids only, never of names."""
    return root / f"e{experiment_id}" / f"p{person_id}"


def locate_upload(root: Path, experiment_id: int, person_id: int, upload_id: int) -> Path:
    """Where the bytes of an upload lie."""
    return locate_upload_folder(root, experiment_id, person_id) / str(upload_id)
