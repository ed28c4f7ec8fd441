"""Who is signed in on a page: the pages' own module, run by node with a window's storage, address and question."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.application_server import make_token

WEB = Path(__file__).parents[1] / "web"
BUILD = """
import { build } from "vite";
const lib = { entry: "src/session.ts", formats: ["es"], fileName: () => "session.mjs" };
await build({ configFile: false, logLevel: "error", build: { outDir: process.argv[1], emptyOutDir: false, lib } });
"""
RUN = """
const { stored, hash, yes } = JSON.parse(process.argv[1]);
const kept = new Map(stored ? [["poms.token", stored]] : []), asked = [], addresses = [], heard = [];
globalThis.sessionStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};
globalThis.location = { hash, pathname: "/", search: "" };
globalThis.history = { state: null, replaceState: (_, __, address) => addresses.push(address) };
globalThis.addEventListener = (name, then) => name === "hashchange" && heard.push(then);
globalThis.confirm = (question) => { asked.push(question); return yes; };
const { current } = await import("./session.mjs");
const first = current().token;
for (const then of heard) then();
console.log(JSON.stringify({ first, token: current().token, kept: kept.get("poms.token") ?? null, asked, addresses }));
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("node") or not (WEB / "node_modules/vite").exists():
        pytest.skip("what builds the web pages is not here: run `make playground`")
    folder = tmp_path_factory.mktemp("session")
    run_node("-e", BUILD, str(folder), cwd=WEB)
    return folder


def run_node(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        ["node", "--input-type=module", *words], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def open_link(built: Path, stored: str | None, linked: str, *, yes: bool = False) -> dict[str, Any]:
    """What is so when a page was opened by a link with a token, and its address came once more."""
    given = json.dumps({"stored": stored, "hash": f"#token={linked}", "yes": yes})
    found: dict[str, Any] = json.loads(run_node("-e", RUN, given, cwd=built))
    return found


def test_a_link_takes_nobodys_place_without_their_word(built: Path) -> None:
    anna, sam = make_token("anna"), make_token("sam")
    found = open_link(built, anna, sam)
    assert (found["first"], found["token"], found["kept"]) == (anna, anna, anna)
    assert len(found["asked"]) == 2
    assert "signed in here as anna" in found["asked"][0]
    assert "signs you in as sam" in found["asked"][0]
    assert set(found["addresses"]) == {"/"}  # it is in no history, whatever was answered
    assert open_link(built, anna, sam, yes=True)["kept"] == sam


def test_a_link_signs_in_who_is_not_and_asks_nothing_of_the_same_one(built: Path) -> None:
    anna = make_token("anna")
    for stored in (None, anna):
        found = open_link(built, stored, anna)
        assert (found["first"], found["kept"], found["asked"]) == (anna, anna, [])


@pytest.mark.parametrize("linked", ["<script>", "a b\u0000", "", "%0d%0aSet-Cookie:x"])
def test_what_can_be_no_token_changes_nothing(built: Path, linked: str) -> None:
    anna = make_token("anna")
    found = open_link(built, anna, linked)
    assert (found["kept"], found["asked"]) == (anna, [])


MARKUP = re.compile(
    r"dangerouslySetInnerHTML|(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
)


def test_pages_take_no_text_for_markup_or_code() -> None:
    """Names, reasons and logs are text to React; nothing of ours goes around it."""
    sources = [*WEB.glob("src/*.ts*"), *WEB.glob("*.html")]
    assert len(sources) > 20
    assert [path.name for path in sources if MARKUP.search(path.read_text())] == []
