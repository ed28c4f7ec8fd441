"""The real campaign files, imported and launched: what each stage is given is what POMS gives it.

What POMS does is read here once more, from its campaign file and the facts about it, by other means than the
product's. It prints the table: of each file how many stages launch, with POMS's arguments and environment,
and how many dependents follow, each of how many; in production and in test, by hand and by what comes before.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from configparser import ConfigParser
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from db.submissions import recovery_chain
from db.submissions.submissions import Submission
from domain.launching.launch_scripts import LaunchScript, build_shell_command
from tests.domain.campaign_file.test_argv_of_poms import (
    MALFORMED,
    Said,
    build_poms_line,
    programs,
    run_command,
)
from tests.domain.campaign_file.test_round_trip import REAL, SHARED
from tests.forced_states import force_state
from tests.resolvers.conftest import Ask
from tests.resolvers.test_importing import import_text
from workers import advance, orders
from workers.tools import WorkerTools

__all__ = ["programs"]
EXPERIMENT = """
    WITH e AS (INSERT INTO experiment (name) VALUES ($1) RETURNING id)
    INSERT INTO membership SELECT p.id, e.id, 'production' FROM e, person p WHERE p.username = 'anna'
    RETURNING experiment_id
"""
HOST = """
    WITH made AS (
        INSERT INTO launch_host (experiment_id, name, kind, address, account, accounts)
        VALUES ($1, $2, $3::text::host_kind, $4, $5, '{*}') RETURNING id
    ), allowed AS (INSERT INTO allowed_account SELECT id, 'production', '{*}' FROM made)
    SELECT id FROM made
"""
SETUP = """
    INSERT INTO login_setup (experiment_id, name, launch_host_id, account, owner_id, owning_role)
    SELECT $1, $2, $3, 'prod', id, 'production' FROM person WHERE username = 'anna'
"""
JOB_TYPE = """
    INSERT INTO job_type (experiment_id, name, command, kind, consumption, owner_id, owning_role)
    SELECT $1, $2, ARRAY['fife_launch'], 'script', 'exit_code', id, 'production' FROM person WHERE username = 'anna'
"""
DATASET = """
    WITH d AS (
        INSERT INTO dataset (experiment_id, name, head, owner_id, owning_role)
        SELECT $1, $2, 1, id, 'production' FROM person WHERE username = 'anna' RETURNING id
    ), f AS (
        INSERT INTO file (experiment_id, name, size, location) VALUES ($1, $2 || ' 1', 0, '') RETURNING id
    )
    INSERT INTO dataset_file (dataset_id, ordinal, file_id) SELECT d.id, 0, f.id FROM d, f
