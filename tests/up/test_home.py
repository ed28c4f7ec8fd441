"""Where things are kept: reachable, short enough, once, and with room left."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from up import children, postgres
from up.faults import SetupError, explain_fault
from up.home import (
    check_free_space,
    copy_within_reach,
    ensure_secret,
    find_barrier,
    give_all,
    open_home,
)
from up.logs import open_log, read_last_lines, trim_log

NOBODY = children.UnixAccount(65534, 65534)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes who it is")


def test_the_secret_is_made_once_and_nobody_else_reads_it(tmp_path: Path) -> None:
    first = ensure_secret(tmp_path)
    assert len(first) >= 32
    assert ensure_secret(tmp_path) == first
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_the_folder_in_the_way_is_named(home: Path) -> None:
    deep = home / "private" / "checkout"
    deep.mkdir(parents=True)
    assert find_barrier(deep, NOBODY) is None
    (home / "private").chmod(0o700)
    assert find_barrier(deep, NOBODY) == home / "private"


@as_root
def test_a_checkout_that_only_root_can_enter_has_its_databases_elsewhere(home: Path) -> None:
    root = home / "private" / ".poms"
    root.parent.mkdir(mode=0o700)
    opened = open_home(root, home / "lib")
    assert opened.services.parent == home / "lib"
    assert opened.logs == root / "log"
    assert open_home(root, home / "another").services == opened.services


@as_root
def test_programs_that_only_root_can_enter_are_copied_once(home: Path) -> None:
    opened = open_home(home / "private" / ".poms", home / "lib")
    (home / "private").chmod(0o700)
    opened = open_home(home / "private" / ".poms", home / "lib")
    wheel = home / "private" / "wheel"
    (wheel / "bin").mkdir(parents=True)
    (wheel / "bin" / "hello").write_text("#!/bin/sh\necho hello\n")
    (wheel / "bin" / "hello").chmod(0o755)
    reachable = copy_within_reach(wheel, opened, NOBODY)
    child = children.spawn_process(
        [reachable / "bin" / "hello"], out=subprocess.PIPE, run_as=children.find_run_account()
    )
    assert child.communicate()[0] == b"hello\n"
    written = (reachable / "bin" / "hello").stat().st_ctime_ns
    assert copy_within_reach(wheel, opened, NOBODY) == reachable
    assert (reachable / "bin" / "hello").stat().st_ctime_ns == written


@as_root
def test_a_barrier_elsewhere_too_is_one_sentence(home: Path) -> None:
    (home / "private").mkdir(mode=0o700)
    with pytest.raises(SetupError, match=r"can't enter .*/private: `chmod o\+x"):
        open_home(home / "private" / ".poms", home / "private" / "lib")


def test_a_long_path_gets_a_short_one_for_its_sockets(home: Path) -> None:
    root = home / ("long" * 25) / ".poms"
    opened = open_home(root)
    try:
        assert len(str(opened.sockets)) < 60
        folders = sorted(opened.sockets.iterdir())
        assert [folder.name for folder in folders] == ["postgres", "valkey"]
        assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in folders)
        if os.geteuid() == 0:
            assert len({folder.stat().st_uid for folder in (opened.sockets, *folders)}) == 3
    finally:
        shutil.rmtree(opened.sockets)


def test_a_nearly_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"Only \d+ MB are free .* free some space"):
        check_free_space(tmp_path, needed=2**50)


def test_data_of_another_major_version_is_one_sentence(home: Path) -> None:
    data = home / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("15\n")
    cluster = postgres.PostgresCluster(data, home, postgres.locate_programs(), "x")
    with pytest.raises(SetupError, match=r"was made by PostgreSQL 15, and this is \d+"):
        postgres.create_cluster(cluster)


def test_a_data_directory_that_was_half_made_is_made_again(home: Path) -> None:
    run_as = children.choose_own_account(children.POSTGRES)
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    cluster = postgres.PostgresCluster(
        home / "postgres", home, postgres.locate_programs(), "x", run_as
    )
    postgres.create_cluster(cluster, durable=False)
    assert (home / "postgres" / "postgresql.conf").exists()
    assert sorted(path.name for path in home.iterdir()) == ["postgres"]
    owners = {path.stat().st_uid for path in (home / "postgres").rglob("*")}
    assert owners == {run_as.uid if run_as else os.geteuid()}


@as_root
def test_what_an_older_version_gave_to_nobody_is_given_on_but_not_what_is_others(
    home: Path,
) -> None:
    folder, other = home / "valkey", home / "others"
    before = children.find_run_account() or NOBODY
    (folder / "appendonly").mkdir(parents=True)
    other.write_text("of root")
    (folder / "appendonly" / "log").touch()
    (folder / "link").symlink_to(other)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, *before, follow_symlinks=False)
    give_all(folder, children.VALKEY)
    assert {path.lstat().st_uid for path in (folder, *folder.rglob("*"))} == {children.VALKEY.uid}
    assert other.stat().st_uid == 0
    os.chown(folder, *before)
    (folder / "hard").hardlink_to(other)
    with pytest.raises(SetupError, match="hard is somebody else's"):
        give_all(folder, children.VALKEY)
    assert other.stat().st_uid == 0


@pytest.mark.parametrize(
    ("log", "says"),
    [
        ("FATAL:  could not write: No space left on device", "full: free some space"),
        ("could not open file: Permission denied", "not ours: `chown` it"),
        ("ordinary words", None),
    ],
)
def test_a_known_fault_in_a_log_is_explained(log: str, says: str | None) -> None:
    sentence = explain_fault(log, Path("somewhere"))
    assert sentence is None if says is None else says in (sentence or "")


def test_a_log_is_bounded_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "it.log"
    descriptor = open_log(path)
    for number in range(300):
        os.write(descriptor, b"line %d\n" % number)
    trim_log(path, limit=1000)
    os.write(descriptor, b"after\n")
    os.close(descriptor)
    assert path.read_text() == "after\n"
    assert read_last_lines(path.with_name("it.log.1"), count=2) == ["line 298", "line 299"]
