"""A job's word is not enough: what it declares is looked at, and what is not there is listed by name."""

import json
import sys

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.submissions import kicks
from domain.submissions.submissions import SubmissionState
from tests.factories import Factory
from tests.workers.house import House, wait_until

# It ends well and declares its output; something that it left behind cuts the stored file short afterwards.
LIAR = """
import os, subprocess, sys
index, store = os.environ["POMS_INDEX"], sys.argv[1]
name = f"lie_{index}.txt"
open(name, "w").write("whole\\n")
if index == "1":
    waits = (
        "import glob, os, sys, time\\n"
        "os.write(1, b'.')\\n"
        "for _ in range(6000):\\n"
        "    for path in glob.glob(sys.argv[1], recursive=True): open(path, 'w').close(); sys.exit()\\n"
        "    time.sleep(0.001)\\n"
    )
    liar = subprocess.Popen([sys.executable, "-c", waits, os.path.join(store, "**", name)], start_new_session=True,
                            stdin=-3, stdout=-1, stderr=-3)
    liar.stdout.read(1)  # it waits by now, however busy the machine is
"""


async def read_state(plant: Factory, id: int) -> str:
    return str(await plant.db.fetchval("SELECT state FROM submission WHERE id = $1", id))


async def test_a_lying_job_leaves_its_file_declared_and_named_and_a_kick_goes_on(
    house: House, plant: Factory
) -> None:
    script = house.programs / "liar.py"
    script.write_text(LIAR)
    generate = await plant.stage(
        "gen", [sys.executable, str(script), str(house.store)], kind="generator", jobs_per_slice=3,
        patterns=["lie_*"],
    )  # fmt: skip
    dataset = await plant.dataset("stage:next")
    following = await plant.stage(
        "next", house.job("next"), dataset_id=dataset, patterns=["next_*"]
    )
    await plant.edge(generate, following, [])
    outcome = await slices.launch_next(plant.db, generate, LaunchRequest(plant.person_id))
    assert outcome.submission is not None
    id = outcome.submission.id
    house.runner()
    house.worker()

    async def missing() -> bool:
        return bool(
            await plant.db.fetchval(
                "SELECT problem IS NOT NULL FROM output_file WHERE name = 'lie_1.txt'"
            )
        )

    await wait_until(missing, "the missing output", house)
    assert await read_state(plant, id) == "completed"
    outputs = await plant.db.fetch("SELECT name, state, problem FROM output_file ORDER BY name")
    assert [(o["name"], o["state"]) for o in outputs] == [
        ("lie_0.txt", "located"), ("lie_1.txt", "declared"), ("lie_2.txt", "located")
    ]  # fmt: skip
    assert outputs[1]["problem"] == "It has 0 bytes, not 6."
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 1

    kicked = await kicks.kick_submission(
        plant.db, id, [SubmissionState.COMPLETED], "enough", plant.person_id
    )
    assert kicked is not None

    async def went_on() -> bool:
        return bool(
            await plant.db.fetchval(
                "SELECT count(*) FROM submission WHERE state = 'located' AND id <> $1", id
            )
        )

    await wait_until(went_on, "the dependent", house)
    assert await plant.db.fetchval("SELECT files FROM submission WHERE upstream_id = $1", id) == 2

    (lie,) = house.stage_files(generate, "lie_1.txt")
    lie.write_text("whole\n")
    await plant.db.execute("UPDATE submission SET check_at = now() WHERE id = $1", id)

    async def found() -> bool:
        return bool(
            await plant.db.fetchval("SELECT head = 3 FROM dataset WHERE submission_id IS NULL")
        )

    await wait_until(found, "the late file in the next stage's input", house)
    assert await plant.db.fetchval("SELECT count(*) FROM submission") == 2


async def test_a_recovered_generator_job_is_the_same_again_once(
    house: House, plant: Factory
) -> None:
    generate = await plant.stage(
        "gen", house.job("gen", "1", "3"), kind="generator", jobs_per_slice=5, events_per_job=10,
        patterns=["gen_*"], recoveries=[{"type": "consumed_status"}],
    )  # fmt: skip
    await slices.launch_next(plant.db, generate, LaunchRequest(plant.person_id))
    house.runner()
    house.worker()

    async def recovered() -> bool:
        return bool(
            await plant.db.fetchval(
                "SELECT count(*) = 2 FROM submission WHERE advanced_at IS NOT NULL"
            )
        )

    await wait_until(recovered, "the recovery's end", house)
    identity = "index, seed, run, subrun, first_event, events"
    again = await plant.db.fetch(
        f"SELECT {identity} FROM work_unit WHERE submission_id = 2 ORDER BY number"
    )
    first = await plant.db.fetch(
        f"SELECT {identity} FROM work_unit WHERE submission_id = 1 AND index IN (1, 3) ORDER BY number"
    )
    assert [tuple(r) for r in again] == [tuple(r) for r in first]
    assert [r["first_event"] for r in again] == [11, 31]
    assert await plant.db.fetchval("SELECT state FROM submission WHERE id = 1") == "located"


async def test_shell_characters_arrive_in_the_job_as_text(house: House, plant: Factory) -> None:
    nasty = "$(touch pwned) `id` ; rm -rf / | cat > x & \"'\\ \n*?~ %%d"
    script = house.programs / "echo.py"
    script.write_text("import json, sys\njson.dump(sys.argv[1:], open('argv.json', 'w'))\n")
    stage = await plant.stage(
        "gen", [sys.executable, str(script)], kind="generator", patterns=["*.json"]
    )
    await plant.db.execute("UPDATE stage SET parameters = $1", [["--say=", nasty], [nasty, ""]])
    await slices.launch_next(plant.db, stage, LaunchRequest(plant.person_id))
    house.runner()
    house.worker()

    async def there() -> bool:
        return bool(house.stage_files(stage, "argv.json"))

    await wait_until(there, "the job's output", house)
    text = nasty.replace("%%", "%")
    assert json.loads(house.stage_files(stage, "argv.json")[0].read_text()) == [
        f"--say={text}",
        text,
    ]