"""
SUCCEEDED = "UPDATE job SET state = 'succeeded', exit_code = 0 WHERE submission_id = $1"
STAGES = "SELECT name, id FROM stage WHERE campaign_id = $1 AND active"
STRICT = {"none", "", "draining"}
"""Splits after which a dataset is called as before; others make slices with names of their own."""


@dataclass
class FileOfPoms:
    """A campaign file as POMS reads it."""

    path: Path
    parser: ConfigParser
    defaults: Said
    stages: dict[str, Said]
    words: dict[str, str]
    experiment: str
    edges: dict[str, list[str]] = field(default_factory=dict)
    """The stages that each stage launches, in the order of the file."""

    @classmethod
    def read(cls, path: Path, experiment: str) -> "FileOfPoms":
        parser = ConfigParser(interpolation=None, strict=False)
        parser.read_string(path.read_text())
        defaults = dict(parser["campaign_defaults"]) if "campaign_defaults" in parser else {}
        words = defaults.get("campaign_keywords") or parser.get(
            "campaign", "campaign_keywords", fallback="{}"
        )
        stages = {
            name: {
                **defaults,
                **cls._rename(parser[f"campaign_stage {name}"]),
                **{key: value for key, value in parser[f"campaign_stage {name}"].items() if value},
                "of all": defaults.get("param_overrides", ""),
            }
            for name in cls._list(parser, "campaign_stage")
        }
        found = cls(path, parser, defaults, stages, json.loads(words or "{}"), experiment)
        for name in stages:
            for key, upstream in found._section(f"dependencies {name}").items():
                if key.startswith("campaign_stage_") and upstream in stages:
                    after = found.edges.setdefault(upstream, [])
                    after += [] if name in after else [name]
        return found

    @staticmethod
    def _rename(section: Mapping[str, str]) -> Said:
        """As files of before called it."""
        return {"login_setup": section["launch_template"]} if "launch_template" in section else {}

    @staticmethod
    def _list(parser: ConfigParser, kind: str) -> list[str]:
        return [h.partition(" ")[2] for h in parser.sections() if h.partition(" ")[0] == kind]

    def _section(self, header: str) -> Said:
        return dict(self.parser[header]) if header in self.parser else {}

    def names(self, key: str) -> set[str]:
        return {stage.get(key, "") for stage in self.stages.values()}

    def job_type(self, stage: str) -> Said:
        return self._section(f"job_type {self.stages[stage]['job_type']}") or {
            "launch_script": "fife_launch"
        }

    def setups(self) -> dict[str, Said]:
        return {
            name: self._section(f"login_setup {name}")
            for name in self._list(self.parser, "login_setup")
        }

    def data(self, stage: str) -> str:
        return self.stages[stage].get(
            "dataset_or_split_data", self.stages[stage].get("dataset", "None")
        )

    def split(self, stage: str) -> str:
        return self.stages[stage].get("cs_split_type", "None").partition("(")[0].strip().lower()

    def dataset_by_hand(self, stage: str) -> str | None:
        """What `%(dataset)s` is at its first launch by hand; None where the split makes a name."""
        split, data = self.split(stage), self.data(stage)
        if split == "list":
            return data.split(",")[0]
        if split == "multiparam":
            return "_".join(values[0] for values in json.loads(data))
        if data == "from_parent":
            return None
        return data if split in STRICT else None

    def line(self, stage: str, dataset: str, *, is_test: bool) -> str:
        return build_poms_line(
            self.stages[stage], self.job_type(stage), self.words, dataset,
            is_test=is_test, experiment=self.experiment,
        )  # fmt: skip


@dataclass
class Counted:
    """What came of a file."""

    stages: int
    launchable: int = 0
    argv: int = 0
    wanted: int = 0
    environment: int = 0
    dependents: int = 0
    wanted_dependents: int = 0
    wrong: list[str] = field(default_factory=list)
    refused_by_shell: set[str] = field(default_factory=set)
    """Stages that POMS can't launch: its own line is none."""


async def put_surroundings(db: Pool, of: FileOfPoms) -> None:
    """What is on POMS's server already: hosts, and job types, login setups, datasets that the file only names."""
    experiment = await db.fetchval(EXPERIMENT, of.experiment)
    hosts = {setup.get("host", "") for setup in of.setups().values()}
    for host in hosts:
        address = host.replace("%(experiment)s", of.experiment)
        if host.startswith("`"):
            await db.execute(HOST, experiment, "own", "local", "", "nobody")
        elif re.fullmatch(r"[\w.-]+", address):
            await db.execute(HOST, experiment, address, "ssh", address, "")
    there = await db.fetchval(HOST, experiment, "there", "ssh", "there.example.org", "")
    for name in of.names("login_setup") - {*of.setups(), ""}:
        await db.execute(SETUP, experiment, name, there)
    for name in of.names("job_type"):
        if f"job_type {name}" not in of.parser:
            await db.execute(JOB_TYPE, experiment, name)
    splits = {name for name in of.stages if of.split(name) in ("list", "multiparam")}
    data = {of.data(name) for name in of.stages if name not in splits}
    for name in data - {"None", "none", "from_parent", ""}:
        await db.execute(DATASET, experiment, name)


