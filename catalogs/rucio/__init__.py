"""Rucio: datasets and containers, where their files lie, and what of ours it is told.

It has no lineage: parents of outputs are MetaCat's to keep.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

from catalogs import (
    CatalogFile,
    CatalogRefused,
    ClaimProblem,
    DefinitionSummary,
    ListingIncomplete,
    OutputDeclaration,
    Replica,
)
from catalogs.rucio.server import (
    AT_ONCE,
    RucioDid,
    RucioRefusal,
    RucioSettings,
    divide_items,
    judge_answer,
    make_password_sign_in,
    make_token_sign_in,
)
from catalogs.rucio.staging import RucioStaging

__all__ = [
    "AT_ONCE",
    "RucioCatalog",
    "RucioSettings",
    "judge_answer",
    "make_password_sign_in",
    "make_token_sign_in",
]

CHECKSUMS = ("adler32", "md5")
"""Those that Rucio keeps."""
COLUMNS = frozenset(
    ["campaign", "datatype", "guid", "lumiblocknr", "phys_group", "prod_step", "project", "run_number",
     "stream_name", "version"]
)  # fmt: skip
"""The metadata of a file that every Rucio has."""
OF_ONE_FILE = frozenset(["InvalidObject", "InvalidPath", "UnsupportedMetadataPlugin"])
"""Refusals of a request for something that is wrong with a file in it."""


class RucioCatalog(RucioStaging):
    """One Rucio server, asked as one account: lists, locates, declares, and brings files to disk."""

    async def describe(self, definition: str) -> DefinitionSummary:
        """A definition is `scope:name` of a dataset or container, or of a file."""
        return _describe_did(await self._read_did(RucioDid.parse(definition)))

    async def list_files(
        self, definition: str, keys: Sequence[str] = ()
    ) -> AsyncGenerator[Sequence[CatalogFile], None]:
        """A file of several datasets of a container comes once. `run` is known where `run_number` is a key."""
        did = RucioDid.parse(definition)
        before = await self._read_did(did)
        seen: set[str] | None = set() if before["type"] == "CONTAINER" else None
        rows, part = 0, list[dict[str, Any]]()
        async with aclosing(self.iterate_rows(f"/dids/{did.path}/files")) as files:
            async for row in files:
                rows += 1
                name = f"{row['scope']}:{row['name']}"
                if seen is not None:
                    if name in seen:
                        continue
                    seen.add(name)
                part.append(row)
                if len(part) == 1_000:
                    yield await self._make_files(part, keys)
                    part = []
        if part:
            yield await self._make_files(part, keys)
        self._check_count(rows, before, await self._read_did(did))

    async def locate(self, names: Sequence[str]) -> list[Sequence[Replica] | None]:
        """Replicas that can be read now; one URL for each storage."""
        dids = [_parse_file(name) for name in names]
        rows = await self.read_replicas([did for did in dids if did])
        return [_list_replicas(rows[did]) if did in rows else None for did in dids]

    async def declare(
        self, outputs: Sequence[OutputDeclaration], dataset: str | None
    ) -> list[ClaimProblem | None]:
        """Rucio says that all is well also where it keeps another size or checksum: so it is read before and after."""
        storage = self.settings.storage
        if storage is None:
            raise CatalogRefused(
                "Say in this catalog's settings on which storage (RSE) outputs lie."
            )
        files = {RucioDid.parse(each.name): each for each in outputs}
        into = None if dataset is None else RucioDid.parse(dataset)
        known = await self.read_replicas(list(files))
        problems = {did: _compare_file(known[did], files[did]) for did in known}
        fresh = [
            did for did in files
            if problems.get(did) is None and not _is_at(known.get(did), storage)
        ]  # fmt: skip
        has_paths = not (await self.read_object(f"/rses/{storage}"))["deterministic"]
        for part in divide_items(fresh):
            items = [_make_item(did, files[did], has_path=has_paths) for did in part]
            problems |= await self._add_replicas(storage, list(part), items)
        if into is not None:
            await self.make_dataset(into)
            await self.attach_files(into, [did for did in files if problems.get(did) is None])
        kept = await self.read_replicas(list(files))
        said = {did: _explain_claim(kept.get(did), files[did], storage) for did in files}
        return [problems.get(did) or said[did] for did in map(RucioDid.parse, _list_names(outputs))]

    async def _read_did(self, did: RucioDid) -> dict[str, Any]:
        return await self.read_object(f"/dids/{did.path}", params={"dynamic_depth": "FILE"})

    async def _make_files(
        self, rows: Sequence[dict[str, Any]], keys: Sequence[str]
    ) -> list[CatalogFile]:
        metadata = await self._read_metadata(rows) if keys else {}
        return [
            _make_file(row, metadata.get(RucioDid(row["scope"], row["name"]), {}), keys)
            for row in rows
        ]

    async def _read_metadata(
        self, rows: Sequence[dict[str, Any]]
    ) -> dict[RucioDid, dict[str, Any]]:
        dids = [RucioDid(row["scope"], row["name"]).item for row in rows]
        answers = await self.list_rows("POST", "/dids/bulkmeta", json={"dids": dids})
        return {RucioDid(each["scope"], each["name"]): each for each in answers}

    def _check_count(self, rows: int, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Files that two datasets of a container share are counted twice, as they are listed."""
        counts = [_count_files(each) for each in (before, after)]
        if not min(counts) <= rows <= max(counts):
            text = f"{rows} files came, and Rucio counts {counts[0]} before and {counts[1]} after."
            raise ListingIncomplete(text)

    async def _add_replicas(
        self, storage: str, dids: list[RucioDid], items: list[dict[str, Any]]
    ) -> dict[RucioDid, ClaimProblem | None]:
        """Which files are wrong: for one of them Rucio refuses all of a request, so that it is halved."""
        body = {"rse": storage, "files": items, "ignore_availability": False}
        try:
            await self.http.ask("POST", "/replicas/", json=body)
        except RucioRefusal as refusal:
            if refusal.kind not in OF_ONE_FILE:
                raise
            if len(items) == 1:
                return {dids[0]: ClaimProblem(str(refusal), needs_decision=True)}
            half = len(items) // 2
            first = await self._add_replicas(storage, dids[:half], items[:half])
            return first | await self._add_replicas(storage, dids[half:], items[half:])
        return {}


