"""Jobs of the local batch system attack what is not theirs, behind each wall that there is."""

import asyncio
import json
import os
import shlex
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from batch import BatchRefused
from batch.directory import InputFile
from batch.local.accounts import AccountRange
from domain.submissions.jobs import JobActionVerb, JobState
from tests.batch.batch_fixtures import CommittingFeed, wait_for_condition
from tests.batch.wall_fixture import (
    ACCOUNTS,
    BOTH,
    NEITHER,
    ORDINARY,
    PREFIXES,
    SECRET,
    SPACES,
    WalledFixture,
    build_user_without_spaces,
    can_have_spaces,
    find_python,
    has_programs,
)

_serial = count()
# Each line of the output is something that it reached.
TRY = """
try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name"; fi; }
tells() { cat "$@" 2>/dev/null | tr '\\0' '\\n' | grep -q "$secret"; }
adds() { echo x >> "$1"; }
"""


@pytest.fixture
def folder(service_home: Path) -> Path:
    made = service_home / f"walls{next(_serial)}"
    made.mkdir(mode=0o711)
    return made


@pytest.fixture(params=[BOTH, ACCOUNTS, SPACES])
def bench(request: pytest.FixtureRequest, folder: Path) -> Iterator[WalledFixture]:
    if not has_programs() or not find_python():
        pytest.skip("there is no setpriv, unshare, or Python that others can reach")
    if os.getuid() != 0 and request.param != SPACES:
        pytest.skip("accounts are root's to give")
    prefix = PREFIXES[request.param]
    if request.param != ACCOUNTS and not can_have_spaces(prefix):
        pytest.skip("the kernel has no namespaces for us")
    made = WalledFixture(folder, request.param, prefix)
    yield made
    made.end()


@pytest.fixture
def feed(bench: WalledFixture) -> CommittingFeed:
    return CommittingFeed(bench.system)


async def run_launches(
    bench: WalledFixture, feed: CommittingFeed, **scripts: str
) -> dict[str, str]:
    """Launch each by its mark, all at once; returns their clusters."""
    launches = [bench.launch(mark, script) for mark, script in scripts.items()]
    ids = {launch.mark: await bench.submit(launch) for launch in launches}
    for native_id in ids.values():
        await bench.open(native_id)
    return ids


async def wait_until_succeeded(feed: CommittingFeed, *ids: str) -> None:
    for native_id in ids:
        assert (await feed.until_over(native_id, [1]))[1] == JobState.SUCCEEDED, feed.events[-1]


def build_attack(bench: WalledFixture, own: str, others: list[str]) -> str:
    """The script of a launch that tries to reach other launches' files and the service's."""
    local, secret = bench.spool / "local", bench.folder
    lines = [
        f"secret={SECRET}",
        TRY,
        "try own-input cat /dev/null",
        f"try home tells {secret}/home/env",
        f"try credential tells {secret}/credentials/e2/token",
        "try environment tells /proc/[0-9]*/environ",
        "try parent tells /proc/$PPID/environ",
        f"try runner tells /proc/{bench.runner.pid if bench.runner else 0}/environ",
        f"try clusters ls {local}/clusters",
        f"try launches sh -c 'ls {bench.spool}/launches | grep -v {own}'",
        f"try bell dd of={local}/bell if=/dev/zero bs=1 count=1 oflag=nonblock",
        f"try lock dd of={local}/lock if=/dev/null conv=notrunc",
        f"try locking flock -n {local}/lock true",
        f"try request adds {local}/requests/x",
        f"try orders adds {bench.spool}/launches/{own}/launch.json",
        f"try payload adds {bench.spool}/launches/{own}/payload.py",
        "try starter adds $HOME/../exit.json",
        f"try shared adds {bench.shared}/x",
        "try su su -c true",
        "try setuid setpriv --reuid 0 true",
        f"try new-root sh -c 'unshare -Ur cat {secret}/home/env | grep -q {SECRET}'",
        f"try mount unshare -Urm sh -c 'umount -l {secret}/home; grep -q {SECRET} {secret}/home/env'",
        f"try old-files cat /proc/1/root{secret}/home/env",
        f"try python adds {shlex.quote(os.__file__)}",
    ]
    for mark in others:
        directory, store = bench.spool / "launches" / mark, bench.store_of(mark)
        lines += [
            f"try {mark}-orders cat {directory}/launch.json",
            f"try {mark}-secrets cat {directory}/secrets.json",
            f"try {mark}-reports ls {directory}/reports",
            f"try {mark}-report adds {directory}/reports/1.1.json",
            f"try {mark}-file cat {store}/1.1/1.out",
            f"try {mark}-change adds {store}/1.1/1.out",
            f"try {mark}-add adds {store}/1.1/2.out",
            f"try {mark}-remove rm {store}/1.1/1.out",
            f"try {mark}-move mv {store}/1.1 {store}/1.9",
            f"try {mark}-publish mkdir {store}/2.1",
            f"try {mark}-chmod chmod 777 {store}/1.1",
        ]
    attacks = "\n".join(lines)
    return f"exec > reached 2>/dev/null; {attacks}\nmv reached 1.out"


