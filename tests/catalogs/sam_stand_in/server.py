"""SAM's calls: files, metadata, locations, lineage, definitions, snapshots."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.catalogs.sam_stand_in import projects
from tests.catalogs.sam_stand_in.dimensions import is_like, run_dimensions
from tests.catalogs.sam_stand_in.store import SamDefinition, SamExperiment, SamFault, SamFile

BASE = "/sam/{experiment}/api"
PIECE = 2000
"""Lines that are sent together."""


@dataclass
class SamCall:
    """One request, as its handler needs it."""

    experiment: SamExperiment
    method: str
    path: dict[str, str]
    args: dict[str, list[str]]
    """Of the query and of a form."""
    body: Any
    """What was sent as JSON."""
    base: str

    def get(self, name: str, default: str | None = None) -> str:
        """An argument; without a default it is needed."""
        found = self.args.get(name, [] if default is None else [default])
        if not found:
            raise SamFault(400, "InvalidArgument", f"Argument '{name}' is missing")
        return found[0]


Handler = Callable[[SamCall], Response]


class SamServer:
    """All experiments, and who is let in."""

    def __init__(self) -> None:
        self._experiments = defaultdict[str, SamExperiment](SamExperiment)
        self._revoked: set[str] = set()
        self._running, self._query_limit = 0, 1000
        calls = [Route(BASE + path, self._handle(do), methods=m) for path, m, do in CALLS]
        settings = [
            Route("/revoked", self._revoke, methods=["PUT"]),
            Route("/query_limit", self._limit, methods=["PUT"]),
        ]
        self.app = Starlette(routes=[*settings, *calls])

    async def _revoke(self, request: Request) -> Response:
        self._revoked = set((await request.body()).decode().split())
        return Response()

    async def _limit(self, request: Request) -> Response:
        self._query_limit = int(await request.body())
        return Response()

    def _handle(self, do: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                self._check_writer(request)
                call = await self._read_call(request)
                if "dims" not in call.args and "list" not in request.url.path:
                    return do(call)
                return await self._run_query(do, call)
            except SamFault as fault:
                body = {"error": fault.error, "message": fault.message}
                return JSONResponse(body, fault.status)

        return answer

    async def _run_query(self, do: Handler, call: SamCall) -> Response:
        if self._running >= self._query_limit:
            raise SamFault(403, "ForbiddenQuery", "The query limit for this user has been reached")
        self._running += 1
        try:
            await asyncio.sleep(0.01)
            return do(call)
        finally:
            self._running -= 1

    def _check_writer(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self._revoked:
            raise SamFault(401, "Unauthorized", "The token has been revoked")
        is_query = request.method == "GET" or request.url.path.rpartition("/")[2] in (
            *("list", "count", "summary", "metadata", "locations"),
        )
        if not token and not is_query:
            raise SamFault(403, "Forbidden", "You are not authenticated")

    async def _read_call(self, request: Request) -> SamCall:
        body = await request.body()
        is_json = "json" in request.headers.get("content-type", "")
        args = parse_qs(request.url.query, keep_blank_values=True)
        if body and not is_json:
            args |= parse_qs(body.decode(), keep_blank_values=True)
        name = request.path_params["experiment"]
        return SamCall(
            self._experiments[name],
            request.method,
            request.path_params,
            args,
            json.loads(body) if is_json and body else None,
            f"{request.base_url}sam/{name}/api",
        )


def answer_files(call: SamCall, ids: list[int], what: str) -> Response:
    """How many they are, their names, or their sums."""
    files = [call.experiment.files[id_] for id_ in ids]
    if what == "count":
        return PlainTextResponse(str(len(ids)))
    if what == "summary":
        sums = {
            "file_count": len(files),
            "total_file_size": sum(file.size for file in files),
            "total_event_count": sum(file.events for file in files),
        }
        return JSONResponse(sums)
    if call.get("format", "plain") == "json":
        return JSONResponse([file.name for file in files])
    lines = list_lines(files, has_info="fileinfo" in call.args)
    return StreamingResponse(lines, media_type="text/plain")


def list_lines(files: list[SamFile], *, has_info: bool) -> Iterator[str]:
    """A line for each file, some thousand at a time."""
    for at in range(0, len(files), PIECE):
        yield "".join(
            f"{file.name}\t{file.id}\t{file.size}\t{file.events}\n"
            if has_info
            else f"{file.name}\n"
            for file in files[at : at + PIECE]
        )


def query_files(call: SamCall) -> Response:
    """What dimensions find."""
    ids = run_dimensions(call.get("dims"), call.experiment)
    return answer_files(call, ids, call.path["what"])


def query_definition(call: SamCall) -> Response:
    """What a definition finds now."""
    call.experiment.find_definition(call.path["name"])
    ids = run_dimensions(f"defname: {call.path['name']}", call.experiment)
    return answer_files(call, ids, call.path["what"])


def declare_files(call: SamCall) -> Response:
    """One file, or several."""
    given = call.body if isinstance(call.body, list) else [call.body]
    return PlainTextResponse("\n".join(map(str, call.experiment.declare_files(given))))


def show_metadata(file: SamFile, *, has_places: bool) -> dict[str, Any]:
    """What is known of a file."""
    parents = [{"file_name": parent.name, "file_id": parent.id} for parent in file.parents]
    created = file.created.isoformat(timespec="seconds")
    found = file.metadata | {"file_id": file.id, "create_date": created, "parents": parents}
    return found | {"locations": show_places(file)} if has_places else found


def show_places(file: SamFile) -> list[dict[str, Any]]:
    """Where a file lies."""
    return [
        {
            "location": place,
            "full_path": place,
            "location_type": "tape" if place.startswith("enstore:") else "disk",
        }
        for place in file.locations
    ]


def read_several(call: SamCall) -> Response:
    """Metadata or locations of many; unknown names are left out."""
    known = call.experiment.by_name
    files = [known[name] for name in call.args.get("file_name", []) if name in known]
    if call.path["what"] == "locations":
        return JSONResponse({file.name: show_places(file) for file in files})
    has_places = "locations" in call.args
    return JSONResponse([show_metadata(file, has_places=has_places) for file in files])


def read_metadata(call: SamCall) -> Response:
    """One file's metadata, or other ones."""
    file = call.experiment.find_file(call.path["name"])
    if call.method == "PUT":
        file.metadata |= call.body
    return JSONResponse(show_metadata(file, has_places="locations" in call.args))


