"""What the real campaign files launch has the arguments that POMS gives it: both are run, and compared.

How POMS builds its line is read here once more, by other means than the product's: its own merge, Python's `%`, and
a shell that reads the whole line.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

from domain.campaigns.campaign_file.reading import CampaignFile, read_campaign_file
from domain.campaigns.plans import StagePlan
from domain.campaigns.splits.generators import combine_parameters, parse_list
from domain.launching.launch_scripts import LaunchScript, build_shell_command
from domain.setup.job_types import JobKind, JobTypeDefinition
from domain.setup.launch_hosts import HostKind
from domain.setup.parameters import ParameterOrigin, ParameterPairs
from domain.submissions.configuration import ConfigurationSources, ScriptLogin, make_configuration
from tests.domain.campaign_file.test_round_trip import REAL

FAKE = """#!/bin/bash
printf '%s\\0' "$@" > "$SAID"
"""
NAMES = ("fife_launch", "setup", "nohup")
FED, PERSON, EXPERIMENT = "poms_depends_7_1", "anna", "hypot"
Said = dict[str, str]
MALFORMED = re.compile(r"%\(\w+\)(?!s)")
"""POMS can't launch what has such a keyword; ours leaves it as it is written."""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(FAKE if name == "fife_launch" else "#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run_command(argv: list[str], programs: Path) -> list[str] | None:
    """What `fife_launch` was given; None where that isn't what was started."""
    said = programs / "said"
    said.unlink(missing_ok=True)
    variables = {
        "PATH": f"{programs}:/usr/bin:/bin", "SAID": str(said), "UPLOADS": "/sandbox/1", "FIFE_UTILS_DIR": "/fife",
        "POMS_DIR": str(programs),
    }  # fmt: skip
    subprocess.run(argv, env=variables, capture_output=True, timeout=30, check=False, cwd=programs)
    return said.read_text().split("\0")[:-1] if said.exists() else None


def read_stages(text: str) -> Iterator[tuple[str, Said, Said, Said]]:
    """Name, what it says with the defaults, its job type, the campaign's keywords."""
    file = ConfigParser(interpolation=None, strict=False)
    file.read_string(text)
    defaults = dict(file["campaign_defaults"]) if "campaign_defaults" in file else {}
    words = defaults.get("campaign_keywords") or file.get(
        "campaign", "campaign_keywords", fallback="{}"
    )
    for header in file.sections():
        kind, _, name = header.partition(" ")
        if kind != "campaign_stage":
            continue
        own = {key: value for key, value in file[header].items() if value}
        stage = {**defaults, **own, "of all": defaults.get("param_overrides", "")}
        type_ = f"job_type {stage.get('job_type')}"
        if type_ in file:
            yield name, stage, dict(file[type_]), json.loads(words or "{}")


def read_pairs(text: str | None) -> dict[str, str]:
    if text is None or text.lower() in ("", "none"):
        return {}
    found = json.loads(text)
    found = json.loads(found) if isinstance(found, str) else found
    return {str(key): str(value) for key, value in found}


def build_poms_line(
    stage: Said,
    job_type: Said,
    words: Said,
    dataset: str,
    *,
    is_test: bool,
    experiment: str = EXPERIMENT,
) -> str:
    merged = read_pairs(job_type.get("parameters"))
    if stage.get("merge_overrides", "").lower() == "true":
        merged |= read_pairs(stage["of all"])
    merged |= read_pairs(stage.get("param_overrides"))
    if is_test:
        merged |= read_pairs(stage.get("test_param_overrides"))
    line = " ".join([job_type["launch_script"], *(key + value for key, value in merged.items())])
    known = {"dataset": dataset, "parameter": dataset, "version": stage.get("software_version", "")}
    known |= {"group": experiment, "experiment": experiment, "experimenter": PERSON}
    return line % (words | known)


def build_our_argv(
    stage: StagePlan,
    job_type: JobTypeDefinition,
    said: CampaignFile,
    parameter: str | None,
    *,
    is_test: bool,
) -> list[str]:
    plan = said.plan
    layers = [
        ParameterPairs(ParameterOrigin.JOB_TYPE, job_type.parameters),
        ParameterPairs(ParameterOrigin.CAMPAIGN, plan.parameters if stage.merge_overrides else []),
        ParameterPairs(ParameterOrigin.STAGE, stage.parameters),
        ParameterPairs(ParameterOrigin.TEST, stage.test_parameters if is_test else []),
    ]
    dataset = FED if stage.name in plan.fed else stage.dataset
    none: list[Any] = []
    of = ConfigurationSources(
        experiment=EXPERIMENT, campaign=plan.name, stage=stage.name, kind=stage.kind, version=stage.software_version,
        dataset="", job_type_id=1, command=job_type.command, job_kind=JobKind.SCRIPT,
        consumption=job_type.consumption, login=ScriptLogin(HostKind.LOCAL, "", "", []), environment={}, layers=layers,
        keywords=plan.defaults["keywords"], batch_options={}, files_per_job=1, completion=stage.completion,
        completion_pct=stage.completion_pct, output_ancestor_depth=1, resources=none, output_check=none,
        patterns=none, recoveries=none,
    )  # fmt: skip
    made = make_configuration(
        of, parameter=parameter, person=PERSON, is_test=is_test, works_on=dataset
    )
    return build_shell_command(LaunchScript(made.command, [], {}))


def find_first_parameter(stage: StagePlan) -> str | None:
    if not stage.parameter_lists:
        return None
    if stage.split.startswith("list"):
        return parse_list(stage.parameter_lists)[0]
    return combine_parameters(stage.parameter_lists, 0)


@pytest.mark.skipif(not REAL, reason="the real campaign files are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_arguments_of_launches_are_those_of_poms(path: Path, programs: Path) -> None:
    said = read_campaign_file(path.read_text()).campaign_file
    assert said is not None
    types = {one.name: one for one in said.job_types}
    plans = {one.name: one for one in said.plan.stages}
    for name, stage, job_type, words in read_stages(path.read_text()):
        plan = plans[name]
        parameter = find_first_parameter(plan)
        dataset = parameter or (FED if name in said.plan.fed else plan.dataset) or "None"
        for is_test in (False, True):
            try:
                line = build_poms_line(stage, job_type, words, dataset, is_test=is_test)
            except ValueError:
                assert MALFORMED.search(str(job_type | stage)), name
                continue
            theirs = run_command(["bash", "-c", line], programs)
            ours = build_our_argv(plan, types[plan.job_type], said, parameter, is_test=is_test)
            assert run_command(ours, programs) == theirs, (name, is_test, line)