async def test_a_job_reaches_nothing_that_is_not_its_own(
    bench: WalledFixture, feed: CommittingFeed
) -> None:
    bench.start()
    waits = f"echo x > 1.out; until [ -e {bench.shared}/go ]; do sleep 0.1; done"
    others = {"e1other": "echo x > 1.out", "e2other": "echo x > 1.out"}
    first = await run_launches(bench, feed, **others)
    await wait_until_succeeded(feed, *first.values())
    running = await run_launches(bench, feed, e1runs=waits, e2runs=waits)
    await feed.until(running["e2runs"], JobState.RUNNING, [1])
    marks = [*others, "e1runs", "e2runs"]
    own = {mark: build_attack(bench, mark, marks) for mark in ("e1attacks", "e2attacks")}
    attacking = await run_launches(bench, feed, **own)
    await wait_until_succeeded(feed, *attacking.values())
    # Files that its experiment has located are a job's inputs; another's are not.
    assert bench.lines("e1attacks") == ["own-input", "e1other-file"]
    assert bench.lines("e2attacks") == ["own-input", "e2other-file"]
    (bench.shared / "go").touch()
    await wait_until_succeeded(feed, *running.values())
    for mark in marks:
        assert bench.lines(mark) == ["x"]
    status = json.loads((bench.spool / "local/status.json").read_text())
    assert status["wall"] == bench.wall


async def test_inputs_that_lie_elsewhere_are_read_and_links_are_not(
    bench: WalledFixture, feed: CommittingFeed
) -> None:
    bench.start()
    old, secret = bench.folder / "store/old.dat", bench.folder / "home/env"
    old.write_text("12 bytes, old")
    link = bench.folder / "store/link.dat"
    link.symlink_to(secret)
    files = [InputFile(1, "old.dat", str(old)), InputFile(2, "link.dat", str(link))]
    for mark, file in (("e1old", files[0]), ("e1link", files[1])):
        launch = bench.launch(mark, f"cat {file.path} {secret} > 1.out; true", files=[file])
        native_id = await bench.submit(launch)
        await bench.open(native_id)
        state = (await feed.until_over(native_id, [1]))[1]
        assert state == (JobState.SUCCEEDED if mark == "e1old" else JobState.FAILED)
    assert bench.lines("e1old") == ["12 bytes, old"]


async def test_a_job_signals_only_what_is_its_own(
    bench: WalledFixture, feed: CommittingFeed
) -> None:
    runner = bench.start()
    waits = f"echo x > 1.out; until [ -e {bench.shared}/go ]; do sleep 0.1; done"
    running = await run_launches(bench, feed, e1runs=waits, e2runs=waits)
    for native_id in running.values():
        await feed.until(native_id, JobState.RUNNING, [1])
    killing = await run_launches(bench, feed, e1kills="sleep 0.5; kill -9 -1; exec sleep 60")
    # It may end itself and its payload, and nobody else.
    await feed.until_over(killing["e1kills"], [1])
    assert runner.poll() is None
    (bench.shared / "go").touch()
    await wait_until_succeeded(feed, *running.values())
    assert {event.attempt for event in feed.events if event.native_id in running.values()} <= {0, 1}


async def test_jobs_run_as_accounts_that_are_nobody_elses(
    bench: WalledFixture, feed: CommittingFeed
) -> None:
    bench.start()
    script = "(id -u; id -g; id -G; grep -E 'NoNewPrivs|CapEff' /proc/self/status) > 1.out"
    ids = await run_launches(bench, feed, e1first=script, e1second=script, e2third=script)
    await wait_until_succeeded(feed, *ids.values())
    said = {mark: bench.lines(mark) for mark in ids}
    for lines in said.values():
        assert lines[3:] == ["CapEff:\t0000000000000000", "NoNewPrivs:\t1"]
    if not bench.is_root:
        assert {lines[0] for lines in said.values()} == {str(os.getuid() or ORDINARY)}
        return
    assert len({lines[0] for lines in said.values()}) == 3
    groups = {mark: lines[2].split()[-1] for mark, lines in said.items()}
    assert groups["e1first"] == groups["e1second"] != groups["e2third"]
    assert min(int(lines[0]) for lines in said.values()) >= 1_900_000_000


async def test_what_a_job_leaves_is_removed(bench: WalledFixture, feed: CommittingFeed) -> None:
    bench.start()
    script = "mkdir -p a/b; chmod 700 a; touch a/b/c $TMPDIR/d /tmp/e; echo x > 1.out"
    ids = await run_launches(bench, feed, e1leaves=script)
    await wait_until_succeeded(feed, *ids.values())

    async def is_clean() -> bool:
        return not list((bench.spool / "local/scratch").glob("[!.]*"))

    await wait_for_condition(is_clean)