def change_locations(call: SamCall) -> Response:
    """Where a file lies, from now on."""
    file = call.experiment.find_file(call.path["name"])
    if call.method == "GET":
        return JSONResponse(show_places(file))
    file.locations = [place for place in file.locations if place not in call.args.get("remove", [])]
    file.locations += [place for place in call.args.get("add", []) if place not in file.locations]
    return Response()


def locate_all(call: SamCall) -> Response:
    """No call of SAM's: each file that lies nowhere is put on disk, for tests with very many."""
    for file in call.experiment.files.values():
        file.locations = file.locations or [f"dcache:/data/{file.name}"]
    return Response()


def remove_file(call: SamCall) -> Response:
    """No query finds it any more."""
    call.experiment.find_file(call.path["name"]).is_retired = True
    return Response()


def read_lineage(call: SamCall) -> Response:
    """What a file was made from, or what was made from it, one step."""
    file = call.experiment.find_file(call.path["name"])
    near = file.parents if call.path["kind"] == "parents" else file.children
    return JSONResponse([{"file_name": each.name, "file_id": each.id} for each in near])


def create_definition(call: SamCall) -> Response:
    """A definition of a name that is free."""
    known, name = call.experiment, call.get("defname")
    if name in known.definitions:
        message = f"Dataset definition '{name}' already exists"
        raise SamFault(409, "DatasetDefinitionExists", message)
    run_dimensions(call.get("dims"), known)
    known.definitions[name] = SamDefinition(
        name,
        call.get("dims"),
        call.get("user", ""),
        call.get("group", ""),
        call.get("description", ""),
    )
    return describe_definition(SamCall(known, "GET", {"name": name}, {}, None, call.base))


