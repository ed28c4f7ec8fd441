"""Two experiments on one batch system: what jobs of one say and lay out costs them, and nothing of the other's."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from batch.htcondor import HTCondor, HTCondorAccess
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool as Database
from domain.people.experiment_folders import locate_experiment_folder
from domain.submissions.file_states import OUTPUTS_QUESTION
from tests.batch.batch_fixtures import CommittingFeed
from tests.batch.engines import Engine
from tests.batch.shared_house import OF_ITS_OWN, ON, SMALL, SharedHouse
from tests.factories import Factory
from tests.hostile_reports import BAD, CLAIMS, REFUSED, REPORTS, Prey, forge_report
from tests.workers.house import wait_until
from tests.workers.test_kill_points import kill_worker_at

JOBS = len(REPORTS)


async def make_stage(house: SharedHouse, plant: Factory, engine: Engine, jobs: int) -> int:
    id = await plant.stage(
        "gen", house.job("gen"), kind="generator", jobs_per_slice=jobs, patterns=["*"],
        resources=SMALL,
    )  # fmt: skip
    await plant.db.execute(ON, engine.name)
    return id


async def launch_next_stage(plant: Factory, stage: int) -> int:
    outcome = await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    assert outcome.submission is not None, outcome.why
    return outcome.submission.id


async def wait_until_settled(house: SharedHouse, id: int) -> str:
    """The state of a submission, once what follows of its end was done."""

    async def over() -> bool:
        said = "SELECT advanced_at IS NOT NULL FROM submission WHERE id = $1"
        return bool(await house.db.fetchval(said, id))

    await wait_until(over, f"the end of submission {id}", house, within=120)
    return str(await house.db.fetchval("SELECT state FROM submission WHERE id = $1", id))


async def find_prey(db: Database, submission: int) -> Prey:
    row = await db.fetchrow(
        "SELECT id, name, location AS path, size, checksum FROM file WHERE submission_id = $1",
        submission,
    )
    assert row
    return Prey(**{**dict(row), "path": Path(row["path"])})


async def list_rows(db: Database, experiment: int) -> list[str]:
    """Every row of what an experiment has and a job's word could change."""
    rows = await db.fetch(
        """
        SELECT to_jsonb(s)::text AS row FROM submission s WHERE experiment_id = $1
         UNION ALL SELECT to_jsonb(f)::text FROM file f WHERE experiment_id = $1
         UNION ALL SELECT to_jsonb(j)::text FROM job j JOIN submission s ON s.id = submission_id
                    WHERE experiment_id = $1
         UNION ALL SELECT to_jsonb(o)::text FROM output_file o JOIN submission s ON s.id = submission_id
                    WHERE experiment_id = $1
         UNION ALL SELECT to_jsonb(p)::text FROM file_parent p JOIN file f ON f.id IN (child_id, parent_id)
                    WHERE experiment_id = $1
         ORDER BY row
        """,
        experiment,
    )
    return [row["row"] for row in rows]