async def test_a_runner_that_is_killed_leaves_jobs_behind_their_wall(
    bench: WalledFixture, feed: CommittingFeed
) -> None:
    bench.start()
    waits = f"until [ -e {bench.shared}/go ]; do sleep 0.1; done; id -u > 1.out"
    ids = await run_launches(bench, feed, e1runs=waits)
    await feed.until(ids["e1runs"], JobState.RUNNING, [1])
    launch = bench.spool / "launches/e1runs/starts/1.jsonl"
    await wait_for_condition(lambda: asyncio.to_thread(launch.exists))
    bench.kill()
    bench.start()
    (bench.shared / "go").touch()
    await wait_until_succeeded(feed, *ids.values())
    assert len(launch.read_text().splitlines()) == 1
    assert bench.lines("e1runs") != ["0"]


@pytest.fixture
def unwalled(folder: Path) -> Iterator[WalledFixture]:
    if os.getuid() != 0 or not has_programs() or not find_python():
        pytest.skip("only root can make a place without namespaces")
    made = WalledFixture(folder, NEITHER, build_user_without_spaces(folder / "elsewhere"))
    yield made
    made.end()


async def wait_until_unwalled(bench: WalledFixture) -> None:
    async def is_unwalled() -> bool:
        health = await bench.system.health()
        return health.reachable and health.wall == "none"

    await wait_for_condition(is_unwalled)


async def test_without_a_wall_only_experiments_run_that_were_allowed(
    unwalled: WalledFixture,
) -> None:
    bench, feed = unwalled, CommittingFeed(unwalled.system)
    early = await run_launches(bench, feed, e2early="echo x > 1.out")
    bench.start(4, "--unwalled", "hypot,e1")
    await wait_until_unwalled(bench)
    allowed = await run_launches(bench, feed, e1first="id -u > 1.out")
    await wait_until_succeeded(feed, *allowed.values())
    assert bench.lines("e1first") == [str(ORDINARY)]
    with pytest.raises(BatchRefused, match="POMS_LOCAL_UNWALLED"):
        await bench.submit(bench.launch("e2late", "echo x > 1.out"))
    # What was submitted while no runner was at work waits for an admin.
    await feed.until(early["e2early"], JobState.HELD, [1])
    (held,) = [event for event in feed.events if event.state == JobState.HELD]
    assert "POMS_LOCAL_UNWALLED" in (held.text or "")
    bench.kill()
    bench.start(4, "--unwalled", "e2")
    await bench.act(JobActionVerb.RELEASE, early["e2early"], "allowed now")
    await wait_until_succeeded(feed, *early.values())


async def test_without_a_wall_the_same_attacks_reach_what_they_try(unwalled: WalledFixture) -> None:
    """So that it is the wall that holds them; the environments have no secret all the same."""
    bench, feed = unwalled, CommittingFeed(unwalled.system)
    bench.start(4, "--unwalled", "e1,e2")
    first = await run_launches(bench, feed, e2other="echo x > 1.out")
    await wait_until_succeeded(feed, *first.values())
    ids = await run_launches(bench, feed, e1attacks=build_attack(bench, "e1attacks", ["e2other"]))
    await wait_until_succeeded(feed, *ids.values())
    reached = set(bench.lines("e1attacks"))
    assert reached >= {"home", "credential", "clusters", "launches", "bell", "request", "orders"}
    assert reached >= {f"e2other-{what}" for what in ("orders", "file", "change", "publish")}
    # Runners of other tests may just begin, as the same user.
    assert not reached & {"parent", "runner", "setuid"}


async def test_nothing_runs_as_root_where_no_account_can_be_taken(folder: Path) -> None:
    if os.getuid() != 0 or not has_programs():
        pytest.skip("this is about root")
    bench = WalledFixture(folder, BOTH, ["setpriv", "--bounding-set", "-setuid,-setgid"])
    try:
        feed = CommittingFeed(bench.system)
        early = await run_launches(bench, feed, e1early="echo x > 1.out")
        bench.start(4, "--unwalled", "e1")
        await wait_until_unwalled(bench)
        await feed.until(early["e1early"], JobState.HELD, [1])
        with pytest.raises(BatchRefused, match="never run as root"):
            await bench.submit(bench.launch("e1late", "echo x > 1.out"))
    finally:
        bench.end()


def test_accounts_of_launches_and_groups_of_experiments_are_apart() -> None:
    accounts = AccountRange("1000-1999")
    assert accounts.find(1, 7) == (1001, 1507)
    assert accounts.find(501, 7) == (1001, 1507)
    with pytest.raises(OSError, match="POMS_LOCAL_IDS"):
        accounts.find(1, 500)
    for wrong in ("0-10", "10", "x-y", "5-4", "1-99999999999"):
        with pytest.raises(ValueError):  # noqa: PT011 - what it says is int's in part
            AccountRange(wrong)
