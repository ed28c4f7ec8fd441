"""Outputs that jobs make in several steps: those of a stage's generation count, and go on."""

import json
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import completion, output_files
from db.submissions.completion import ResultsWanted
from domain.files.lineage import MOST_GENERATIONS, OutputParents, compute_generations
from domain.submissions.jobs import JobState
from domain.submissions.news import JobNews
from domain.submissions.news import list_outputs as told
from tests.domain.lineage_strategies import draw_lineage
from tests.factories import Factory
from tests.workers.house import House, wait_until

TWO_STEPS = """
import json, os, sys
told = open(os.environ["POMS_OUTPUTS"], "w")
for path in open(os.environ["POMS_INPUTS"]).read().split():
    name = os.path.basename(path)
    for made, parent in (("hits_" + name, name), ("tracks_" + name, "hits_" + name)):
        open(made, "w").write(made)
        print(json.dumps({"path": made, "parents": [parent]}), file=told)
"""
EDGES = """
    SELECT c.name AS child, p.name AS parent
      FROM file_parent x JOIN file c ON c.id = x.child_id JOIN file p ON p.id = x.parent_id ORDER BY 1, 2
"""
FED = "SELECT f.name FROM dataset_file d JOIN file f ON f.id = d.file_id WHERE d.dataset_id = $1 ORDER BY 1"
RAW = {"a.txt": "1", "b.txt": "2"}


@pytest.mark.parametrize(("depth", "what"), [(1, "hits"), (2, "tracks")])
async def test_what_is_so_many_steps_below_the_inputs_goes_on(
    house: House, plant: Factory, depth: int, what: str
) -> None:
    raw, fed = await plant.dataset("raw"), await plant.dataset("fed")
    await plant.files(raw, house.tmp / "raw", RAW)
    command = [sys.executable, "-c", TWO_STEPS]
    reco = await plant.stage("reco", command, dataset_id=raw, files_per_job=2, patterns=["*.txt"])
    ana = await plant.stage("ana", ["true"], dataset_id=fed, patterns=[], completion="complete")
    await plant.edge(reco, ana, [])
    await plant.db.execute("UPDATE stage SET output_ancestor_depth = $2 WHERE id = $1", reco, depth)
    house.runner()
    house.worker()
    await slices.launch_next(plant.db, reco, LaunchRequest(plant.person_id))

    async def ran() -> bool:
        over = "SELECT count(*) FROM submission WHERE state = 'located'"
        return int(await plant.db.fetchval(over)) == 2

    await wait_until(ran, "the end of both stages", house)
    wanted = [f"{what}_{name}" for name in RAW]
    assert [row["name"] for row in await plant.db.fetch(FED, fed)] == wanted
    assert [tuple(row) for row in await plant.db.fetch(EDGES)] == [
        *((f"hits_{name}", name) for name in RAW),
        *((f"tracks_{name}", f"hits_{name}") for name in RAW),
    ]


async def test_a_submission_is_not_located_by_what_is_on_the_way(
    house: House, plant: Factory
) -> None:
    raw = await plant.dataset("raw")
    await plant.files(raw, house.tmp / "raw", RAW)
    one_step = TWO_STEPS.replace(', ("tracks_" + name, "hits_" + name)', ",")
    reco = await plant.stage("reco", [sys.executable, "-c", one_step], dataset_id=raw)
    await plant.db.execute("UPDATE stage SET output_ancestor_depth = 2")
    house.runner()
    house.worker()
    await slices.launch_next(plant.db, reco, LaunchRequest(plant.person_id))

    async def advanced() -> bool:
        return bool(await plant.db.fetchval("SELECT advanced_at IS NOT NULL FROM submission"))

    await wait_until(advanced, "a look at what it made", house)
    found = await plant.db.fetchrow("SELECT state, outputs_located FROM submission")
    assert found is not None
    assert tuple(found) == ("completed", len(RAW))


def list_made_outputs(job: int, made: dict[str, OutputParents]) -> list[dict[str, Any]]:
    """What is written down of a job that did its inputs and made this."""
    news = JobNews(1, job, 1, JobState.SUCCEEDED, 1)
    common = {"path": "", "size": 1, "checksum": "", "events": None}
    report = {
        "outputs": [
            common | {"name": f"{job}.{name}", "parents": one.parents,
                      "made_from": [f"{job}.{other}" for other in one.made_from]}
            for name, one in made.items()
        ]
    }  # fmt: skip
    return told(news, json.loads(json.dumps(report)), frozenset({1, 2, 3}))


CLEAN = """
    TRUNCATE dataset, stage, job_type, file, slice, submission, live_file, input_file, output_file, work_unit,
             job, stage_input RESTART IDENTITY CASCADE
"""


@given(st.lists(draw_lineage(), min_size=1, max_size=3), st.randoms())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_database_chooses_as_the_rule_does_in_whatever_order_they_are_located(
    db: Pool, plant: Factory, jobs: list[dict[str, OutputParents]], random: Any
) -> None:
    await db.execute(CLEAN)
    raw = await plant.dataset("raw")
    await plant.rows(raw, 3)
    stage = await plant.stage("reco", ["true"], dataset_id=raw)
    assert (await slices.launch_next(db, stage, LaunchRequest(plant.person_id))).submission
    await db.execute("UPDATE input_file SET outcome = 'done'")
    async with db.acquire() as conn:
        await output_files.declare_outputs(
            conn, [row for n, made in enumerate(jobs, 1) for row in list_made_outputs(n, made)]
        )
        found = await output_files.list_declared(db, 1, (0, ""), 100)
        random.shuffle(found)
        while found:
            some = [found.pop() for _ in range(min(len(found), random.randint(1, 4)))]
            keys = [(output.number, output.name) for output in some]
            assert await output_files.locate_outputs(conn, 1, keys) == len(some)
    rule = {
        f"{n}.{name}": g
        for n, made in enumerate(jobs, 1)
        for name, g in compute_generations(made).items()
    }
    for depth in range(1, MOST_GENERATIONS + 1):
        chosen = await output_files.list_located(db, depth, [1], 0, 1000)
        assert {name for _, name in chosen} == {
            name for name, found in rule.items() if depth in found
        }
        inputs = {key for found in rule.values() for key in found.get(depth, ())}
        wanted = ResultsWanted(depth, [1], generates=False, submission_id=1, patterns={"^.*$": "*"})
        counted = await completion.count_results(db, wanted)
        assert (counted.wanted, counted.complete) == (3, len(inputs))
    names = {row["id"]: row["name"] for row in await db.fetch("SELECT id, name FROM file")}
    edges = {(names[row[0]], row[1]) for row in await db.fetch("SELECT * FROM file_parent")}
    number = {name: id for id, name in names.items()}
    assert edges == {
        (f"{n}.{name}", parent)
        for n, made in enumerate(jobs, 1)
        for name, one in made.items()
        for parent in [*one.parents, *(number[f"{n}.{other}"] for other in one.made_from)]
    }
