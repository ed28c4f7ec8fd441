"""What SAM knows: files and what they were made from, definitions, snapshots, projects."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any


class SamFault(Exception):
    """What SAM answers instead: a status, the class of the error, and its message."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message


@dataclass(eq=False)
class SamFile:
    """One file, as it was declared."""

    id: int
    metadata: dict[str, Any]
    created: datetime
    locations: list[str] = field(default_factory=list)
    parents: list["SamFile"] = field(default_factory=list)
    children: list["SamFile"] = field(default_factory=list)
    is_retired: bool = False

    @property
    def name(self) -> str:
        name: str = self.metadata["file_name"]
        return name

    @property
    def size(self) -> int:
        size: int = self.metadata["file_size"]
        return size

    @property
    def events(self) -> int:
        return self.metadata.get("event_count") or 0


@dataclass
class SamDefinition:
    """A query with a name."""

    name: str
    dims: str
    user: str
    group: str
    description: str
    is_used: bool = False
    """Whether a snapshot was made of it: then it can't be deleted."""


@dataclass
class SamProject:
    """Hands the files of a snapshot out."""

    name: str
    snapshot: int
    definition: str
    left: list[int]
    fates: dict[int, str] = field(default_factory=dict)
    """By file: delivered, transferred, consumed, skipped."""
    processes: dict[int, str] = field(default_factory=dict)
    ended_at: datetime | None = None


class SamExperiment:
    """All of one experiment."""

    def __init__(self) -> None:
        self.files: dict[int, SamFile] = {}
        self.by_name: dict[str, SamFile] = {}
        self.definitions: dict[str, SamDefinition] = {}
        self.snapshots: dict[int, list[int]] = {}
        self.projects: dict[str, SamProject] = {}
        self._ids = count(1)

    def draw_id(self) -> int:
        """Draw an id that nothing has."""
        return next(self._ids)

    def find_file(self, name: str) -> SamFile:
        """Find a file by its name."""
        if name not in self.by_name:
            raise SamFault(404, "FileNotFound", f"File '{name}' not found")
        return self.by_name[name]

    def declare_files(self, given: Iterable[dict[str, Any]]) -> list[int]:
        """Declare all of them, or none."""
        new = [self._check_declaration(metadata) for metadata in given]
        names = [file.name for file in new]
        if len(set(names)) < len(names):
            raise SamFault(400, "InvalidMetadata", "The same file name is given twice")
        for file in new:
            self.files[file.id] = self.by_name[file.name] = file
            for parent in file.parents:
                parent.children.append(file)
        return [file.id for file in new]

    def _check_declaration(self, metadata: dict[str, Any]) -> SamFile:
        if missing := {"file_name", "file_type", "file_size"} - metadata.keys():
            raise SamFault(400, "InvalidMetadata", f"Missing: {', '.join(sorted(missing))}")
        if metadata["file_name"] in self.by_name:
            message = f"File name {metadata['file_name']} already exists"
            raise SamFault(409, "FileAlreadyExists", message)
        parents = [self.find_file(parent["file_name"]) for parent in metadata.get("parents", [])]
        return SamFile(self.draw_id(), dict(metadata), datetime.now(UTC), parents=parents)

    def find_definition(self, name: str) -> SamDefinition:
        """Find a definition by its name."""
        if name not in self.definitions:
            raise SamFault(404, "DefinitionNotFound", f"Dataset definition '{name}' not found")
        return self.definitions[name]

    def find_project(self, name: str) -> SamProject:
        """Find a project by its name."""
        if name not in self.projects:
            raise SamFault(404, "ProjectNotFound", f"Project '{name}' not found")
        return self.projects[name]
