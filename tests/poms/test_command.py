"""The `poms` command, as a shell script uses it: what it prints, and how it ends."""

import json
import stat
from pathlib import Path

from db.pool import Pool
from poms.command.console import ExitCode
from tests.application_server import make_token
from tests.poms.command_runner import Poms
from up.ports import find_free_port


async def test_login_keeps_the_session_for_its_owner_alone(
    poms: Poms, url: str, tmp_path: Path
) -> None:
    nobody = {"POMS_URL": "", "POMS_TOKEN": ""}
    assert (await poms("whoami", **nobody)).code == 4
    done = await poms("login", url, stdin=make_token("anna") + "\n", **nobody)
    assert (done.code, "anna" in done.out) == (0, True)
    (file,) = tmp_path.rglob("session.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "production in hypot" in (await poms("whoami", **nobody)).out


async def test_a_wrong_token_is_not_kept(poms: Poms, url: str, tmp_path: Path) -> None:
    done = await poms("login", url, stdin="nonsense\n")
    assert (done.code, done.out) == (4, "")
    assert not list(tmp_path.rglob("session.json"))


async def test_scripts_are_told_in_json_why_a_command_failed(poms: Poms, tmp_path: Path) -> None:
    file = tmp_path / "wrong.ini"
    file.write_text("[campaign]\nname = c\nwhat\n")
    nowhere = f"http://127.0.0.1:{find_free_port()}"
    for words, env, code, problem in (
        (("launch", "nothing/there"), {}, "REFUSED", None),
        (
            ("campaign", "upload", str(file), "--experiment", "hypot"),
            {},
            "REFUSED",
            "InvalidCampaignFile",
        ),
        (("launch",), {}, "USED_WRONGLY", None),
        (("nothing",), {}, "USED_WRONGLY", None),
        (("whoami",), {"POMS_TOKEN": "x"}, "NOT_SIGNED_IN", None),
        (("login", nowhere), {"stdin": "x\n"}, "UNREACHABLE", None),
    ):
        done = await poms("--json", *words, **env)
        error = done.json["error"]
        assert (error["code"], error["problem"], error["exitCode"]) == (code, problem, done.code)
        assert done.code == ExitCode[code]
        assert error["message"]
        assert bool(error["findings"]) == (problem is not None)
    assert (await poms("--json", "--help")).code == 0


async def test_each_kind_of_failure_has_its_exit_code(poms: Poms) -> None:
    assert (await poms("whoami", POMS_TOKEN="x")).code == 4
    assert (await poms("login", f"http://127.0.0.1:{find_free_port()}", stdin="x\n")).code == 3
    refused = await poms("launch", "nothing/there")
    assert (refused.code, refused.out) == (1, "")
    assert "no campaign or stage 'nothing/there'" in refused.err
    assert (await poms("launch")).code == 2
    assert (await poms("--json", "whoami")).json["viewer"]["person"]["username"] == "anna"


LINES = [
    {"name": "a.root", "size": 10, "location": "store/a.root", "events": 5, "run": 7},
    {"name": "b.root", "size": -1, "location": "store/b.root"},
    "no json",
    {"name": "c.root", "location": "store/c.root"},
    {"name": "d.root", "size": 1, "location": "store/d.root", "colour": "red"},
    {"name": "a.root", "size": 10, "location": "store/a.root", "events": 5, "run": 7},
]


def list_as_lines(store: Path) -> str:
    said = [line if isinstance(line, str) else json.dumps(line) for line in LINES]
    return "\n".join(said).replace("store/", f"{store}/") + "\n"


async def test_lines_that_can_not_be_are_refused_one_by_one_and_the_others_go_in(
    poms: Poms, db: Pool, tmp_path: Path
) -> None:
    text = list_as_lines(tmp_path / "store/e1")
    done = await poms("--json", "dataset", "add", "hypot/raw", "--jsonl", "-", stdin=text)
    assert done.code == 1
    said = done.json
    assert (said["added"], said["known"]) == (2, 1)
    places = {each["place"]: each["why"] for each in said["refused"]}
    assert sorted(places) == ["line 2", "line 3", "line 5"]
    assert "size" in places["line 2"]
    assert "not JSON" in places["line 3"]
    assert "colour" in places["line 5"]
    assert await db.fetchval("SELECT name FROM file WHERE events = 5 AND run = 7") == "a.root"
    again = await poms("--json", "dataset", "add", "hypot/raw", "--jsonl", "-", stdin=text)
    assert (again.json["added"], again.json["known"]) == (0, 3)


async def test_a_csv_and_files_that_are_here_go_in_as_well(
    poms: Poms, db: Pool, tmp_path: Path
) -> None:
    store = tmp_path / "store/e1"
    store.mkdir(parents=True)
    (store / "x.root").write_bytes(b"123")
    table = tmp_path / "files.csv"
    table.write_text(f"name,size,location,run,tier\nc.root,4,{store}/c.root,8,raw\n")
    assert (await poms("dataset", "add", "hypot/raw", "--csv", str(table))).code == 0
    here = await poms("dataset", "add", "hypot/raw", f"{store}/*.root", "--checksum")
    assert (here.code, here.out) == (0, "1 added, 0 were there, 0 refused\n")
    rows = await db.fetch("SELECT name, size, run, metadata, checksum FROM file ORDER BY name")
    assert [tuple(row) for row in rows] == [
        ("c.root", 4, 8, {"tier": "raw"}, None),
        ("x.root", 3, None, {}, f"sha256:{SHA}"),
    ]


async def test_a_listing_of_another_catalog_goes_in_is_known_better_later_and_is_marked(
    poms: Poms,
) -> None:
    names = "mc:run/7/a.root\nmc:b.root\n"
    add = ("dataset", "add", "hypot/mc", "--catalog", "rucio")
    done = await poms("--json", *add, "--listing", "-", stdin=names)
    assert (done.code, done.json["added"], done.json["knownFiles"]) == (0, 2, [])
    rows = ({"scope": "mc", "name": name, "bytes": 5} for name in ("run/7/a.root", "b.root"))
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = await poms("--json", *add, "--jsonl", "-", stdin=text)
    assert done.json["knownFiles"] == [
        {"name": name, "completed": ["size"]} for name in names.split()
    ]
    done = await poms("--json", *add, "--jsonl", "-", stdin=text.replace("5", "6"))
    assert (done.code, done.json["known"]) == (1, 0)
    assert [each["place"] for each in done.json["refused"]] == ["line 1", "line 2"]
    assert done.json["refused"][0]["why"] == "size: it is known as 5, not 6"
    done = await poms("dataset", "stage", "hypot/mc", stdin="mc:b.root\nmc:c.root\n")
    assert (done.code, done.out) == (1, "1 marked, 0 were marked so, 1 are not in it\n")
    assert "mc:c.root" in done.err
    (shown,) = (await poms("--json", "dataset", "list", "hypot")).json
    assert (shown["filesTotal"], shown["bytes"], shown["filesWithoutSize"]) == (2, 10, 0)
    assert shown["fileCheck"]["isPending"]
    looked = await poms("--json", "dataset", "check", "hypot/mc", "--wait", "0")
    assert (looked.code, looked.json["doneAt"]) == (5, None)
    assert (await poms("dataset", "list", "hypot")).out.count("not looked at yet") == 1


SHA = "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"


async def test_more_files_than_one_request_takes_go_in_as_a_stream(
    poms: Poms, db: Pool, tmp_path: Path
) -> None:
    text = "".join(
        json.dumps({"name": f"f{n}", "size": n, "location": f"{tmp_path}/store/e1/f{n}"}) + "\n"
        for n in range(2500)
    )
    done = await poms("dataset", "add", "hypot/raw", "--jsonl", "-", stdin=text)
    assert (done.code, done.out) == (0, "2500 added, 0 were there, 0 refused\n")
    assert await db.fetchval("SELECT head FROM dataset WHERE name = 'raw'") == 2500
