"""Launches of which nothing is heard are looked up, and said to be silent where that tells nothing."""

import shutil

from batch.directory import locate_launch_directory
from db.batch.silences import take_silent
from db.launching import launches
from db.submissions import actions
from domain.submissions.jobs import JobActionVerb
from resolvers.health import check_readiness
from tests.factories import Factory
from tests.workers.campaigns import TwoStageCampaign
from tests.workers.house import House, wait_until

SOON = {"POMS_SILENT_S": "1"}
SILENT = "SELECT silent_since IS NOT NULL AND silence <> '' FROM submission WHERE id = $1"
KINDS = """
    SELECT kind FROM (SELECT id, submission_id, kind FROM change_inbox UNION ALL
                      SELECT id, submission_id, kind FROM change) x
     WHERE submission_id = $1 AND kind ~ 'silent|heard' ORDER BY id
"""


async def make_running(house: House, plant: Factory) -> int:
    stage = await plant.stage("slow", ["/bin/sleep", "600"], kind="generator", patterns=[])
    id = await TwoStageCampaign(house, plant, stage, stage).launch()
    is_running = "SELECT state = 'running' FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(is_running, id), "running jobs", house)
    return id


async def test_what_is_not_heard_of_is_looked_up_and_said_to_be_silent_until_it_is_found(
    house: House, plant: Factory
) -> None:
    house.runner()
    house.worker(**SOON)
    id = await make_running(house, plant)
    looked_up = "SELECT next_lookup_at > last_event_at FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(looked_up, id), "a look-up", house)
    assert not await house.db.fetchval(SILENT, id)
    folder = house.spool / "local"
    folder.rename(house.spool / "away")
    await wait_until(lambda: house.db.fetchval(SILENT, id), "the silence", house)
    (house.spool / "away").rename(folder)

    async def is_found() -> bool:
        await house.db.execute("UPDATE submission SET next_lookup_at = now() WHERE id = $1", id)
        return not await house.db.fetchval(SILENT, id)

    await wait_until(is_found, "the end of the silence", house)
    kinds = [row["kind"] for row in await house.db.fetch(KINDS, id)]
    assert kinds[:2] == ["submission.silent", "submission.heard"]


async def test_a_silence_that_stays_degrades_the_service(house: House, plant: Factory) -> None:
    house.runner()
    worker = house.worker(**SOON)
    id = await make_running(house, plant)
    worker.terminate()
    worker.wait()
    await house.db.execute(
        "UPDATE submission SET silent_since = now() - interval '1 hour', silence = 'x' WHERE id = $1",
        id,
    )
    _, said = await check_readiness(house.db, "here")
    assert (said["silent_submissions"], said["degraded"]) == (1, True)


async def test_what_is_silent_is_taken_once_in_ever_longer_pauses(
    house: House, plant: Factory
) -> None:
    house.runner()
    worker = house.worker()
    id = await make_running(house, plant)
    worker.terminate()
    worker.wait()
    quiet = "UPDATE submission SET last_event_at = now() - interval '1000 s', next_lookup_at = NULL WHERE id = $1"
    await house.db.execute(quiet, id)
    (taken,) = await take_silent(house.db, "local", 300, 10)
    assert (taken.submission_id, taken.native_id.partition("@")[0]) == (id, "1")
    assert await take_silent(house.db, "local", 300, 10) == []
    pause = "SELECT extract(epoch FROM next_lookup_at - last_event_at)::float8 FROM submission WHERE id = $1"
    assert 1990 <= await house.db.fetchval(pause, id) <= 2100


async def test_a_cancel_of_what_was_lost_with_the_word_of_its_start_has_its_effect(
    house: House, plant: Factory
) -> None:
    """As a job whose queue is lost between its start and the payload's first line: nobody there knows of an attempt."""
    runner = house.runner()
    house.worker()
    id = await make_running(house, plant)
    attempt = await launches.find_current_attempt(house.db, id)
    assert attempt is not None
    runner.kill()
    runner.wait()
    (house.spool / "local").rename(house.spool / "lost")
    (house.spool / "local/clusters").mkdir(parents=True)
    shutil.rmtree(locate_launch_directory(house.spool, attempt.mark) / "starts")
    house.runner()
    await actions.request_action(house.db, id, JobActionVerb.REMOVE, "it is lost", plant.person_id)
    cancelled = "SELECT state = 'cancelled' AND jobs_running = 0 FROM submission WHERE id = $1"
    await wait_until(lambda: house.db.fetchval(cancelled, id), "the end of the submission", house)
