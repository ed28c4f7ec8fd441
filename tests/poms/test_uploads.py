"""Files that people bring for their launch scripts: over HTTP, by the command, within a quota."""

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from db.launching import launch_plans, slices
from db.launching.launch_plans import PlannedSubmission
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.setup import uploads
from db.submissions import submissions
from domain.launching.launch_plans import PlanPart, list_differences
from domain.launching.launch_scripts import (
    BLOCK,
    OURS,
    CarriedFiles,
    LaunchScript,
    build_ssh_command,
)
from domain.launching.launches import ScriptEnd
from domain.setup.launch_hosts import HostKind
from domain.setup.uploads import locate_upload
from poms import Client
from poms.client import expect_result
from poms.generated.fragments import SubmissionPart
from poms.transport import OperationRefused
from settings import Settings
from tests.application_server import SECRET, make_token
from tests.factories import Factory
from tests.poms.command_runner import Poms
from tests.resolvers.conftest import PEOPLE
from tests.worker_tools import make_worker_tools
from tests.workers.test_running import Ear, do_nothing
from workers.outcomes import NothingSubmitted
from workers.running import ScriptProgram, run_program
from workers.scripts import SUPERVISOR_TEXT
from workers.uploads import drop_uploads, pack_files, put_uploads

MB = 1_000_000
KINDS = """
    SELECT array_agg(kind ORDER BY id)
      FROM (SELECT id, kind FROM change_inbox UNION ALL SELECT id, kind FROM change) c
"""


@pytest.fixture
async def settings(db: Pool, api_url: str, redis_url: str, tmp_path: Path) -> Settings:
    await db.execute(PEOPLE)
    (tmp_path / "uploads").mkdir()
    folders = tmp_path / "spool", tmp_path / "store"
    return Settings(
        api_url, redis_url, *folders, SECRET, uploads=tmp_path / "uploads", uploads_mb=2
    )


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {make_token('anna')}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=30) as made:
        yield made


