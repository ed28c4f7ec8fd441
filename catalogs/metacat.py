"""MetaCat: datasets and queries, lineage, and what it is told of outputs. Where files lie is not its to know."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import orjson

from catalogs import (
    CatalogFile,
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    ClaimProblem,
    DefinitionSummary,
    ListingIncomplete,
    OutputDeclaration,
)
from catalogs.http_calls import CatalogHttp, ReadSecret, SignIn

RECORD_MARK = b"\x1e"
"""Begins each record of a listing (RFC 7464)."""
AT_ONCE, TOGETHER = 4, 1_000
RUNS, EVENTS = "core.runs", "core.event_count"
CHECKSUMS = ("adler32", "sha256", "md5")
"""Which of several is shown of a file, the first that there is."""
BUSY = frozenset([408, 425, 429])
BAD_METADATA = 488
"""MetaCat's own: metadata are not as a dataset or a category wants them."""


class MetaCatRefusal(CatalogRefused):
    """MetaCat refuses, with a number that says why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"MetaCat refuses ({status}): {text}")
        self.status, self.text = status, text

    def list_metadata_errors(self) -> dict[int, str]:
        """What is wrong with which of the files that were sent, by its place among them."""
        try:
            errors = orjson.loads(self.text)["metadata_errors"]
            return {each["index"]: _explain_metadata(each) for each in errors}
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return {}


def _explain_metadata(error: Mapping[str, Any]) -> str:
    reasons = [f"{each['name']}: {each['reason']}" for each in error.get("metadata_errors", ())]
    return "; ".join([str(error.get("message", "")).rstrip("."), *reasons])


def judge_answer(status: int, _headers: Mapping[str, str], text: str) -> Exception:
    """401 and 403 are mixed in MetaCat: of the latter only what speaks of who asks is a matter of signing in."""
    text = text.strip() or "no reason given"
    is_unknown = status == httpx2.codes.FORBIDDEN and "authenticat" in text.lower()
    if status == httpx2.codes.UNAUTHORIZED or is_unknown:
        return CatalogSignInRefused(f"MetaCat does not take the credential: {text[:300]}")
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status in BUSY:
        return CatalogUnavailable(f"MetaCat answers {status}: {text[:300]}")
    return MetaCatRefusal(status, text)


def parse_file_name(name: str) -> dict[str, str] | None:
    """As MetaCat is asked; None of what can't be a name of its files."""
    namespace, colon, rest = name.partition(":")
    return {"namespace": namespace, "name": rest} if namespace and colon and rest else None


def is_dataset(definition: str) -> bool:
    """Whether a definition names a dataset; else it is a query (MQL)."""
    return parse_file_name(definition) is not None and not any(map(str.isspace, definition))


def render_query(definition: str) -> str:
    """The query whose files are a definition's."""
    return f"files from {definition}" if is_dataset(definition) else definition


def _parse_record(line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line.strip().lstrip(RECORD_MARK))
    except orjson.JSONDecodeError as error:
        raise ListingIncomplete(f"A record of MetaCat's is no JSON: {line[:100]!r}") from error
    if not isinstance(row, dict) or "name" not in row:
        raise ListingIncomplete(f"What MetaCat lists are no files: {line[:100]!r}")
    return row


def make_sign_in(url: str, user: str, read_secret: ReadSecret, *, by_password: bool) -> SignIn:
    """Get a session from MetaCat's own auth server, for a WLCG or SciToken, or for a password."""

    async def sign_in(http: httpx2.AsyncClient) -> Mapping[str, str]:
        secret = await read_secret()
        if by_password:
            digest = httpx2.DigestAuth(user, secret)
            answer = await http.get(url, params={"method": "digest"}, auth=digest)
        else:
            params = {"method": "token", "username": user}
            answer = await http.post(
                url, params=params, headers={"Authorization": f"bearer {secret}"}
            )
        if answer.status_code != httpx2.codes.OK:
            raise judge_answer(answer.status_code, answer.headers, answer.text)
        return {"X-Authentication-Token": answer.headers["X-Authentication-Token"]}

    return sign_in