def _list_names(outputs: Sequence[OutputDeclaration]) -> list[str]:
    return [each.name for each in outputs]


def _parse_file(name: str) -> RucioDid | None:
    """None of what can't be a name of Rucio's."""
    try:
        return RucioDid.parse(name)
    except CatalogRefused:
        return None


def _count_files(did: dict[str, Any]) -> int:
    return 1 if did["type"] == "FILE" else did["length"] or 0


def _describe_did(did: dict[str, Any]) -> DefinitionSummary:
    """Of a container only its datasets could be closed, and others can come."""
    is_closed = did["type"] == "FILE" or (did["type"] == "DATASET" and not did["open"])
    return DefinitionSummary(_count_files(did), did["bytes"], is_closed)


def _find_checksum(row: dict[str, Any]) -> str | None:
    return next((f"{kind}:{row[kind]}" for kind in CHECKSUMS if row.get(kind)), None)


def _make_file(row: dict[str, Any], metadata: dict[str, Any], keys: Sequence[str]) -> CatalogFile:
    chosen = {key: metadata[key] for key in keys if metadata.get(key) is not None}
    return CatalogFile(
        name=f"{row['scope']}:{row['name']}",
        size=row["bytes"],
        checksum=_find_checksum(row),
        events=row.get("events"),
        run=chosen.get("run_number"),
        metadata=chosen,
    )


def _list_replicas(row: dict[str, Any]) -> list[Replica]:
    replicas = dict[str, Replica]()
    for url, each in sorted(row["pfns"].items(), key=lambda item: item[1]["priority"]):
        if _is_at(row, each["rse"]):
            is_on_disk = {"DISK": True, "TAPE": False}.get(each["type"])
            replicas.setdefault(each["rse"], Replica(url, each["rse"], is_on_disk))
    return list(replicas.values())


def _is_at(row: dict[str, Any] | None, storage: str) -> bool:
    return row is not None and row.get("states", {}).get(storage) == "AVAILABLE"


def _make_item(did: RucioDid, output: OutputDeclaration, *, has_path: bool) -> dict[str, Any]:
    """A storage that computes paths from names takes none, or only its own."""
    metadata = {key: value for key, value in output.metadata.items() if key in COLUMNS}
    if output.events is not None:
        metadata["events"] = output.events
    checksums = {kind: output.checksums[kind] for kind in CHECKSUMS if kind in output.checksums}
    path = {"pfn": output.location} if has_path else {}
    return {**did.item, "bytes": output.size, "meta": metadata, **checksums, **path}


def _compare_file(row: dict[str, Any], output: OutputDeclaration) -> ClaimProblem | None:
    """What differs from what Rucio knows of this name."""
    differs = list[tuple[str, object, object]]()
    if row["bytes"] != output.size:
        differs.append(("size", row["bytes"], output.size))
    for kind in CHECKSUMS:
        theirs, ours = row.get(kind), output.checksums.get(kind)
        if theirs and ours and theirs.lower() != ours.lower():
            differs.append((kind, theirs, ours))
    if not differs:
        return None
    text = ", ".join(f"{what} {theirs}, not {ours}" for what, theirs, ours in differs)
    return ClaimProblem(f"Rucio has another file of this name: {text}.", needs_decision=True)


def _explain_claim(
    row: dict[str, Any] | None, output: OutputDeclaration, storage: str
) -> ClaimProblem | None:
    """What is not as told, after it was told."""
    if row is None:
        return ClaimProblem("Rucio does not know it after it was declared.")
    if (problem := _compare_file(row, output)) is not None:
        return problem
    if not _is_at(row, storage):
        state = row.get("states", {}).get(storage, "no replica")
        return ClaimProblem(f"Rucio has it at {storage} as {state}, not as AVAILABLE.")
    urls = row.get("rses", {}).get(storage, [])
    if urls and not any(_is_same_place(url, output.location) for url in urls):
        text = f"Rucio has it at {urls[0]}, and not at {output.location}."
        return ClaimProblem(text, needs_decision=True)
    return None


def _is_same_place(url: str, location: str) -> bool:
    """Slashes may be doubled, and a location without a scheme is a path."""
    theirs, ours = urlsplit(url), urlsplit(location)
    is_same_host = not ours.scheme or (theirs.scheme, theirs.hostname) == (
        ours.scheme,
        ours.hostname,
    )
    return is_same_host and _split_path(theirs.path) == _split_path(ours.path)


def _split_path(path: str) -> list[str]:
    return [word for word in path.split("/") if word]