def describe_definition(call: SamCall) -> Response:
    """What a definition is; or it is deleted, if it was never used."""
    found = call.experiment.find_definition(call.path["name"])
    if call.method == "DELETE":
        if found.is_used:
            raise SamFault(409, "Conflict", f"Definition '{found.name}' is in use")
        del call.experiment.definitions[found.name]
        return Response()
    shown = {
        "defname": found.name,
        "dimensions": found.dims,
        "username": found.user,
        "group": found.group,
    }
    return JSONResponse(shown)


def list_definitions(call: SamCall) -> Response:
    """Names of definitions."""
    pattern = call.get("defname", "%")
    names = [name for name in call.experiment.definitions if is_like(name, pattern)]
    return PlainTextResponse("".join(f"{name}\n" for name in names))


def take_snapshot(call: SamCall) -> Response:
    """A list of what a definition finds now."""
    return PlainTextResponse(str(projects.take_snapshot(call.experiment, call.path["name"])))


def start_project(call: SamCall) -> Response:
    """A project over what a definition finds now."""
    name = call.get("name")
    projects.start_project(call.experiment, name, call.get("defname"))
    return PlainTextResponse(f"{call.base}/projects/name/{name}\n")


def find_project(call: SamCall) -> Response:
    """Where a project is."""
    return PlainTextResponse(
        f"{call.base}/projects/name/{call.experiment.find_project(call.get('name')).name}\n"
    )


def act_on_project(call: SamCall) -> Response:
    """What a project is asked."""
    found = call.experiment.find_project(call.path["name"])
    answer = projects.act_on_project(call.experiment, found, call.path["verb"])
    return PlainTextResponse(answer) if isinstance(answer, str) else JSONResponse(answer)


def act_on_process(call: SamCall) -> Response:
    """What a process of a project asks for or says."""
    found = call.experiment.find_project(call.path["name"])
    args = {name: values[0] for name, values in call.args.items()}
    status, text, headers = projects.act_on_process(
        call.experiment, found, int(call.path["process"]), (call.path["verb"], args)
    )
    return PlainTextResponse(text, status, headers) if text else Response(None, status, headers)


READ, SEND, BOTH = ["GET"], ["POST"], ["GET", "POST"]
CALLS: list[tuple[str, list[str], Handler]] = [
    ("/files", SEND, declare_files),
    ("/locate_all", ["PUT"], locate_all),
    ("/files/name/{name}/metadata", ["GET", "PUT"], read_metadata),
    ("/files/name/{name}/locations", BOTH, change_locations),
    ("/files/name/{name}/retired_date", SEND, remove_file),
    ("/files/name/{name}/lineage/{kind}", READ, read_lineage),
    ("/files/{what}", READ, query_files),
    (
        "/files/{what}",
        SEND,
        lambda call: (query_files if "dims" in call.args else read_several)(call),
    ),
    ("/definitions/create", SEND, create_definition),
    ("/definitions/list", READ, list_definitions),
    ("/definitions/name/{name}/files/{what}", READ, query_definition),
    ("/definitions/name/{name}/snapshot", SEND, take_snapshot),
    ("/definitions/name/{name}", ["GET", "DELETE"], describe_definition),
    ("/definitions/name/{name}/describe", READ, describe_definition),
    ("/startProject", SEND, start_project),
    ("/findProject", READ, find_project),
    ("/projects/name/{name}/process/{process:int}/{verb}", BOTH, act_on_process),
    ("/projects/name/{name}/{verb}", BOTH, act_on_project),
]
