"""Launches wait for their credentials and go on once these are renewed, by people or by a command."""

import os
from pathlib import Path

import pytest

from db.credentials import Lying
from domain.credentials import Unusable
from tests.plant import Plant
from tests.workers.campaigns import two
from tests.workers.credentials import KEY, Pass, renewal, token
from tests.workers.house import House, until
from workers import command
from workers.vault import Vault


async def waiting(made: Pass, text: str) -> bool:
    """A new submission waits, with this among its reasons."""
    sql = (
        "SELECT EXISTS (SELECT FROM submission WHERE state = 'new' AND position($1 IN reason) > 0)"
    )
    return bool(await made.db.fetchval(sql, text))


async def kinds(made: Pass) -> list[str]:
    rows = await made.db.fetch(
        "SELECT kind FROM (SELECT id, kind FROM change UNION ALL SELECT id, kind FROM change_inbox) c "
        "WHERE kind ^@ 'credential.' ORDER BY id"
    )
    return [row["kind"] for row in rows]


async def test_a_launch_waits_for_its_credential_and_goes_on_by_itself_once_there_is_one(
    house: House, plant: Plant
) -> None:
    made, campaign = await Pass.make(house, plant), await two(house, plant)
    await campaign.launch()
    house.runner()
    house.worker(**made.settings)
    await until(lambda: waiting(made, "no file pass.token"), "a launch without its token", house)
    made.file.write_text(token(300))
    await until(lambda: waiting(made, "needs it for 10 minutes"), "a token that ends soon", house)
    assert await made.db.fetchval("SELECT count(*) FROM launch_attempt") == 0
    made.file.write_text(token(3600))
    await until(campaign.done, "the campaign's end", house)
    await campaign.check()
    assert await made.db.fetchval("SELECT count(*) FROM submission WHERE reason LIKE 'Waits%'") == 0
    told = (
        "SELECT body->>'reason' FROM change WHERE kind = 'submission.new' AND body->>'reason' <> ''"
    )
    assert len({row[0] for row in await made.db.fetch(told)}) >= 2
    # Nothing renews it, and it ends within a day: told once for each of its two ends.
    assert await kinds(made) == ["credential.expiring", "credential.expiring"]


async def test_a_command_renews_it_and_what_it_says_is_kept_without_the_secret(
    house: House, plant: Plant
) -> None:
    made = await Pass.make(house, plant, renewal=renewal(house))
    made.file.write_text(token(-60))
    campaign = await two(house, plant)
    await campaign.launch()
    house.runner()
    house.worker(**made.settings)
    await until(campaign.done, "the campaign's end", house)
    row = await made.db.fetchrow("SELECT said, tries, renewed_at, problem FROM credential")
    assert row is not None
    assert (row["said"].strip(), row["tries"], row["problem"]) == ("got [secret]", 0, "")
    assert row["renewed_at"]
    # One run; it saw none of the service's secrets, and its arguments came as they are.
    assert made.runs.read_text() == f"['POMS_CREDENTIAL'] ['{KEY}', '; echo $(no shell)']\n"
    assert await kinds(made) == ["credential.renewed"]


@pytest.mark.parametrize(
    ("trouble", "said"), [("fail", "no vault today"), ("hang", "did not end within 2 s")]
)
async def test_a_renewal_that_fails_is_tried_again_later_and_people_are_warned(
    house: House, plant: Plant, trouble: str, said: str
) -> None:
    made = await Pass.make(house, plant, renewal=renewal(house))
    made.file.write_text(token(-60))
    flag = Path(f"{made.runs}.{trouble}")
    flag.touch()
    house.worker(**made.settings)

    async def failed() -> bool:
        row = await made.db.fetchrow(
            "SELECT tries, said, renew_at > now() + interval '30 s' AS later, renewing_until FROM credential"
        )
        return row is not None and row["tries"] == 1 and said in row["said"] and bool(row["later"])

    await until(failed, "a renewal that failed", house)
    await until(lambda: _told(made, "credential.expiring"), "a warning", house)
    flag.unlink()
    await made.db.execute("UPDATE credential SET renew_at = now()")
    await until(made.holds, "the renewed token", house)
    assert await made.db.fetchval("SELECT tries FROM credential") == 0
    assert made.runs.read_text().count("\n") == 2


async def _told(made: Pass, kind: str) -> bool:
    return kind in await kinds(made)


async def test_several_workers_renew_it_once(house: House, plant: Plant) -> None:
    made = await Pass.make(house, plant, renewal=renewal(house))
    for _ in range(3):
        house.worker(**made.settings)
    await until(made.holds, "the renewed token", house)
    assert made.runs.read_text().count("\n") == 1


async def test_a_command_that_leaves_children_behind_leaves_none(tmp_path: Path) -> None:
    child = tmp_path / "child"
    lines = f"sleep 600 & echo $! > {child}; echo started; wait"
    ran = await command.run(["/bin/sh", "-c", lines], tmp_path / "t", 1.0)
    assert (ran.said, ran.failed) == ("started\n", "The command did not end within 1 s.")
    pid = int(child.read_text())
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().split()[2] in "ZX"


async def test_of_a_long_output_the_end_is_kept_without_the_line_that_was_cut(
    tmp_path: Path,
) -> None:
    lines = "i=0; while [ $i -lt 9000 ]; do echo line-$i; i=$((i+1)); done"
    ran = await command.run(["/bin/sh", "-c", lines], tmp_path / "t", 30.0)
    assert ran.failed == ""
    assert len(ran.said) <= command.MOST_OUTPUT
    kept = ran.said.splitlines()
    assert kept[-1] == "line-8999"
    assert kept[0].startswith("line-")


async def test_what_is_no_command_fails_in_words(tmp_path: Path) -> None:
    for argv in (["/nonexistent/renew"], [""]):
        ran = await command.run(argv, tmp_path / "t", 1.0)
        assert ran.failed.startswith("The command can't be started")


def test_no_path_and_no_link_leads_out_of_an_experiments_folder(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    mine, other = tmp_path / "vault/hypot", tmp_path / "vault/other"
    for folder in (mine, other):
        folder.mkdir(parents=True)
        (folder / "token").write_text(token(3600))
    (mine / "link").symlink_to(other / "token")
    (mine / "folder").symlink_to(other)
    (mine / "own").symlink_to("token")
    os.mkfifo(mine / "pipe")
    (mine / "long").write_bytes(b"x" * 300_000)
    assert vault.read(Lying("hypot", "own")) == vault.read(Lying("hypot", "token"))
    for path in (
        "link",
        "folder/token",
        "../other/token",
        "/etc/passwd",
        "pipe",
        "long",
        "nothing",
        ".",
    ):
        with pytest.raises(Unusable):
            vault.read(Lying("hypot", path))
    with pytest.raises(Unusable, match="POMS_CREDENTIALS"):
        Vault().read(Lying("hypot", "token"))