def read_folder(folder: Path) -> dict[str, tuple[bytes, int]]:
    """What lies in a folder, and where the same bytes are when nobody replaced a file."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_ino) for path in files}


async def copy_back(house: SharedHouse, access: HTCondorAccess, id: int) -> None:
    """What spooled jobs have made comes back only to who reads of them: a reader without a database."""
    system = HTCondor(replace(access, spools=True, interval_s=0.5), house.spool)
    feed = CommittingFeed(system)

    async def all_are_told() -> bool:
        await feed.read()
        mine = [e for e in feed.events if e.mark and e.mark.endswith(f"-{id}-1")]
        return len({e.number for e in mine if e.state.is_over}) == JOBS

    await wait_until(all_are_told, "what is brought back", house, within=120)
    system.close()


async def forge_reports(
    house: SharedHouse, id: int, own: Path, prey: Prey, spooled: HTCondorAccess | None
) -> None:
    """Let the jobs of a launch end while no worker lives, and write what they might have written."""

    async def reports() -> list[Path]:
        return [*house.spool.glob(f"launches/*-{id}-1/reports/*.json")]

    async def all_ended() -> bool:
        return len(await reports()) == JOBS

    if spooled:
        await copy_back(house, spooled, id)
    await wait_until(all_ended, "the reports", house, within=120)
    folder = (await reports())[0].parent
    for number, row in enumerate(REPORTS, 1):
        forge_report(folder / f"{number}.1.json", row, own, prey)


@pytest.mark.parametrize(
    "engine", ["local_engine", "htcondor", "far_htcondor", "slurm_engine"], indirect=True
)
async def test_what_jobs_of_one_say_reaches_nothing_of_the_others(
    house: SharedHouse, db: Database, engine: Engine, request: pytest.FixtureRequest
) -> None:
    is_far = "POMS_HTCONDOR_FEED" in engine.settings
    spooled = request.getfixturevalue("access") if is_far else None
    await db.execute(OF_ITS_OWN)
    mine, theirs = await Factory.make(db), await Factory.make(db, "other", "theirs")
    own, others = (
        locate_experiment_folder(house.store, each.experiment_id) for each in (mine, theirs)
    )
    their_stage = await make_stage(house, theirs, engine, 1)
    my_stage = await make_stage(house, mine, engine, JOBS)
    if engine.name == "local":
        house.runner()
    worker = house.worker()
    first = await launch_next_stage(theirs, their_stage)
    assert await wait_until_settled(house, first) == "located"
    prey = await find_prey(db, first)
    before = await list_rows(db, theirs.experiment_id), read_folder(others)
    worker.terminate()
    worker.wait(30)
    id = await launch_next_stage(mine, my_stage)
    await kill_worker_at(house, "launch.conclude.after")
    await forge_reports(house, id, own, prey, spooled)
    await db.execute(REFUSED)
    house.worker()
    assert await wait_until_settled(house, id) == "failed"

    await check_ends(db, id)
    await check_claims(db, id, prey, is_far=is_far)
    places = await db.fetch(
        "SELECT location FROM file WHERE experiment_id = $1", mine.experiment_id
    )
    assert all(Path(row["location"]).is_relative_to(own) for row in places)
    shutil.rmtree(prey.path.parent / "deep")  # laid by the table itself, for a link to lead to
    assert prey.path.stat().st_nlink == 2  # the hard link that was laid, and nothing else
    assert (await list_rows(db, theirs.experiment_id), read_folder(others)) == before
    assert (
        await wait_until_settled(house, await launch_next_stage(theirs, their_stage)) == "located"
    )


async def check_ends(db: Database, id: int) -> None:
    """Each job as its report lets it end, with what is odd in it noted; what the database refuses is filed."""
    rows = await db.fetch(
        "SELECT number, state, reason, log_tail FROM job WHERE submission_id = $1 ORDER BY number",
        id,
    )
    assert [(r["state"], r["reason"]) for r in rows] == [row.end for row in REPORTS]
    for row, told in zip(REPORTS, rows, strict=True):
        assert ("[POMS: " in told["log_tail"]) == bool(row.notes or row.end == BAD), row.what
        assert all(f"[POMS: {note}" in told["log_tail"] for note in row.notes), row.what
    (filed,) = await db.fetch("SELECT kind, submission_id, jobs, details FROM discrepancy")
    assert (filed["kind"], filed["submission_id"], filed["jobs"]) == ("unreadable_report", id, 1)
    assert "CheckViolationError: " in filed["details"]


async def check_claims(db: Database, id: int, prey: Prey, *, is_far: bool) -> None:
    """What is located is what jobs made; of what they only claim nothing is told but that it can't be had."""
    located = "SELECT DISTINCT number FROM output_file WHERE submission_id = $1 AND state = 'located' ORDER BY 1"
    wanted = [number for number, row in enumerate(REPORTS, 1) if row.is_located]
    assert [row["number"] for row in await db.fetch(located, id)] == wanted
    missed = "SELECT name, problem FROM output_file WHERE submission_id = $1 AND state = 'declared'"
    problems = {row["name"]: row["problem"] for row in await db.fetch(missed, id)}
    asked = await db.fetchrow("SELECT decision_needed, reason FROM submission WHERE id = $1", id)
    assert asked is not None
    if not is_far:  # there an output lies where we put it, whatever a job says
        assert asked["decision_needed"] == OUTPUTS_QUESTION
        assert "is not located: It lies below none of the experiment's folders." in asked["reason"]
    assert len(problems) == CLAIMS
    assert all(problems.values())
    told = " ".join(problems[f"claim{n}"] for n in range(3))
    assert prey.checksum not in told
    assert "bytes" not in told
