"""SAM's projects: what is handed out to processes, and what became of it."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from tests.catalogs.sam_stand_in.dimensions import run_dimensions
from tests.catalogs.sam_stand_in.store import SamExperiment, SamFault, SamProject

ProcessAnswer = tuple[int, str, dict[str, str]]
"""A status, a text and headers."""


def take_snapshot(experiment: SamExperiment, name: str) -> int:
    """A list of what a definition finds now; its id."""
    definition = experiment.find_definition(name)
    id_ = experiment.draw_id()
    experiment.snapshots[id_] = run_dimensions(f"defname: {name}", experiment)
    definition.is_used = True
    return id_


def start_project(experiment: SamExperiment, name: str, definition: str) -> None:
    """A project over what a definition finds now."""
    if name in experiment.projects:
        raise SamFault(409, "ProjectAlreadyExists", f"Project name '{name}' already exists")
    snapshot = take_snapshot(experiment, definition)
    left = list(experiment.snapshots[snapshot])
    experiment.projects[name] = SamProject(name, snapshot, definition, left)


def act_on_project(experiment: SamExperiment, found: SamProject, verb: str) -> str | dict[str, Any]:
    """What a project is asked by its name."""
    match verb:
        case "summary":
            return describe_project(experiment, found)
        case "recovery_dimensions":
            consumed = f"(project_name {found.name} and consumed_status consumed)"
            return f"snapshot_for_project_name {found.name} minus {consumed}"
        case "establishProcess":
            if found.ended_at:
                raise SamFault(410, "ProjectEnded", "Project has ended")
            number = experiment.draw_id()
            found.processes[number] = "active"
            return str(number)
        case "endProject":
            found.ended_at = found.ended_at or datetime.now(UTC)
            found.left.clear()
            return ""
    raise SamFault(404, "NotFound", f"No such call: {verb}")


def describe_project(experiment: SamExperiment, found: SamProject) -> dict[str, Any]:
    """How far a project is."""
    fates = Counter(found.fates.values())
    names = ("consumed", "completed", "failed", "cancelled", "delivered", "skipped", "unknown")
    return {
        "project_name": found.name,
        "project_status": "completed" if found.ended_at else "running",
        "project_end_time": found.ended_at and found.ended_at.isoformat(),
        "dataset_def_name": found.definition,
        "snapshot_id": found.snapshot,
        "files_in_snapshot": len(experiment.snapshots[found.snapshot]),
        "file_counts": {name: fates[name] for name in names},
        "process_counts": dict(Counter(found.processes.values())),
    }


def act_on_process(
    experiment: SamExperiment, project: SamProject, number: int, asked: tuple[str, dict[str, str]]
) -> ProcessAnswer:
    """What a process asks for, or says of a file."""
    if number not in project.processes:
        raise SamFault(404, "ProcessNotFound", f"No process {number}")
    verb, args = asked
    if verb == "getNextFile":
        return _give_next_file(experiment, project)
    if verb == "updateFileStatus":
        file = experiment.find_file(args["filename"].rpartition("/")[2])
        if file.id not in project.fates:
            raise SamFault(400, "BadFileStatus", f"File {file.name} was not delivered")
        project.fates[file.id] = args["status"]
    elif verb in ("setStatus", "endProcess"):
        project.processes[number] = args.get("status", "completed")
    else:
        raise SamFault(404, "NotFound", f"No such call: {verb}")
    return 200, "", {}


def _give_next_file(experiment: SamExperiment, project: SamProject) -> ProcessAnswer:
    """A file; what lies on tape alone is on disk by the time of the next question."""
    if not project.left:
        return 204, "", {}
    file = experiment.files[project.left.pop(0)]
    if file.locations and all(place.startswith("enstore:") for place in file.locations):
        project.left.append(file.id)
        file.locations.append(f"dcache:/staged/{file.name}")
        return 202, "", {"Retry-After": "1"}
    project.fates[file.id] = "delivered"
    return 200, f"root://door.example.org/{file.name}\n{file.name}", {}
