"""Where the files of a submission's experiment may lie, as it is now."""

from pathlib import Path

from db.people import experiments
from domain.people.experiment_folders import list_folders
from workers.tools import WorkerTools


async def list_experiment_folders(tools: WorkerTools, experiment_id: int) -> list[Path]:
    """The experiment's own folder, and those that an admin has given it."""
    (whose,) = await experiments.find_by_ids(tools.db, [experiment_id])
    return list_folders(tools.store, whose.id, whose.folders)