@dataclass(slots=True)
class MetaCatCatalog:
    """One MetaCat server, asked as one account: lists, declares, and knows what was made from what."""

    http: CatalogHttp

    async def describe(self, definition: str) -> DefinitionSummary:
        """A definition is `namespace:name` of a dataset, or a query."""
        is_closed = False
        if is_dataset(definition):
            _, text = await self.http.ask("GET", "/dataset", params={"dataset": definition})
            is_closed = bool(orjson.loads(text)["frozen"])
        query, params = render_query(definition), {"summary": "count"}
        _, text = await self.http.ask("POST", "/query", params=params, content=query)
        counts = orjson.loads(text)
        return DefinitionSummary(counts["count"], counts["total_size"], is_closed)

    async def list_files(
        self, definition: str, keys: Sequence[str] = ()
    ) -> AsyncGenerator[Sequence[CatalogFile], None]:
        """`run` and `events` are known where `core.runs` and `core.event_count` are keys."""
        before, rows = await self.describe(definition), 0
        part = list[CatalogFile]()
        params = {"with_meta": "yes" if keys else "no", "with_provenance": "no"}
        query = render_query(definition)
        async with aclosing(
            self.http.iterate_lines("POST", "/query", params=params, content=query)
        ) as lines:
            async for line in lines:
                rows += 1
                part.append(_make_file(_parse_record(line), keys))
                if len(part) == TOGETHER:
                    yield part
                    part = []
        if part:
            yield part
        after = await self.describe(definition)
        counts = before.files or 0, after.files or 0
        if not min(counts) <= rows <= max(counts):
            text = (
                f"{rows} files came, and MetaCat counts {counts[0]} before and {counts[1]} after."
            )
            raise ListingIncomplete(text)

    async def list_children(self, names: Sequence[str]) -> list[Sequence[str] | None]:
        """Names of files that were made from each of at most 1,000; None for a name that MetaCat doesn't know."""
        known = await self._read_files(names, with_provenance="yes")
        ids = sorted({each["fid"] for row in known.values() for each in row["children"]})
        children = dict[str, str]()
        for low in range(0, len(ids), AT_ONCE):
            body = [{"fid": id} for id in ids[low : low + AT_ONCE]]
            for row in await self._ask_for_files(body, with_provenance="no"):
                children[row["fid"]] = f"{row['namespace']}:{row['name']}"
        return [
            sorted(children[each["fid"]] for each in known[name]["children"] if each["fid"] in children)
            if name in known
            else None
            for name in names
        ]  # fmt: skip

    async def declare(
        self, outputs: Sequence[OutputDeclaration], dataset: str | None
    ) -> list[ClaimProblem | None]:
        """For one file that it has already MetaCat takes none of a request: so those are read first, and after."""
        if dataset is None:
            raise CatalogRefused("MetaCat takes files into a dataset only: name one.")
        files = {each.name: each for each in outputs}
        problems = {
            name: ClaimProblem("Its name is not namespace:name.", needs_decision=True)
            for name in files
            if parse_file_name(name) is None
        }
        await self._make_dataset(dataset)
        known = await self._read_files([name for name in files if name not in problems])
        fresh = [files[name] for name in files if name not in known and name not in problems]
        problems |= await self._declare_files(await self._drop_strangers(fresh), dataset)
        known = await self._read_files([name for name in files if name not in problems])
        for name in files.keys() - problems.keys():
            if (problem := _compare_file(known.get(name), files[name])) is not None:
                problems[name] = problem
        if good := [_get_name(name) for name in files if name not in problems]:
            params, body = {"dataset": dataset}, {"namespace": None, "file_list": good}
            await self.http.ask("POST", "/add_files", params=params, json=body)
        return [problems.get(each.name) for each in outputs]

    async def _drop_strangers(
        self, files: Sequence[OutputDeclaration]
    ) -> Sequence[OutputDeclaration]:
        """For one parent that it doesn't know MetaCat refuses all: those are left out."""
        parents = sorted({parent for each in files for parent in each.parents})
        known = set[str]()
        for low in range(0, len(parents), TOGETHER):
            known |= (await self._read_files(parents[low : low + TOGETHER])).keys()
        return [
            replace(each, parents=[parent for parent in each.parents if parent in known])
            for each in files
        ]

    async def _declare_files(
        self, files: Sequence[OutputDeclaration], dataset: str
    ) -> dict[str, ClaimProblem]:
        """What is wrong with metadata, by file; files that were declared meanwhile are left out."""
        problems = dict[str, ClaimProblem]()
        while files:
            body = [_make_item(each) for each in files]
            try:
                await self.http.ask(
                    "POST", "/declare_files", params={"dataset": dataset}, json=body
                )
                break
            except MetaCatRefusal as refusal:
                wrong = {
                    files[place].name: ClaimProblem(f"MetaCat: {text}.", needs_decision=True)
                    for place, text in refusal.list_metadata_errors().items()
                }
                is_taken = refusal.status == httpx2.codes.CONFLICT
                known = await self._read_files([each.name for each in files]) if is_taken else {}
                if not (wrong or known):
                    raise
                problems |= wrong
                files = [each for each in files if each.name not in {*wrong, *known}]
        return problems

    async def _make_dataset(self, dataset: str) -> None:
        """One that is there already stays."""
        name = parse_file_name(dataset)
        if name is None:
            raise CatalogRefused(f"Name a dataset of MetaCat as namespace:name, not {dataset!r}.")
        try:
            await self.http.ask("GET", "/dataset", params={"dataset": dataset})
        except MetaCatRefusal as missing:
            if missing.status != httpx2.codes.NOT_FOUND:
                raise
            try:
                await self.http.ask("POST", "/create_dataset", json=name)
            except MetaCatRefusal as refusal:
                if refusal.status != httpx2.codes.CONFLICT:
                    raise

    async def _read_files(
        self, names: Sequence[str], with_provenance: str = "no"
    ) -> dict[str, dict[str, Any]]:
        """What is known of files; names that MetaCat doesn't know are left out."""
        body = [parsed for name in names if (parsed := parse_file_name(name)) is not None]
        rows = await self._ask_for_files(body, with_provenance) if body else []
        return {f"{row['namespace']}:{row['name']}": row for row in rows}

    async def _ask_for_files(
        self, body: Sequence[Mapping[str, str]], with_provenance: str
    ) -> list[dict[str, Any]]:
        """Some servers answer a list, others records."""
        params = {"with_metadata": "no", "with_provenance": with_provenance}
        _, text = await self.http.ask("POST", "/files", params=params, json=body)
        if text.startswith("["):
            return list(orjson.loads(text))
        return [_parse_record(line) for line in text.encode().splitlines() if line.strip()]


