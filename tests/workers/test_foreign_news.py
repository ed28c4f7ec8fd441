"""News of a launch whose id its batch system has given again are not the other launch's."""

from pathlib import Path

from batch import Launch
from batch.htcondor import HTCondor, HTCondorAccess
from batch.htcondor.feed import HTCondorFeed
from batch.htcondor.order import locate_event_log
from catalogs.embedded import EmbeddedCatalog
from db.batch import feeds
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from domain.setup.resources import Resources
from tests.factories import Factory
from tests.forced_states import force_state
from workers import watch
from workers.tools import WorkerTools

ADOPT = """
    WITH a AS (
        INSERT INTO launch_attempt (submission_id, attempt, batch_system, mark, state, holder, native_id)
        VALUES ($1, 1, 'htcondor', 'new', 'opened', 'test', '7')
    ), c AS (
        INSERT INTO cluster (batch_system, native_id, submission_id, attempt) VALUES ('htcondor', '7', $1, 1)
    )
    UPDATE submission SET launch_attempt = 1 WHERE id = $1
"""
SUBMIT = "000 (007.000.000) 2026-03-04 05:06:07 Job submitted from host: <127.0.0.1:1>\n...\n"
EXECUTE = "001 (007.000.000) 2026-03-04 05:06:08 Job executing on host: <127.0.0.1:1>\n...\n"
TOLD = (
    "028 (007.000.000) 2026-03-04 05:06:08 Job ad information event triggered.\n"
    "NumShadowStarts = {}\nTriggerEventTypeNumber = 1\n...\n"
)
OVER = "005 (007.000.000) 2026-03-04 05:06:09 Job terminated.\n\t(0) Abnormal termination (signal 11)\n...\n"


async def test_what_is_told_of_the_launch_that_had_an_id_before_is_not_its_new_ones(
    db: Pool, plant: Factory, tmp_path: Path
) -> None:
    stage = await plant.stage("gen", ["true"], kind="generator", patterns=[])
    submission = (await slices.launch_next(db, stage, LaunchRequest(plant.person_id))).submission
    assert submission is not None
    await db.execute("UPDATE submission SET batch_system = 'htcondor' WHERE id = $1", submission.id)
    await db.execute(ADOPT, submission.id)
    await force_state(db, "idle", "id = $1", submission.id)
    logs = HTCondorFeed(tmp_path / "htcondor")
    blocks = {"old": [SUBMIT, EXECUTE, TOLD.format(3), OVER], "new": [SUBMIT]}
    for mark, told in blocks.items():
        launch = Launch(mark, tmp_path / "launches" / mark, [1], Resources(), "toy/gen")
        locate_event_log(launch.directory).parent.mkdir(parents=True)
        locate_event_log(launch.directory).write_text("".join(told))
        logs.enter(launch)
    system = HTCondor(HTCondorAccess("127.0.0.1:1"), tmp_path)
    await feeds.begin_watch(db, "htcondor", 1)
    read_to, _ = await watch.watch_once(make_tools(db, system, tmp_path), system, 1, None)
    counted = "SELECT jobs_idle, jobs_failed FROM submission WHERE id = $1"
    assert tuple(await db.fetchrow(counted, submission.id) or ()) == (1, 0)
    with locate_event_log(tmp_path / "launches/new").open("a") as file:
        file.writelines([EXECUTE, TOLD.format(1)])
    await watch.watch_once(make_tools(db, system, tmp_path), system, 1, read_to)
    state = "SELECT state, attempt FROM job WHERE submission_id = $1"
    assert tuple(await db.fetchrow(state, submission.id) or ()) == ("running", 1)
    system.close()


async def ignore_ring(*_: object) -> None:
    pass


def make_tools(db: Pool, system: HTCondor, folder: Path) -> WorkerTools:
    return WorkerTools(
        db=db, systems={"htcondor": system}, catalog=EmbeddedCatalog(), spool=folder, store=folder, holder="test",
        lease_s=10.0, launch_lease_s=60.0, ring=ignore_ring, enqueue=ignore_ring,
    )  # fmt: skip
