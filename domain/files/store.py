"""Where the files of each experiment lie in the store: folders are made of ids only, never of names."""

from pathlib import Path

from domain.people.experiment_folders import locate_experiment_folder


def locate_stage_folder(store: Path, experiment_id: int, campaign_id: int, stage_id: int) -> Path:
    """The folder that holds what a stage's jobs made."""
    return locate_experiment_folder(store, experiment_id) / f"c{campaign_id}" / f"s{stage_id}"


def locate_launch_folder(stage: Path, mark: str, test_of: int | None = None) -> Path:
    """The folder that holds what the jobs of one launch made; no other launch, not even a restored
    database's, has its mark. What a test's family made lies in a folder of its own.

    In it each attempt of a job publishes its outputs in a folder that nobody else writes to: `<job>.<attempt>`.
    """
    return (stage if test_of is None else stage / f"t{test_of}") / mark


def is_within(path: Path, folder: Path) -> bool:
    """Whether a path lies below a folder once every symbolic link on the way has been followed (asks the disk)."""
    return path.resolve().is_relative_to(folder.resolve())
