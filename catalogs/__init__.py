"""Where files are known. A catalog says whether a file is really there; a job's word is not enough.

A catalog has what it can: each ability is a protocol of its own. Nothing here writes into our database, and what
can't be known is an exception, never an empty answer.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from domain.files.file_checks import FileSighting


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """What a job says that it wrote: where, how many bytes, and their checksum (`sha256:hex`)."""

    path: str
    size: int
    checksum: str


@dataclass(frozen=True, slots=True)
class ConfirmedFile:
    """A file that is as a job claimed; what else was found while it was read."""

    adler32: str
    """Eight hexadecimal digits: by it Rucio knows files."""


@dataclass(frozen=True, slots=True)
class ClaimProblem:
    """What was found instead of a file that a job claimed."""

    text: str
    needs_decision: bool = False
    """No later look finds it mended unless somebody does something: it is no matter of waiting."""


class LocatedFile(Protocol):
    """Where a file is said to lie, and what is said of it."""

    @property
    def location(self) -> str | None: ...  # noqa: D102

    @property
    def size(self) -> int | None: ...  # noqa: D102

    @property
    def mark(self) -> Any: ...  # noqa: D102


class CatalogUnavailable(Exception):
    """The catalog did not answer, or not in time: nothing is known of a file, look again later."""


class CatalogUnreachable(CatalogUnavailable):
    """Nobody takes a connection in time, or so many calls have failed that no other is tried: asking costs time."""


class ListingIncomplete(CatalogUnavailable):
    """A listing ended early, or has another number of files than the catalog says: none of it counts."""


class CatalogRefused(Exception):
    """The catalog understood, and refuses: what was asked has to be changed. The text is the catalog's reason."""


class CatalogSignInRefused(CatalogRefused):
    """The catalog does not take the experiment's credential, also not after signing in anew."""


class ConfirmingCatalog(Protocol):
    """A catalog that can look at the files themselves."""

    async def confirm(
        self, claimed: Sequence[ClaimedFile], folders: Sequence[Path]
    ) -> list[ConfirmedFile | ClaimProblem]:
        """Look at each file: whether it is as claimed, or what was found instead.

        Of what lies below none of the folders, which are the experiment's, nothing is looked at or told. Takes as
        long as it takes to read them; raises CatalogUnavailable.
        """
        ...

    async def look(
        self, files: Sequence[LocatedFile], folders: Sequence[Path]
    ) -> list[FileSighting]:
        """Whether each file lies where it is said to, in its size; none is opened.

        What is no place on a disk, or lies below none of the folders, is not looked at. Raises CatalogUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class DefinitionSummary:
    """What a catalog says at once of a dataset, definition or query, without listing it."""

    files: int | None
    """How many files it has now; None where the catalog can't say without listing them."""
    bytes: int | None = None
    is_closed: bool = False
    """Whether no file can come or go any more."""
    revision: str | None = None
    """Another text whenever the files may be others; None where the catalog has nothing like that."""


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """One file of a listing."""

    name: str
    """As the catalog names it: SAM's file name, MetaCat's `namespace:name`, Rucio's `scope:name`."""
    size: int | None = None
    """Bytes."""
    checksum: str | None = None
    """`algorithm:hex`; never to be compared with one of another algorithm."""
    events: int | None = None
    run: int | None = None
    created_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Only the keys that were asked for."""


class ListingCatalog(Protocol):
    """A catalog whose datasets can be referred to."""

    async def describe(self, definition: str) -> DefinitionSummary:
        """Summarise a definition by one call; raises CatalogRefused (it is wrong, or not there), CatalogUnavailable."""
        ...

    def list_files(
        self, definition: str, keys: Sequence[str] = ()
    ) -> AsyncGenerator[Sequence[CatalogFile], None]:
        """List all files that a definition has now, some thousand at a time, in no order; memory is bounded.

        `keys`: of which metadata, where the catalog lists some. It ends only when the catalog has said that this is
        all; else it raises ListingIncomplete, CatalogUnavailable or CatalogRefused, and what came before counts for
        nothing.
        """
        ...


@runtime_checkable
class DescribingCatalog(Protocol):
    """A catalog whose listings leave out what work is divided by, such as runs: that is asked by name."""

    async def describe_files(self, names: Sequence[str]) -> list[CatalogFile]:
        """Describe at most 1,000 files; those that the catalog doesn't know are left out."""
        ...


@dataclass(frozen=True, slots=True)
class Replica:
    """One place where a file lies."""

    url: str
    storage: str
    """What the catalog calls that place: Rucio's RSE, SAM's location."""
    is_on_disk: bool | None
    """Whether it can be read at once; None where the catalog doesn't say."""


