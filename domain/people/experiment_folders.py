"""In which folders an experiment's files may lie: its own, and those that a service admin gave it. Nowhere else."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from domain.names import check_text

MOST_FOLDERS, MOST_PATH = 50, 4_000


def locate_experiment_folder(store: Path, experiment_id: int) -> Path:
    """The folder that holds all of an experiment's files, and nobody else's: `e<experiment id>`."""
    return store / f"e{experiment_id}"


def list_folders(store: Path, experiment_id: int, given: Sequence[str]) -> list[Path]:
    """All that are the experiment's: its own in the store first, then those that it was given."""
    return [locate_experiment_folder(store, experiment_id), *map(Path, given)]


def find_folder(path: str, folders: Sequence[Path]) -> Path | None:
    """The first of the folders below which a path says to lie; the disk is not asked."""
    if check_path(path):
        return None
    return next((folder for folder in folders if folder in Path(path).parents), None)


def check_path(path: str) -> str | None:
    """What is wrong with a place on the disk, whatever lies there."""
    if check_text(path, MOST_PATH):
        return f"A place has at most {MOST_PATH} characters, and no NUL."
    pure = PurePosixPath(path)
    if not pure.is_absolute() or ".." in pure.parts or path.startswith("//"):
        return "This is an absolute path without `..` in it."
    return None


def check_folders(given: Sequence[str], store: Path) -> str | None:
    """What is wrong with folders that an experiment shall be given."""
    if len(given) > MOST_FOLDERS:
        return f"An experiment has at most {MOST_FOLDERS} folders besides its own."
    return next((said for folder in given if (said := _check_folder(folder, store))), None)


def _check_folder(folder: str, store: Path) -> str | None:
    if said := check_path(folder):
        return said
    if store.is_relative_to(folder):
        return "In this folder lie those of all experiments."
    return None
