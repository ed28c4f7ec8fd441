"""10,000 jobs handed to a schedd: by our client, adopted and opened, and by `condor_submit` as it is."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batch import ClusterRef, Launch
from batch.directory import LaunchOrder, LaunchUnit, prepare_directory
from batch.htcondor import HTCondor, HTCondorAccess
from batch.htcondor.order import describe_submission, locate_event_log, put_script
from bench.machines import BenchMachines, wait_until
from bench.planted import PlantedRows
from bench.ratios import RatioLine
from db.launching import adoptions, launches
from db.pool import Pool as Database
from db.pool import open_pool
from domain.launching.launches import LaunchState
from domain.setup.batch_options import BatchOptions
from domain.setup.resources import Resources
from tests.batch.pools import CONDOR, Pool
from up import home

AIM = 1 / 1.3
"""At most 1.3 times as long."""
JOBS, ROUNDS = 10_000, 5
NOWHERE = BatchOptions(requirements='TARGET.Machine == "nowhere"')
"""Both sides' jobs stay in the queue, so that none runs meanwhile."""
HOLDER = "bench"
SUBMITTED = b" Job submitted from host:"
Rates = tuple[float, float]
"""By when it was said to be done, and by when the jobs were in the queue that may be there at once."""


class SubmittingBench:
    """A pool, a database, and what a round makes of them."""

    def __init__(self, db: Database, pool: Pool, access: HTCondorAccess, spool: Path) -> None:
        self.db, self.pool, self.access, self.spool = db, pool, access, spool
        self.system = HTCondor(access, spool)

    def prepare_launch(self, mark: str) -> Launch:
        """A launch with its directory, where HTCondor may write its log."""
        units = [LaunchUnit(number) for number in range(1, JOBS + 1)]
        order = LaunchOrder(mark=mark, command=["true"], store=str(self.spool), units=units)
        directory = prepare_directory(self.spool, order)
        put_script(directory)
        home.give_ownership(locate_event_log(directory).parent, self.pool.run_as)
        jobs = range(1, JOBS + 1)
        return Launch(mark, directory, jobs, Resources(), "bench/submit", options=NOWHERE)

    async def ours(self, submission_id: int) -> Rates:
        """Jobs per second: submitted, adopted and opened."""
        attempt = await launches.begin_attempt(self.db, submission_id, HOLDER)
        assert attempt is not None
        launch = self.prepare_launch(attempt.mark)
        intended, sent = [LaunchState.INTENDED], LaunchState.SENT
        attempt = await launches.advance_attempt(self.db, attempt, HOLDER, intended, sent)
        assert attempt is not None
        with self.empty_queue():
            began = time.perf_counter()
            native_id = await self.system.submit(launch)
            adopted = await adoptions.adopt_cluster(self.db, attempt, HOLDER, native_id, "")
            await self.system.open(ClusterRef(native_id, attempt.mark))
            said = time.perf_counter() - began
            await asyncio.to_thread(self.until_queued, launch)
            took = time.perf_counter() - began
        assert adopted is not None
        return JOBS / said, JOBS / took

    def until_queued(self, launch: Launch) -> None:
        """Wait until the schedd has put as many jobs into its queue as it may, by its own log."""
        log = locate_event_log(launch.directory)
        wait_until(
            lambda: log.exists() and log.read_bytes().count(SUBMITTED) >= self.access.most_idle,
            "the queue",
        )

    def theirs(self, mark: str) -> Rates:
        """Jobs per second of `condor_submit` with the same description, which has no gate to open."""
        launch = self.prepare_launch(mark)
        given = describe_submission(launch, self.access)
        given["requirements"] = NOWHERE.requirements
        lines = [f"{name} = {value}" for name, value in given.items()]
        lines += ["queue POMS_NUMBER from (", *map(str, launch.jobs), ")"]
        file = launch.directory / "htcondor/submit"
        file.write_text("\n".join(lines) + "\n")
        with self.empty_queue():
            began = time.perf_counter()
            done = self.pool.run("condor_submit", "-terse", str(file))
            said = time.perf_counter() - began
            self.until_queued(launch)
            took = time.perf_counter() - began
        assert done.returncode == 0, done.stderr
        return JOBS / said, JOBS / took

    @contextmanager
    def empty_queue(self) -> Iterator[None]:
        """Leave an empty queue behind."""
        yield
        assert self.pool.queue()
        self.pool.run("condor_rm", "-all")
        wait_until(lambda: not self.pool.queue(), "the queue's end")


async def run_benchmark(machines: BenchMachines) -> list[RatioLine]:
    """Jobs per second of both, in turns; nothing where `make pools` has fetched no HTCondor."""
    if not CONDOR.exists():
        return []
    url = await machines.database()
    pool = Pool.start(machines.folder / "condor")
    try:
        async with await open_pool(url) as db:
            return await compare_rounds(db, pool, machines.folder)
    finally:
        pool.stop()


async def compare_rounds(db: Database, pool: Pool, folder: Path) -> list[RatioLine]:
    """The round of both, again and again; the first one is not counted."""
    access = HTCondorAccess(
        pool.address, tokens=pool.token(folder / "tokens"), file_system="pool.test"
    )
    bench = SubmittingBench(db, pool, access, folder / "spool")
    planted = await PlantedRows.make(db)
    stage = await planted.reco(ROUNDS + 1, 1)
    ours, theirs = [], []
    for n in range(ROUNDS + 1):
        submission = await planted.submission(stage)
        await launches.claim_submission(db, submission.id, HOLDER, 600, 600)
        ours.append(await bench.ours(submission.id))
        theirs.append(bench.theirs(f"theirs-{n}"))
    bench.system.close()
    note = "peer is condor_submit with the same factory"
    (said, queued), (they_said, they_queued) = (
        [list(rates) for rates in zip(*side[1:], strict=True)] for side in (ours, theirs)
    )
    return [
        RatioLine("10,000 jobs submitted", queued, they_queued, "jobs/s", AIM, note),
        RatioLine(
            "10,000 jobs handed over",
            said,
            they_said,
            "jobs/s",
            None,
            "until each says that it is done",
        ),
    ]
