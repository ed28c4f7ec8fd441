"""What travels with jobs is what was looked at, whatever takes its name before HTCondor reads it."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batch import BatchRefused, Launch, ReportKey
from batch.directory import InputFile
from batch.htcondor import HTCondor, HTCondorAccess
from batch.htcondor.carried_inputs import drop_inputs, put_inputs
from batch.htcondor.child import BindingsChild
from domain.setup.resources import Resources
from domain.submissions.jobs import JobState
from tests.batch.batch_fixtures import CommittingFeed, HTCondorFixture, wait_for_condition

MINE, OTHERS = "what is mine\n", "what is somebody else's\n"
COPIES = 'cat $(cat "$POMS_INPUTS") > "$POMS_JOB.out"'


@pytest.fixture(params=["condor", "condor_query"])
def bench(request: pytest.FixtureRequest, access: HTCondorAccess) -> HTCondorFixture:
    made: HTCondorFixture = request.getfixturevalue(request.param)
    if request.param == "condor":
        made.condor.close()
        made.system = made.condor = HTCondor(replace(access, carries=True), made.spool)
    return made


async def test_a_link_that_takes_an_inputs_place_before_it_is_carried_carries_nothing_of_others(
    bench: HTCondorFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The swap is made where it can't be met later: the schedd has just been told what to carry."""
    raw, other = bench.spool / "raw.txt", bench.spool / "others"
    raw.write_text(MINE)
    other.write_text(OTHERS)
    tell = BindingsChild.call

    def swap_and_tell(self: BindingsChild, asked: str, *args: Any, **given: Any) -> Any:
        if asked == "submit":
            raw.unlink()
            raw.symlink_to(other)
        return tell(self, asked, *args, **given)

    monkeypatch.setattr(BindingsChild, "call", swap_and_tell)
    # Without size and checksum the payload takes whatever comes.
    launch = bench.launch("m1", COPIES, files=[InputFile(1, "raw.txt", str(raw))])
    feed, native_id = CommittingFeed(bench.system), await bench.submit(launch)
    assert raw.is_symlink()
    await bench.open(native_id)
    assert (await feed.until_over(native_id, [1]))[1] is JobState.SUCCEEDED
    key = ReportKey(launch.directory, 1, 1)
    (output,) = (await bench.system.reports([key]))[key]["outputs"]
    assert Path(output["path"]).read_text() == MINE

    async def is_dropped() -> bool:
        await feed.read()
        return not (launch.directory / "inputs").exists()

    await wait_for_condition(is_dropped)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    if not os.access("/dev/shm", os.W_OK) or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def launch_of(home: Path, *paths: Path) -> Launch:
    (home / "units").mkdir(exist_ok=True)
    files: list[Mapping[str, Any]] = [{"path": str(path)} for path in paths]
    (home / "units/1.json").write_text(json.dumps({"files": files}))
    return Launch("m1", home, [1], Resources(), "a/b")


def put_file(launch: Launch, copies_mb: int = 1, *, only_ours: bool = False) -> list[Path]:
    (listed,) = put_inputs(launch, copies_mb=copies_mb, only_ours=only_ours)
    return [Path(each) for each in listed.split(",") if each]


def test_an_input_is_linked_and_whatever_its_name_is_travels_by_its_place(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("plain", "b, c", "$(x)", "launch.json", "7.3")]
    for path in paths:
        path.write_text(path.name)
    launch = launch_of(tmp_path, *paths)
    for _ in range(2):  # once more, as after a try that was given up
        found = put_file(launch, copies_mb=0)
        assert [path.name for path in found] == [f"1.{place}" for place in range(len(paths))]
        assert all(a.samefile(b) for a, b in zip(found, paths, strict=True))
    drop_inputs(tmp_path)
    assert all(path.stat().st_nlink == 1 for path in paths)


@pytest.mark.parametrize(("only_ours", "mode"), [(True, 0o700), (False, 0o755)])
def test_who_does_not_read_them_for_htcondor_does_not_reach_them(
    tmp_path: Path, only_ours: bool, mode: int
) -> None:
    put_file(launch_of(tmp_path), only_ours=only_ours)
    assert (tmp_path / "inputs").stat().st_mode & 0o777 == mode


def test_what_a_link_of_an_earlier_try_leads_to_is_not_written(
    tmp_path: Path, elsewhere: Path
) -> None:
    other, raw = tmp_path / "other", elsewhere / "raw"
    other.write_text(OTHERS)
    raw.write_text(MINE)
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs/1.0").symlink_to(other)
    (found,) = put_file(launch_of(tmp_path, raw))
    assert (found.read_text(), other.read_text()) == (MINE, OTHERS)


def test_a_link_in_the_place_of_their_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "others").mkdir(mode=0o700)
    (tmp_path / "inputs").symlink_to("others")
    raw = tmp_path / "raw"
    raw.write_text(MINE)
    with pytest.raises(OSError):  # noqa: PT011 - of either kind
        put_file(launch_of(tmp_path, raw))
    assert not [*(tmp_path / "others").iterdir()]
    assert (tmp_path / "others").stat().st_mode & 0o777 == 0o700


def test_a_hard_link_travels_with_the_rights_of_its_file(tmp_path: Path) -> None:
    """Who reads it is the kernel's to say there; docs/security.md says what holds where POMS reads it itself."""
    raw = tmp_path / "raw"
    raw.write_text(OTHERS)
    raw.chmod(0o600)
    (tmp_path / "hard").hardlink_to(raw)
    (found,) = put_file(launch_of(tmp_path, tmp_path / "hard"))
    assert found.stat().st_mode & 0o777 == 0o600


def test_where_no_link_can_be_made_it_is_a_copy_for_those_who_may_read_the_file(
    tmp_path: Path, elsewhere: Path
) -> None:
    raw = elsewhere / "raw"
    raw.write_bytes(os.urandom(300_001))
    raw.chmod(0o640)
    (found,) = put_file(launch_of(tmp_path, raw))
    assert found.read_bytes() == raw.read_bytes()
    assert (found.stat().st_mode & 0o777, found.stat().st_nlink) == (0o640, 1)


def test_so_much_is_copied_for_one_launch_and_who_wants_more_is_told_what_to_do(
    tmp_path: Path, elsewhere: Path
) -> None:
    paths = [elsewhere / name for name in ("first", "second")]
    for path in paths:
        path.write_bytes(b"x" * 600_000)
    with pytest.raises(
        BatchRefused, match=r"second .* more than 1 MB .* raise the schedd's _COPIES_MB"
    ):
        put_file(launch_of(tmp_path, *paths))
    assert len(put_file(launch_of(tmp_path, *paths), copies_mb=2)) == 2


def test_a_hole_of_a_terabyte_is_not_copied(tmp_path: Path, elsewhere: Path) -> None:
    with (elsewhere / "sparse").open("wb") as file:
        file.truncate(1 << 36)
    with pytest.raises(BatchRefused):
        put_file(launch_of(tmp_path, elsewhere / "sparse"), copies_mb=1000)
    assert not list((tmp_path / "inputs").iterdir())


def test_an_input_that_is_removed_while_it_is_opened_still_travels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, link = tmp_path / "raw", os.link
    raw.write_text(MINE)

    def remove_and_link(*args: Any, **given: Any) -> None:
        raw.unlink(missing_ok=True)
        link(*args, **given)

    monkeypatch.setattr(os, "link", remove_and_link)
    (found,) = put_file(launch_of(tmp_path, raw))
    assert found.read_text() == MINE