def build_expected_environment(of: FileOfPoms, row: Submission, kind: str, job_type: int) -> Said:
    campaign = of.parser.get("campaign", "name", fallback="") or of.parser["campaign"]["tag"]
    stage = next(name for name in of.stages if name == row.runs_with.stage)
    return {
        "POMS4_CAMPAIGN_STAGE_ID": str(row.stage_id),
        "POMS4_CAMPAIGN_STAGE_NAME": stage.replace(" ", "_"),
        "POMS4_CAMPAIGN_STAGE_TYPE": kind,
        "POMS4_CAMPAIGN_ID": str(row.campaign_id),
        "POMS4_CAMPAIGN_NAME": campaign.replace(" ", "_"),
        "POMS4_SUBMISSION_ID": str(row.id),
        "POMS4_TEST_LAUNCH": "True" if row.is_test else "False",
        "POMS_CAMPAIGN_ID": str(row.stage_id),
        "POMS_CAMPAIGN_NAME": f"{campaign}__{stage}".replace(" ", "_"),
        "POMS_TASK_ID": str(row.id),
        "POMS_TASK_DEFINITION_ID": str(job_type),
        "POMS_LAUNCHER": "anna",
        "POMS_TEST": "",
        "JOBSUB_GROUP": of.experiment,
        "GROUP": of.experiment,
    }


@dataclass
class Launching:
    """Launches the stages of one file, and compares each launch with POMS's."""

    db: Pool
    of: FileOfPoms
    programs: Path
    person: int
    ids: dict[str, int]
    counted: Counted

    async def launch_all(self) -> None:
        for stage in self.of.stages:
            launched = [
                await self.launch_by_hand(stage, is_test=is_test) for is_test in (False, True)
            ]
            self.counted.launchable += all(launched) or stage in self.counted.refused_by_shell

    async def launch_by_hand(self, stage: str, *, is_test: bool) -> bool:
        asked = LaunchRequest(self.person, is_test=is_test)
        outcome = await slices.launch_next(self.db, self.ids[stage], asked)
        dataset = self.of.dataset_by_hand(stage)
        if outcome.submission is None:
            if not self.can_launch(stage, dataset or "x", is_test=is_test):
                self.counted.refused_by_shell.add(stage)
            else:
                self.counted.wrong.append(f"{stage}: {outcome.why}")
            return False
        config = outcome.submission.runs_with
        if dataset is None and self.of.data(stage) != "from_parent":
            dataset = config.parameter or config.dataset  # a slice, whose name is the product's
        if dataset is not None:
            await self.compare(stage, outcome.submission, dataset)
        await self.follow(stage, outcome.submission)
        return True

    def can_launch(self, stage: str, dataset: str, *, is_test: bool) -> bool:
        """Whether POMS's line is one for a shell at all."""
        try:
            line = self.of.line(stage, dataset, is_test=is_test)
        except ValueError:
            assert MALFORMED.search(str(self.of.job_type(stage) | self.of.stages[stage])), stage
            return False
        return (
            subprocess.run(["bash", "-n", "-c", line], capture_output=True, check=False).returncode
            == 0
        )

    def run_as_poms(self, stage: str, dataset: str, *, is_test: bool) -> list[str] | None:
        with suppress(ValueError):  # a keyword that is none
            line = self.of.line(stage, dataset, is_test=is_test)
            return run_command(["bash", "-c", line], self.programs)
        return None

    async def compare(self, stage: str, row: Submission, dataset: str) -> None:
        config = row.runs_with.fill_late_keywords(row.id)
        ours = run_command(build_shell_command(LaunchScript(config.command, [], {})), self.programs)
        theirs = self.run_as_poms(stage, dataset, is_test=row.is_test)
        if theirs is None and not self.can_launch(stage, dataset, is_test=row.is_test):
            self.counted.refused_by_shell.add(stage)
            return
        self.counted.wanted += 1
        if ours == theirs:
            self.counted.argv += 1
        else:
            self.counted.wrong.append(f"{stage}: {ours} is not {theirs}")
        kind = self.of.stages[stage].get("stage_type", "regular")
        wanted = build_expected_environment(self.of, row, kind, config.job_type_id or 0)
        tools = cast(WorkerTools, SimpleNamespace(db=self.db))
        given = await orders.read_variables(tools, row)
        if differing := {name for name, value in wanted.items() if given.get(name) != value}:
            self.counted.wrong.append(f"{stage}: {differing} of {given}")
        self.counted.environment += not differing

    async def follow(self, stage: str, row: Submission) -> None:
        """What its end launches."""
        if stage in self.counted.refused_by_shell:
            return
        wanted = self.of.edges.get(stage, [])
        self.counted.wanted_dependents += len(wanted)
        done = ", jobs_succeeded = jobs, jobs_idle = 0"
        await force_state(self.db, "completed", "id = $1", row.id, also=done)
        await self.db.execute(SUCCEEDED, row.id)
        async with self.db.acquire() as conn, conn.transaction():
            [member] = await recovery_chain.lock_members(conn, row.id)
            made = {one.stage_id: one for one in await advance.settle_submission(conn, member)}
        others = sorted((self.ids[name], name) for name in wanted if name != stage)
        for number, (id_, name) in enumerate(others, start=1):
            if id_ in made:
                await self.compare(name, made[id_], f"poms_depends_{row.id}_{number}")
        self.counted.dependents += sum(self.ids[name] in made for name in wanted)
        if missing := [name for name in wanted if self.ids[name] not in made]:
            self.counted.wrong.append(f"{stage}: {missing} did not follow")


