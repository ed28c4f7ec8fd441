"""Launch scripts on the workers' own host run as the account that was named, and reach nothing of the workers'."""

import itertools
import os
import pwd
import sys
from pathlib import Path

import pytest

from domain.launching.launch_scripts import LaunchScript, build_local_command
from domain.launching.launches import ScriptEnd
from tests.workers.test_running import Ear, do_nothing
from workers.running import ScriptProgram, run_program
from workers.script_accounts import AccountMissing, find_account, give_sandbox, take_credential
from workers.scripts import SUPERVISOR

_serial = itertools.count()
NOBODY, ROOT_ONLY = (
    "nobody",
    pytest.mark.skipif(os.getuid() != 0, reason="only root changes who it is"),
)
OWN = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def spool(service_home: Path) -> Path:
    """A spool as `make run` has it, with a launch directory."""
    made = service_home / f"scripts{next(_serial)}"
    (made / "launches/m1/sandbox").mkdir(parents=True)
    for path in (made, made / "launches/m1/sandbox"):
        path.chmod(0o700)
    return made


@ROOT_ONLY
async def test_it_runs_as_the_account_in_a_folder_of_its_own(spool: Path) -> None:
    account, folder = find_account(NOBODY, as_worker=False), spool / "launches/m1/sandbox"
    assert account is not None
    secret = spool / "secret"
    secret.write_text("a-secret")
    secret.chmod(0o600)
    more = give_sandbox(account, spool, folder, ("BEARER_TOKEN_FILE", b"a-token"))
    text = (
        f"id -u; id -G; pwd; echo $HOME $USER; cat $BEARER_TOKEN_FILE; echo; touch own; ls {spool}; cat {secret}; "
        "cat /proc/$PPID/environ; echo x > ../x; setpriv --reuid 0 true && echo root; true"
    )
    argv = build_local_command(
        LaunchScript(["sh", "-c", text], [], {}),
        [sys.executable, "-I", str(SUPERVISOR)],
        account=account.words,
    )
    environment = account.build_environment() | more | {"POMS_MARK": "m", "POMS_SUBMISSION_ID": "1"}
    ear = Ear()
    ended = await run_program(ScriptProgram(argv, environment, folder), 30, ear.hear, do_nothing)
    assert ended == (ScriptEnd.EXITED, 0), ear.text
    entry = pwd.getpwnam(NOBODY)
    said = ear.text.splitlines()
    groups = " ".join(map(str, account.groups))
    assert said[:5] == [
        str(entry.pw_uid),
        groups,
        str(folder),
        f"{entry.pw_dir} {NOBODY}",
        "a-token",
    ]
    assert ear.text.count("ermission denied") == 4, ear.text
    assert "a-secret" not in ear.text
    assert "root" not in said
    assert (folder / "own").stat().st_uid == entry.pw_uid
    take_credential(folder)
    assert not (folder / ".credential").exists()


@ROOT_ONLY
def test_an_account_that_can_not_get_to_its_folder_is_told_where(spool: Path) -> None:
    account = find_account(NOBODY, as_worker=False)
    assert account is not None
    spool.parent.joinpath("closed").mkdir(mode=0o700)
    moved = spool.rename(spool.parent / "closed/spool")
    with pytest.raises(AccountMissing, match=r"can't enter .*/closed: `chmod o\+x` it"):
        give_sandbox(account, moved, moved / "launches/m1/sandbox", None)


def test_the_workers_own_account_is_for_development() -> None:
    with pytest.raises(AccountMissing, match=f"{OWN} is the workers' own account.*=1 allows it"):
        find_account(OWN, as_worker=False)
    assert find_account(OWN, as_worker=True) is None


def test_an_account_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(AccountMissing, match="this host has no account nobodyatall"):
        find_account("nobodyatall", as_worker=True)


@ROOT_ONLY
def test_who_is_no_root_becomes_nobody_else() -> None:
    os.seteuid(12345)
    try:
        with pytest.raises(
            AccountMissing, match="the workers run as 12345, which can't become nobody"
        ):
            find_account(NOBODY, as_worker=True)
        with pytest.raises(AccountMissing, match="no launch script runs as root"):
            find_account("root", as_worker=True)
    finally:
        os.seteuid(0)
