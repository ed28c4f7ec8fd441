"""SAM: its web interface, as samweb's clients speak it.

A definition is a live query. What is asked for by a text with blanks or colons is a query itself (*dimensions*).
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from catalogs import (
    CatalogChild,
    CatalogFile,
    CatalogRefused,
    CatalogSignInRefused,
    ClaimProblem,
    DefinitionSummary,
    DescentQuery,
    ListingIncomplete,
    OutputDeclaration,
    ProjectFile,
    ProjectState,
    Replica,
)
from catalogs.http_calls import CatalogHttp
from catalogs.sam.answers import (
    SamConflict,
    SamRefused,
    build_metadata,
    compare_declaration,
    is_located_at,
    judge_answer,
    parse_child,
    parse_file,
    parse_listed_file,
    parse_replica,
)
from catalogs.sam.queries import (
    NAME,
    build_descent,
    build_query,
    quote_name,
    quote_value,
    split_names,
)

__all__ = ["AT_ONCE", "HEADERS", "SamAccount", "SamCatalog", "judge_answer"]

BATCH = 5_000
"""Files of a listing that are handed on together."""
DESCRIBED = 500
"""Descendants of which is asked together what SAM knows of them."""
AT_ONCE = 2
"""Calls at once to one SAM: it lets an account run five queries, and others use that account, too."""
HEADERS = {"Accept": "application/json", "SAM-Role": "default"}
FATES = {
    "consumed": ("consumed",),
    "failed": ("failed", "skipped", "cancelled", "unknown"),
    "delivered": ("delivered", "transferred"),
}
"""What became of a project's file, by SAM's words for it."""
WITH_PLACES = {"locations": "1"}
ANYWHERE = "with availability anylocation"


@dataclass(frozen=True, slots=True)
class SamAccount:
    """As whom definitions and projects are made."""

    experiment: str
    user: str = "poms"
    group: str = ""
    station: str = ""
    """Where projects run; both are called as the experiment where they are not said."""


@dataclass(slots=True)
class SamCatalog:
    """One experiment's SAM."""

    http: CatalogHttp
    account: SamAccount

    async def describe(self, definition: str) -> DefinitionSummary:
        """Count and sum what a definition finds now; SAM has no revisions."""
        found = await self._read_json(*build_query(definition, "summary"))
        return DefinitionSummary(int(found["file_count"]), int(found["total_file_size"] or 0))

    async def list_files(
        self, definition: str, keys: Sequence[str] = ()
    ) -> AsyncGenerator[Sequence[CatalogFile], None]:
        """List names, sizes and events; of all else SAM is asked by `describe_files`."""
        async with aclosing(self._stream_batches(definition, fileinfo="1")) as batches:
            async for lines in batches:
                yield [parse_listed_file(line) for line in lines]

    async def describe_files(self, names: Sequence[str]) -> list[CatalogFile]:
        """Describe files with checksums, first runs and times."""
        half = len(names) // 2
        found = await asyncio.gather(
            self._read_metadata(names[:half], {}), self._read_metadata(names[half:], {})
        )
        return [parse_file(metadata) for part in found for metadata in part.values()]

    async def locate(self, names: Sequence[str]) -> list[Sequence[Replica] | None]:
        """Find the places of files."""
        found = dict[str, Any]()
        for some in split_names(names):
            found |= await self._read_json("POST", "/files/locations", {"file_name": some})
        return [
            [parse_replica(place) for place in found[name]] if name in found else None
            for name in names
        ]

    async def declare(
        self, outputs: Sequence[OutputDeclaration], dataset: str | None
    ) -> list[ClaimProblem | None]:
        """Declare files with their metadata, parents and place. A dataset is a query: files come into it by theirs."""
        names = [output.name for output in outputs]
        known, refused = await self._read_metadata(names), dict[str, ClaimProblem]()
        for some in split_names([output for output in outputs if output.name not in known]):
            refused |= await self._declare_some(some)
        known = await self._read_metadata(names)
        # A place is added only to a file that is ours: the name may stand for another one.
        for output in outputs:
            there = known.get(output.name)
            if not compare_declaration(there, output) and not is_located_at(there, output):
                path = f"/files/name/{quote_name(output.name)}/locations"
                await self._ask("POST", path, {"add": output.location})
        return [
            refused.get(output.name) or compare_declaration(known.get(output.name), output)
            for output in outputs
        ]

    async def create_definition(self, name: str, dims: str, description: str = "") -> None:
        """Make a definition, or make it anew where it says something else and was never used."""
        form = {
            "defname": name,
            "dims": dims,
            "user": self.account.user,
            "group": self.account.group or self.account.experiment,
            "description": description,
        }
        try:
            await self._ask("POST", "/definitions/create", form)
        except SamConflict:
            there = await self._read_json(
                "GET", f"/definitions/name/{quote_name(name)}/describe", {}
            )
            if there.get("dimensions", there.get("dims")) == dims:
                return
            await self._ask("DELETE", f"/definitions/name/{quote_name(name)}", {})
            await self._ask("POST", "/definitions/create", form)

    async def name_files(self, name: str, files: Sequence[str]) -> None:
        """Make a definition that finds just these files."""
        await self.create_definition(name, f"file_name {','.join(map(quote_value, files))}")

    async def name_query(self, name: str, definition: str) -> None:
        """Make a definition that finds what another one, or a query, finds."""
        is_name = NAME.fullmatch(definition)
        await self.create_definition(name, f"defname: {definition}" if is_name else definition)

    async def name_descendants(self, name: str, of: DescentQuery, patterns: Sequence[str]) -> None:
        """Make the definition that POMS makes for a dependency: a live query."""
        await self.create_definition(name, build_descent(of, patterns))

    async def list_descendants(
        self, of: DescentQuery
    ) -> AsyncGenerator[Sequence[CatalogChild], None]:
        """Find descendants as POMS does: by steps, version and time; then what SAM knows of each."""
        async with aclosing(self._stream_batches(build_descent(of), DESCRIBED)) as batches:
            async for lines in batches:
                yield await self._describe_children([line.decode().strip() for line in lines])

    async def _describe_children(self, names: Sequence[str]) -> list[CatalogChild]:
        known = await self._read_metadata(names)
        if missing := [name for name in names if name not in known]:
            raise ListingIncomplete(f"SAM lists {missing[0]}, and does not know it.")
        return [parse_child(known[name]) for name in names]

    async def start_project(self, name: str, definition: str) -> str:
        """Start a project over a definition, or take over one of that name over the same; its id is its name."""
        form = {
            "name": name,
            "station": self.account.station or self.account.experiment,
            "group": self.account.group or self.account.experiment,
            "username": self.account.user,
            "defname": definition,
        }
        try:
            await self._ask("POST", "/startProject", form)
        except SamConflict:
            there = await self._summarise_project(name)
            if there is None or there["dataset_def_name"] != definition:
                raise
        return name

    async def read_project(self, id: str) -> ProjectState | None:
        """How far a project is."""
        found = await self._summarise_project(id)
        if found is None:
            return None
        counts = {name: int(number or 0) for name, number in found["file_counts"].items()}
        fates = {fate: sum(counts.get(word, 0) for word in words) for fate, words in FATES.items()}
        return ProjectState(
            is_over=found["project_status"] != "running",
            waiting=max(0, int(found["files_in_snapshot"]) - sum(fates.values())),
            delivered=fates["delivered"],
            consumed=fates["consumed"],
            failed=fates["failed"],
        )

    async def list_project_files(self, id: str) -> AsyncGenerator[Sequence[ProjectFile], None]:
        """List each file's fate, those that wait first: of one that moves meanwhile the last word counts."""
        waiting = f"snapshot_for_project_name {id} minus project_name {id} {ANYWHERE}"
        queries = {"waiting": waiting} | {
            fate: f"project_name {id} and consumed_status {','.join(words)} {ANYWHERE}"
            for fate, words in FATES.items()
        }
        for fate in ("waiting", "delivered", "consumed", "failed"):
            async with aclosing(self._stream_batches(queries[fate])) as batches:
                async for lines in batches:
                    yield [ProjectFile(line.decode().strip(), fate) for line in lines]

    async def end_project(self, id: str) -> None:
        """Let a project hand out no more."""
        where = await self._find_project_path(id)
        if where is not None:
            await self._ask("POST", f"{where}/endProject", {"force": "1"})

    async def _find_project_path(self, name: str) -> str | None:
        """Where a project is asked: at its own URL, as long as that is on the machine that we know."""
        station = self.account.station or self.account.experiment
        try:
            url = await self._ask("GET", "/findProject", {"name": name, "station": station})
        except SamRefused as error:
            if error.error == "ProjectNotFound":
                return None
            raise
        if not self.http.is_at(url.strip()):
            raise CatalogRefused(f"SAM says that the project is elsewhere: {urlsplit(url).netloc}.")
        return url.strip()

    async def _summarise_project(self, name: str) -> dict[str, Any] | None:
        form = {"format": "json", "process_limit": "0"}
        try:
            found: dict[str, Any] = await self._read_json(
                "GET", f"/projects/name/{quote_name(name)}/summary", form
            )
            return found
        except SamRefused as error:
            if error.error == "ProjectNotFound":
                return None
            raise

    async def _declare_some(self, some: Sequence[OutputDeclaration]) -> dict[str, ClaimProblem]:
        """Declare some at once; where that is refused each by itself, so that one keeps no other back."""
        try:
            await self._ask("POST", "/files", json=[build_metadata(output) for output in some])
        except CatalogSignInRefused:
            raise
        except SamConflict:
            if len(some) == 1:
                return {}  # read back: it may be ours, of a call before
        except CatalogRefused as error:
            if len(some) == 1:
                return {some[0].name: ClaimProblem(str(error), needs_decision=True)}
        else:
            return {}
        found = dict[str, ClaimProblem]()
        for output in some:
            found |= await self._declare_some([output])
        return found

    async def _read_metadata(
        self, names: Sequence[str], more: Mapping[str, str] = WITH_PLACES
    ) -> dict[str, Any]:
        """What SAM has of these files; those that it doesn't know are left out."""
        found = list[Any]()
        for some in split_names(names):
            form = {"file_name": some, **more}
            found += await self._read_json("POST", "/files/metadata", form)
        return {metadata["file_name"]: metadata for metadata in found}

    async def _ask(
        self, method: str, path: str, form: Mapping[str, Any] | None = None, json: Any = None
    ) -> str:
        key = "json" if json is not None else "data" if method == "POST" else "params"
        return (await self.http.ask(method, path, **{key: json or form}))[1]

    async def _read_json(self, method: str, path: str, form: Mapping[str, Any]) -> Any:
        text = await self._ask(method, path, form)
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise ListingIncomplete(f"SAM's answer is no JSON: {text[:200]!r}") from error

    async def _stream_batches(
        self, definition: str, together: int = BATCH, **more: str
    ) -> AsyncGenerator[list[bytes], None]:
        """The lines of what a definition or query has, so many at a time."""
        method, path, form = build_query(definition, "list")
        form = {**form, "format": "plain", **more}
        key = "data" if method == "POST" else "params"
        batch = list[bytes]()
        async with aclosing(self.http.iterate_lines(method, path, **{key: form})) as lines:
            async for line in lines:
                batch.append(line)
                if len(batch) == together:
                    yield batch
                    batch = []
        if batch:
            yield batch