async def launch_file(ask: Ask, db: Pool, of: FileOfPoms, bin_: Path) -> Counted:
    counted = Counted(len(of.stages))
    text = of.path.read_text()
    found = await import_text(ask, text, fileName=of.path.name, experiment=of.experiment)
    if found["campaign"]["draft"]:
        counted.wrong = [f["message"] for f in found["effect"]["findings"] if f["level"] == "DRAFT"]
        return counted
    campaign = int(found["campaign"]["id"].partition(":")[2])
    ids = {row["name"]: row["id"] for row in await db.fetch(STAGES, campaign)}
    person = await db.fetchval("SELECT id FROM person WHERE username = 'anna'")
    await Launching(db, of, bin_, person, ids, counted).launch_all()
    return counted


def describe_row(of: FileOfPoms, one: Counted, verdict: str) -> str:
    cells = (
        f"{one.launchable}/{one.stages}", f"{one.argv}/{one.wanted}", f"{one.environment}/{one.wanted}",
        f"{one.dependents}/{one.wanted_dependents}",
    )  # fmt: skip
    why = (
        f"no line for a shell in POMS: {', '.join(one.refused_by_shell)}"
        if one.refused_by_shell
        else ""
    )
    why = "; ".join(
        [*([why] if why else []), *(one.wrong if verdict == "accepted" else one.wrong[:1])]
    )
    return f"{of.path.name:<44}{verdict[:8]:<10}" + "".join(f"{cell:<13}" for cell in cells) + why


@pytest.mark.skipif(not REAL, reason="the real campaign files are not here")
@pytest.mark.timeout(600)
async def test_what_poms_launches_is_launched_with_its_arguments_and_environment(
    ask: Ask, db: Pool, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = dict(
        line.split("\t")[:2]
        for line in (SHARED / "VERDICTS.txt").read_text().splitlines()[1:]
        if line
    )
    files = [FileOfPoms.read(path, f"e{n}") for n, path in enumerate(REAL)]
    for of in files:
        await put_surroundings(db, of)
    head = ("launchable", "argv equal", "env equal", "dependents")
    rows = [f"{'file':<44}{'POMS':<10}" + "".join(f"{name:<13}" for name in head)]
    wrong = []
    for of in files:
        one, verdict = await launch_file(ask, db, of, programs), verdicts[of.path.name]
        rows.append(describe_row(of, one, verdict))
        whole = (one.launchable, one.argv, one.environment, one.dependents)
        if verdict == "accepted" and (
            one.wrong or whole != (one.stages, one.wanted, one.wanted, one.wanted_dependents)
        ):
            wrong.append((of.path.name, one.wrong))
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(rows) + "\n")
    assert not wrong
