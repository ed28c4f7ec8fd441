"""MetaCat's engine, objects and schema behind HTTP: python metacat_program.py HOME DATABASE_URL PORT

Its makers publish these with their client, but no server: what is asked of one is answered here by their code. The
user `poms` signs in by any token; `dune` is a namespace.
"""

# ruff: noqa: E402
import json
import re
import secrets
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

# All that the package lacks, and what only a pool of connections needs.
sys.modules["wsdbtools"] = types.ModuleType("wsdbtools")
sys.modules["wsdbtools"].ConnectionPool = object  # type: ignore[attr-defined]

import metacat.db as engine
import psycopg2
import uvicorn
from metacat.common import ConnectionWithTransactions, SignedToken
from metacat.mql import MQLError, MQLQuery
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

SECRET = secrets.token_hex(16)
DATABASE = sys.argv[2]
Words = dict[str, str]


@contextmanager
def open_database() -> Iterator[Any]:
    connection = psycopg2.connect(DATABASE)
    try:
        yield ConnectionWithTransactions(connection)
        connection.commit()
    finally:
        connection.close()


def make_schema() -> None:
    """As it is published, but for grants, and a comma too many."""
    lines = engine.create_schema_sql.splitlines()
    schema = "\n".join(line for line in lines if not line.lower().startswith("grant"))
    with psycopg2.connect(DATABASE) as connection:
        connection.cursor().execute(re.sub(r",\s*\n\);", "\n);", schema))
    connection.close()
    with open_database() as db:
        engine.DBUser(db, "poms", "POMS", "", "a", {}, None).save()
        engine.DBNamespace(db, "dune", owner_user="poms", creator="poms").create()


def find_dataset(db: Any, args: Words) -> Any:
    return engine.DBDataset.get(db, *args["dataset"].split(":", 1))


def run_query(db: Any, args: Words, body: bytes) -> Any:
    with_meta = args.get("with_meta") == "yes"
    query = MQLQuery.parse(body.decode(), db=db, default_namespace=None)
    return query.run(db, filters={}, with_meta=with_meta, with_provenance=False)


def answer_query(args: Words, body: bytes) -> Response:
    try:
        with open_database() as db:
            rows = run_query(db, args, body)
            if args.get("summary") == "count":
                count, size = rows.counts()
                return JSONResponse({"count": count, "total_size": size})
    except (AssertionError, ValueError, MQLError) as error:
        return PlainTextResponse(f"MQL: {getattr(error, 'Message', error)}", 400)
    return StreamingResponse(iterate_records(args, body), media_type="application/json-seq")


def iterate_records(args: Words, body: bytes) -> Iterator[str]:
    """As RFC 7464 has it."""
    with_metadata = args.get("with_meta") == "yes"
    piece = list[str]()
    with open_database() as db:
        for row in run_query(db, args, body):
            piece.append(f"\x1e{json.dumps(row.to_jsonable(with_metadata=with_metadata))}\n")
            if len(piece) == 500:
                yield "".join(piece)
                piece = []
    yield "".join(piece)


def answer_dataset(args: Words, body: bytes) -> Response:
    with open_database() as db:
        dataset = find_dataset(db, args)
        if dataset is None:
            return PlainTextResponse("Dataset not found", 404)
        return JSONResponse(dataset.to_jsonable())


def create_dataset(args: Words, body: bytes) -> Response:
    asked = json.loads(body)
    with open_database() as db:
        if engine.DBDataset.exists(db, asked["namespace"], asked["name"]):
            return PlainTextResponse("Already exists", 409)
        made = engine.DBDataset(
            db, asked["namespace"], asked["name"], creator="poms", frozen=asked.get("frozen", False),
            metadata=asked.get("metadata") or {},
            file_meta_requirements=asked.get("file_meta_requirements") or {},
        )  # fmt: skip
        made.create()
        return JSONResponse(made.to_jsonable())


def find_files(db: Any, specs: Iterable[Words]) -> list[Any]:
    return list(engine.DBFile.get_files(db, list(specs)))