def list_names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_files_are_brought_listed_replaced_and_removed_by_the_command(
    poms: Poms, tmp_path: Path, db: Pool
) -> None:
    x, y = tmp_path / "x.cfg", tmp_path / "y.tar"
    x.write_text("n = 1\n")
    y.write_bytes(os.urandom(600_000))
    done = await poms("--json", "uploads", "put", "hypot", str(x), str(y))
    assert done.code == 0, done.err
    sums = [f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" for file in (x, y)]
    assert [(one["name"], one["checksum"]) for one in done.json] == [
        ("x.cfg", sums[0]),
        ("y.tar", sums[1]),
    ]
    assert (await poms("--json", "uploads", "put", "hypot", str(x))).json[0] == done.json[0]
    x.write_text("n = 2\n")
    newer = (await poms("--json", "uploads", "put", "hypot", str(x))).json[0]
    assert newer["id"] != done.json[0]["id"]
    told = (await poms("--json", "uploads", "list", "hypot")).json
    assert [file["name"] for file in told["files"]] == ["x.cfg", "y.tar"]
    assert (told["bytes"], told["quotaBytes"]) == (600_006, 2 * MB)
    assert "600006 of 2000000 bytes" in (await poms("uploads", "list", "hypot")).out
    assert (await poms("uploads", "remove", "hypot", "y.tar")).code == 0
    gone = await poms("uploads", "remove", "hypot", "y.tar")
    assert (gone.code, "y.tar" in gone.err) == (1, True)
    assert await db.fetchval(KINDS) == ["upload.saved"] * 3 + ["upload.removed"]


async def test_what_may_not_be_brought_is_refused_and_leaves_nothing(
    http: httpx2.AsyncClient, client: Client, settings: Settings, tmp_path: Path
) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(100_000)

    async def put(place: str, content: Any = b"x", **headers: str) -> tuple[int, str]:
        answer = await http.put(place, content=content, headers=headers)
        return answer.status_code, answer.json()["errors"][0]["message"] if answer.content else ""

    assert (await put("/uploads/hypot/x.cfg", authorization="Bearer nothing"))[0] == 401
    assert (await put("/uploads/hypot/x.cfg", origin="https://evil.example"))[0] == 403
    assert (await put("/uploads/other/x.cfg"))[0] == 404
    assert (await put("/uploads/nowhere/x.cfg"))[0] == 404
    status, said = await put("/uploads/hypot/.bashrc")
    assert (status, "another name" in said) == (400, True)
    assert (await http.put("/uploads/hypot/a%2Fb", content=b"x")).status_code == 404
    assert (await http.post("/uploads/hypot/x.cfg", content=b"x")).status_code == 405
    status, said = await put("/uploads/hypot/big", content=pieces(21))
    assert (status, "at most 2.0 MB" in said) == (413, True)
    whole = tmp_path / "whole"
    whole.write_bytes(bytes(1_500_000))
    await client.put_upload("hypot", whole)
    for content in (bytes(500_001), pieces(6)):
        status, said = await put("/uploads/hypot/more", content=content)
        assert (status, "1.5 MB of 2.0 MB" in said) == (413, True)
    with pytest.raises(OperationRefused, match="remove some"):
        await client.put_upload("hypot", whole, "more")
    assert settings.uploads is not None
    assert len(list_names(settings.uploads)) == 1


async def test_uploads_go_through_no_link(
    http: httpx2.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    assert settings.uploads is not None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (settings.uploads / "e1").symlink_to(elsewhere)
    assert (await http.put("/uploads/hypot/x.cfg", content=b"x")).status_code == 503
    assert list_names(elsewhere) == []


async def test_a_launch_has_what_was_there_when_it_was_made(
    client: Client, settings: Settings, tmp_path: Path, db: Pool
) -> None:
    plant = await Factory.make(db)
    stage = await plant.stage("proc", ["true", "$UPLOADS/x.cfg"])
    await db.execute("UPDATE job_type SET kind = 'script'")
    await db.execute("UPDATE stage SET batch_system = 'htcondor'")
    x = tmp_path / "x.cfg"
    x.write_text("old")
    first = await client.put_upload("hypot", x)
    asked = LaunchRequest(plant.person_id)
    planned = await slices.plan_launch(db, stage, asked)
    assert isinstance(planned, PlannedSubmission)
    launched = expect_result(
        (await client.launch_stage(f"stage:{stage}")).launch_stage, SubmissionPart
    )
    made = (await submissions.find_by_ids(db, [int(launched.id.partition(":")[2])]))[0]
    x.write_text("new")
    await client.put_upload("hypot", x)
    now = await slices.plan_launch(db, stage, asked)
    assert isinstance(now, PlannedSubmission)
    differing = list_differences(
        *[await launch_plans.read_parts(db, one) for one in (planned, now)]
    )
    assert "uploads" in next(one for one in differing if one.part is PlanPart.COMMAND).now
    later = await slices.launch_next(db, stage, LaunchRequest(plant.person_id))
    assert later.submission is not None
    tools = make_worker_tools(db, uploads=settings.uploads)
    await drop_uploads(tools)
    for submission, text in ((made, "old"), (later.submission, "new")):
        folder = tmp_path / f"sandbox{submission.id}"
        folder.mkdir()
        assert await put_uploads(tools, submission, folder, pack=False) == b""
        assert (folder / "x.cfg").read_text() == text
        (folder / "x.cfg").write_text("a script wrote this")
    assert settings.uploads is not None
    row = (await uploads.list_by_submissions(db, [made.id]))[0]
    place = locate_upload(settings.uploads, row.experiment_id, row.person_id, row.id)
    assert (f"upload:{row.id}", place.read_text()) == (first["id"], "old")
    place.write_text("bad")
    with pytest.raises(NothingSubmitted, match="upload it again"):
        await put_uploads(tools, made, folder, pack=False)
    # Once nobody reads it any more, its bytes go.
    await db.execute("UPDATE submission_upload SET submission_id = $1", later.submission.id)
    await drop_uploads(tools)
    assert place.exists()
    await db.execute("DELETE FROM submission_upload WHERE upload_id = $1", row.id)
    await drop_uploads(tools)
    assert not place.exists()
    assert len(list_names(settings.uploads)) == 1


async def test_uploads_are_brought_to_another_host(tmp_path: Path) -> None:
    """What ssh would run there is run here, by the shell that reads it."""
    folder, ear = tmp_path / "sandbox", Ear()
    folder.mkdir()
    made = datetime.now(UTC)
    rows = []
    for n, size in enumerate((5, 0, 200_000)):
        (folder / f"x{n}.cfg").write_bytes(b"x" * size)
        rows.append(uploads.Upload(n, 1, 1, f"x{n}.cfg", size, "", made, None))
    packed = pack_files(folder, rows)
    assert len(packed) % BLOCK == 0
    text = "cat $UPLOADS/x0.cfg; echo; wc -c < $UPLOADS/x2.cfg; ls; cat $BEARER_TOKEN_FILE; echo; echo $UPLOADS"
    secrets = {"SECRET": "it's"}
    script = LaunchScript(
        ["sh", "-c", f"{text}; echo $SECRET"], [], {"POMS_MARK": "m", "POMS_SUBMISSION_ID": "1"},
        HostKind.SSH, "far", secrets=secrets,
    )  # fmt: skip
    carried = CarriedFiles(7, "BEARER_TOKEN_FILE", len(packed) // BLOCK)
    argv = build_ssh_command(script, SUPERVISOR_TEXT, carried=carried)
    there = ["sh", "-c", " ".join(argv[argv.index("--") + 2 :])]
    feed = script.secret_lines + b"a-token" + packed
    program = ScriptProgram(there, {"PATH": os.environ["PATH"]}, tmp_path, feed)
    ended = await run_program(program, 30, ear.hear, do_nothing)
    assert ended == (ScriptEnd.EXITED, 0), ear.text
    said = [line for line in ear.text.splitlines() if not line.startswith(OURS)]
    assert said[:6] == ["xxxxx", "200000", "x0.cfg", "x1.cfg", "x2.cfg", "a-token"]
    assert said[7] == "it's"
    assert not Path(said[6]).exists()
