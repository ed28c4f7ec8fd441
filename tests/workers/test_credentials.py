"""Launches wait for their credentials and go on once these are renewed, by people or by a command."""

import asyncio
import os
from pathlib import Path

import pytest

from db.setup.credentials import CredentialLocation
from domain.setup.credentials import CredentialUnusable
from tests.factories import Factory
from tests.workers.campaigns import make_two_stage_campaign
from tests.workers.credentials import KEY, CredentialFolder, build_renewal_command, make_token
from tests.workers.house import House, wait_until
from workers import command
from workers.credential_store import CredentialStore


async def is_waiting(made: CredentialFolder, text: str) -> bool:
    """A new submission waits, with this among its reasons."""
    sql = (
        "SELECT EXISTS (SELECT FROM submission WHERE state = 'new' AND position($1 IN reason) > 0)"
    )
    return bool(await made.db.fetchval(sql, text))


async def list_kinds(made: CredentialFolder) -> list[str]:
    rows = await made.db.fetch(
        "SELECT kind FROM (SELECT id, kind FROM change UNION ALL SELECT id, kind FROM change_inbox) c "
        "WHERE kind ^@ 'credential.' ORDER BY id"
    )
    return [row["kind"] for row in rows]


async def test_a_launch_waits_for_its_credential_and_goes_on_by_itself_once_there_is_one(
    house: House, plant: Factory
) -> None:
    made, campaign = (
        await CredentialFolder.make(house, plant),
        await make_two_stage_campaign(house, plant),
    )
    await campaign.launch()
    house.runner()
    house.worker(**made.settings)
    await wait_until(
        lambda: is_waiting(made, "no file pass.token"), "a launch without its token", house
    )
    made.file.write_text(make_token(300))
    await wait_until(
        lambda: is_waiting(made, "needs it for 10 minutes"), "a token that ends soon", house
    )
    assert await made.db.fetchval("SELECT count(*) FROM launch_attempt") == 0
    made.file.write_text(make_token(3600))
    await wait_until(campaign.is_done, "the campaign's end", house)
    await campaign.check()
    assert await made.db.fetchval("SELECT count(*) FROM submission WHERE reason LIKE 'Waits%'") == 0
    told = "SELECT reason FROM change WHERE kind = 'submission.new' AND reason <> ''"
    assert len({row[0] for row in await made.db.fetch(told)}) >= 2
    # Nothing renews it, and it ends within a day: told once for each of its two ends.
    assert await list_kinds(made) == ["credential.expiring", "credential.expiring"]


async def test_a_command_renews_it_and_what_it_says_is_kept_without_the_secret(
    house: House, plant: Factory
) -> None:
    made = await CredentialFolder.make(house, plant, renewal=build_renewal_command(house))
    made.file.write_text(make_token(-60))
    campaign = await make_two_stage_campaign(house, plant)
    await campaign.launch()
    house.runner()
    house.worker(**made.settings)
    await wait_until(campaign.is_done, "the campaign's end", house)
    row = await made.db.fetchrow(
        "SELECT renewal_output, renewal_attempts, renewed_at, problem FROM credential"
    )
    assert row is not None
    assert (row["renewal_output"].strip(), row["renewal_attempts"], row["problem"]) == (
        "got [secret]",
        0,
        "",
    )
    assert row["renewed_at"]
    # One run; it saw none of the service's secrets, and its arguments came as they are.
    assert made.runs.read_text() == f"['POMS_CREDENTIAL'] ['{KEY}', '; echo $(no shell)']\n"
    assert await list_kinds(made) == ["credential.renewed"]