def declare_files(args: Words, body: bytes) -> Response:
    items = json.loads(body)
    with open_database() as db:
        dataset = find_dataset(db, args)
        if dataset is None:
            return PlainTextResponse("Dataset not found", 404)
        if dataset.Frozen:
            return PlainTextResponse("Dataset is frozen", 403)
        if errors := check_metadata(dataset, items):
            body_of_errors = {"message": "Metadata validation errors", "metadata_errors": errors}
            return JSONResponse(body_of_errors, 488)
        above = {parent["did"] for item in items for parent in item.get("parents") or ()}
        parents = (
            {each.did(): each.FID for each in find_files(db, [{"did": did} for did in above])}
            if above
            else {}
        )
        if above - parents.keys():
            return PlainTextResponse(f"Parent not found: {min(above - parents.keys())}", 404)
        files = [make_file(db, item, parents) for item in items]
        with db.transaction() as transaction:
            try:
                engine.DBFile.create_many(db, files, "poms", transaction=transaction)
            except psycopg2.IntegrityError:
                there = find_files(db, [{"did": each.did()} for each in files])
                lines = ["The following files already exist:", *(each.did() for each in there)]
                return PlainTextResponse("\n  ".join(lines), 409)
            dataset.add_files(files, validate_meta=False, transaction=transaction)
            transaction.commit()
        return JSONResponse([each.to_jsonable() for each in files])


def check_metadata(dataset: Any, items: list[Any]) -> list[dict[str, Any]]:
    wrong = [
        (place, dataset.validate_file_metadata(item["metadata"]))
        for place, item in enumerate(items)
    ]
    return [
        {"index": place, "message": "Metadata validation errors", "metadata_errors": errors}
        for place, errors in wrong
        if errors
    ]


def make_file(db: Any, item: dict[str, Any], parents: Words) -> Any:
    made = engine.DBFile(
        db, namespace=item["namespace"], name=item["name"], size=item["size"], creator="poms",
        metadata=item.get("metadata") or {}, checksums=item.get("checksums") or {},
    )  # fmt: skip
    made.Parents = [parents[each["did"]] for each in item.get("parents") or ()]
    return made


def answer_files(args: Words, body: bytes) -> Response:
    with_provenance = args.get("with_provenance") == "yes"
    with open_database() as db:
        rows = find_files(db, json.loads(body))
        return JSONResponse([each.to_jsonable(with_provenance=with_provenance) for each in rows])


def add_files(args: Words, body: bytes) -> Response:
    with open_database() as db:
        dataset, files = find_dataset(db, args), find_files(db, json.loads(body)["file_list"])
        with db.transaction() as transaction:
            dataset.add_files(files, validate_meta=False, transaction=transaction)
            transaction.commit()
        return JSONResponse({"files_added": len(files)})


def discard_file(args: Words, body: bytes) -> Response:
    with open_database() as db:
        (file,) = find_files(db, [json.loads(body)])
        file.set_retire(True, "poms")
        return JSONResponse(file.to_jsonable())


ANSWERS: dict[str, Callable[[Words, bytes], Response]] = {
    "query": answer_query, "dataset": answer_dataset, "create_dataset": create_dataset,
    "declare_files": declare_files, "files": answer_files, "add_files": add_files, "retire_file": discard_file,
}  # fmt: skip


async def answer_data(request: Request) -> Response:
    """Who has no token of ours is nobody; MetaCat itself lets anybody read, but then a wrong one is not noticed."""
    try:
        SignedToken.decode(request.headers["X-Authentication-Token"]).verify(SECRET)
    except Exception as error:
        return PlainTextResponse(f"Authentication required: {type(error).__name__}", 401)
    answer = ANSWERS[request.path_params["what"]]
    return await run_in_threadpool(answer, dict(request.query_params), await request.body())


async def sign_in(request: Request) -> Response:
    if request.headers.get("Authorization") != "bearer good":
        return PlainTextResponse("Authentication failed\n", 401)
    name = request.query_params["username"]
    token = SignedToken({}, subject=name, expiration=3600, issuer="poms").encode(SECRET)
    return Response(
        headers={"X-Authentication-Token": token if isinstance(token, str) else token.decode()}
    )


if __name__ == "__main__":
    make_schema()
    data = Route("/app/data/{what}", answer_data, methods=["GET", "POST"])
    auth = Route("/app/auth/auth", sign_in, methods=["GET", "POST"])
    app = Starlette(routes=[data, auth])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), log_level="warning")