def _get_name(name: str) -> dict[str, str]:
    """Of a name that has been parsed before."""
    parsed = parse_file_name(name)
    assert parsed is not None  # noqa: S101  # for whoever reads it with types
    return parsed


def _find_checksum(row: Mapping[str, Any]) -> str | None:
    checksums: Mapping[str, str] = row.get("checksums") or {}
    kinds = [kind for kind in (*CHECKSUMS, *checksums) if kind in checksums]
    return f"{kinds[0]}:{checksums[kinds[0]]}" if kinds else None


def _make_file(row: Mapping[str, Any], keys: Sequence[str]) -> CatalogFile:
    metadata = row.get("metadata") or {}
    chosen = {key: metadata[key] for key in keys if key in metadata}
    created, runs = row.get("created_timestamp"), chosen.get(RUNS)
    return CatalogFile(
        name=f"{row['namespace']}:{row['name']}",
        size=row.get("size"),
        checksum=_find_checksum(row),
        events=chosen.get(EVENTS),
        run=runs[0] if isinstance(runs, list) and runs else None,
        created_at=None if created is None else datetime.fromtimestamp(created, UTC),
        metadata=chosen,
    )


def _make_item(output: OutputDeclaration) -> dict[str, Any]:
    metadata = dict(output.metadata)
    if output.events is not None:
        metadata[EVENTS] = output.events
    return {
        **_get_name(output.name),
        "size": output.size,
        "checksums": dict(output.checksums),
        "metadata": metadata,
        "parents": [{"did": name} for name in output.parents],
    }


def _compare_file(row: Mapping[str, Any] | None, output: OutputDeclaration) -> ClaimProblem | None:
    """What MetaCat has is read after it was told: None where it is the same."""
    if row is None:
        return ClaimProblem("MetaCat does not know it after it was declared.")
    if row.get("retired"):
        return ClaimProblem("MetaCat has retired a file of this name.", needs_decision=True)
    theirs = {"size": row.get("size"), **(row.get("checksums") or {})}
    ours = {"size": output.size, **output.checksums}
    differs = [
        f"{key} {theirs[key]}, not {ours[key]}"
        for key in ours
        if key in theirs and str(theirs[key]).lower() != str(ours[key]).lower()
    ]
    if not differs:
        return None
    text = f"MetaCat has another file of this name: {', '.join(differs)}."
    return ClaimProblem(text, needs_decision=True)