class LocatingCatalog(Protocol):
    """A catalog that knows where files lie."""

    async def locate(self, names: Sequence[str]) -> list[Sequence[Replica] | None]:
        """Find the places of at most 1,000 files, in their order; None for a name that the catalog doesn't know."""
        ...


@dataclass(frozen=True, slots=True)
class OutputDeclaration:
    """What a catalog is to be told of one output."""

    name: str
    size: int
    checksums: Mapping[str, str]
    """Hexadecimal, by algorithm: `adler32`, `md5`, `sha256`."""
    location: str
    """The URL or path where it lies."""
    parents: Sequence[str] = ()
    """Names, in this catalog, of the files that it was made from; those that it doesn't know are left out."""
    events: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class DeclaringCatalog(Protocol):
    """A catalog that takes outputs."""

    async def declare(
        self, outputs: Sequence[OutputDeclaration], dataset: str | None
    ) -> list[ClaimProblem | None]:
        """Declare at most 1,000 outputs, add them to a dataset, and read them back: None where all is as told.

        Safe to repeat: what it has already with the same size and checksum is declared. A name that stands for
        something else is a problem that needs a decision.
        """
        ...


@dataclass(frozen=True, slots=True)
class DescentQuery:
    """Which files were made from those of a name."""

    name: str
    steps: int
    """So many steps below them."""
    since: datetime
    """Declared since then."""
    version: str = ""
    """By this version of software; empty: by whichever."""


@runtime_checkable
class NamingCatalog(Protocol):
    """A catalog in which files together can get a name, by which programs find them."""

    async def name_files(self, name: str, files: Sequence[str]) -> None:
        """Let a name stand for just these files. Safe to repeat; refused where it stands for others."""
        ...

    async def name_query(self, name: str, definition: str) -> None:
        """Let a name stand for what a definition or query has."""
        ...

    async def name_descendants(self, name: str, of: DescentQuery, patterns: Sequence[str]) -> None:
        """Let a name stand for what is made from others and matches one of the patterns, now and later."""
        ...


@dataclass(frozen=True, slots=True)
class CatalogChild:
    """A file that was made from others."""

    name: str
    size: int
    parents: Sequence[str]
    """Names of what it was made from, in one step."""
    checksum: str | None = None
    """`algorithm:hex`."""
    location: str | None = None
    events: int | None = None


@runtime_checkable
class DescentCatalog(Protocol):
    """A catalog that lists what was made from a named set of files."""

    def list_descendants(self, of: DescentQuery) -> AsyncGenerator[Sequence[CatalogChild], None]:
        """List those that lie somewhere; complete, or it raises."""
        ...


class LineageCatalog(Protocol):
    """A catalog that knows what was made from what."""

    async def list_children(self, names: Sequence[str]) -> list[Sequence[str] | None]:
        """Name what was made from each of at most 1,000 files; None for a name that the catalog doesn't know."""
        ...


@dataclass(frozen=True, slots=True)
class StagingState:
    """How far files have come from tape to disk; the three add up to what was asked for."""

    on_disk: int
    coming: int
    stuck: int
    reason: str = ""


@runtime_checkable
class StagingCatalog(Protocol):
    """A catalog that brings files from tape to disk. `mark` is ours: by it what was asked for is found again."""

    async def stage(self, mark: str, names: Sequence[str], until: datetime) -> None:
        """Ask for files to be on disk until then; asked again with the same mark, nothing is doubled."""
        ...

    async def read_staging(self, mark: str) -> StagingState | None:
        """How far that is; None where the catalog knows nothing of the mark."""
        ...

    async def release(self, mark: str) -> None:
        """They need not be kept on disk any more."""
        ...


@dataclass(frozen=True, slots=True)
class ProjectState:
    """A SAM or Data Dispatcher project: how many of its files are where."""

    is_over: bool
    waiting: int
    delivered: int
    consumed: int
    failed: int


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """What became of one file of a project."""

    name: str
    state: str
    """`waiting`, `delivered`, `consumed` or `failed`."""


@runtime_checkable
class ProjectCatalog(Protocol):
    """A catalog that hands files out to jobs one by one and knows what became of them."""

    async def start_project(self, name: str, definition: str) -> str:
        """Start it over what the definition has now; its id. One of this name over the same files is taken over."""
        ...

    async def read_project(self, id: str) -> ProjectState | None:
        """How far it is; None where the catalog has none (any more)."""
        ...

    def list_project_files(self, id: str) -> AsyncGenerator[Sequence[ProjectFile], None]:
        """List the state of each of its files; complete, or it raises."""
        ...

    async def end_project(self, id: str) -> None:
        """Hand out no more; one that is over already is left alone."""
        ...