@pytest.mark.parametrize(
    ("trouble", "said"), [("fail", "no vault today"), ("hang", "did not end within 2 s")]
)
async def test_a_renewal_that_fails_is_tried_again_later_and_people_are_warned(
    house: House, plant: Factory, trouble: str, said: str
) -> None:
    made = await CredentialFolder.make(house, plant, renewal=build_renewal_command(house))
    made.file.write_text(make_token(-60))
    flag = Path(f"{made.runs}.{trouble}")
    flag.touch()
    house.worker(**made.settings)

    async def failed() -> bool:
        row = await made.db.fetchrow(
            "SELECT renewal_attempts, renewal_output, renew_at > now() + interval '30 s' AS later, renewing_until"
            " FROM credential"
        )
        return (
            row is not None
            and row["renewal_attempts"] == 1
            and said in row["renewal_output"]
            and bool(row["later"])
        )

    await wait_until(failed, "a renewal that failed", house)
    await wait_until(lambda: _has_kind(made, "credential.expiring"), "a warning", house)
    flag.unlink()
    await made.db.execute("UPDATE credential SET renew_at = now()")
    await wait_until(made.holds, "the renewed token", house)

    async def is_noted() -> bool:
        return bool(await made.db.fetchval("SELECT renewal_attempts = 0 FROM credential"))

    await wait_until(is_noted, "the end of the renewal", house)
    assert made.runs.read_text().count("\n") == 2


async def _has_kind(made: CredentialFolder, kind: str) -> bool:
    return kind in await list_kinds(made)


async def test_several_workers_renew_it_once(house: House, plant: Factory) -> None:
    made = await CredentialFolder.make(house, plant, renewal=build_renewal_command(house))
    for _ in range(3):
        house.worker(**made.settings)
    await wait_until(made.holds, "the renewed token", house)
    assert made.runs.read_text().count("\n") == 1


async def test_a_command_that_leaves_children_behind_leaves_none(tmp_path: Path) -> None:
    child = tmp_path / "child"
    lines = f"sleep 600 & echo $! > {child}; echo started; wait"
    ran = await command.run_command(["/bin/sh", "-c", lines], tmp_path / "t", 1.0)
    assert (ran.output, ran.failed) == ("started\n", "The command did not end within 1 s.")
    pid = int(child.read_text())
    async with asyncio.timeout(10):  # killed, it counts as running until it is scheduled once more
        while not has_ended(pid):
            await asyncio.sleep(0.01)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or a zombie that nobody has reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


async def test_of_a_long_output_the_end_is_kept_without_the_line_that_was_cut(
    tmp_path: Path,
) -> None:
    lines = "i=0; while [ $i -lt 9000 ]; do echo line-$i; i=$((i+1)); done"
    ran = await command.run_command(["/bin/sh", "-c", lines], tmp_path / "t", 30.0)
    assert ran.failed == ""
    assert len(ran.output) <= command.MOST_OUTPUT
    kept = ran.output.splitlines()
    assert kept[-1] == "line-8999"
    assert kept[0].startswith("line-")


async def test_what_is_no_command_fails_in_words(tmp_path: Path) -> None:
    for argv in (["/nonexistent/renew"], [""]):
        ran = await command.run_command(argv, tmp_path / "t", 1.0)
        assert ran.failed.startswith("The command can't be started")


def test_no_path_and_no_link_leads_out_of_an_experiments_folder(tmp_path: Path) -> None:
    vault = CredentialStore(tmp_path / "vault")
    mine, other = tmp_path / "vault/e3", tmp_path / "vault/e4"
    for folder in (mine, other):
        folder.mkdir(parents=True)
        (folder / "token").write_text(make_token(3600))
    (mine / "link").symlink_to(other / "token")
    (mine / "folder").symlink_to(other)
    (mine / "own").symlink_to("token")
    os.mkfifo(mine / "pipe")
    (mine / "long").write_bytes(b"x" * 300_000)
    assert vault.read(CredentialLocation(3, "own")) == vault.read(CredentialLocation(3, "token"))
    for path in (
        "link",
        "folder/token",
        "../e4/token",
        "/etc/passwd",
        "pipe",
        "long",
        "nothing",
        ".",
    ):
        with pytest.raises(CredentialUnusable):
            vault.read(CredentialLocation(3, path))
    with pytest.raises(CredentialUnusable, match="POMS_CREDENTIALS"):
        CredentialStore().read(CredentialLocation(3, "token"))
