"""What a submission runs with: it is read as it was written, by whichever version, and what is wrong is named."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.stages import Completion, StageKind
from domain.setup.batch_options import BatchOptions
from domain.setup.job_types import Consumption, JobKind
from domain.setup.launch_hosts import HostKind
from domain.setup.resources import Resources
from domain.submissions.configuration import (
    Configuration,
    ScriptLogin,
    WrongConfiguration,
    fill_stored,
    read_cpus,
)

WORDS = st.lists(st.text(max_size=5), max_size=3)
COUNTS = st.integers(1, 10**9)
CONFIGURATIONS = st.builds(
    Configuration,
    command=WORDS, output_check=WORDS, patterns=WORDS,
    environment=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    resources=st.builds(Resources, COUNTS, COUNTS, COUNTS, COUNTS),
    batch_options=st.builds(
        BatchOptions, requirements=st.text(max_size=5), partition=st.text(max_size=5), account=st.just(""),
        attributes=st.lists(st.lists(st.text(max_size=5), min_size=2, max_size=2), min_size=1, max_size=2),
    ),
    recoveries=st.lists(st.dictionaries(st.text(max_size=5), st.integers()), max_size=2),
    login=st.none() | st.builds(ScriptLogin, host=st.sampled_from(HostKind), setup=WORDS),
    format=st.just(1),
)  # fmt: skip

OLD: dict[str, Any] = {
    "experiment": "hypot", "campaign": "toy", "stage": "reco", "version": "v1", "dataset": "raw",
    "command": ["true"], "patterns": [], "environment": {}, "resources": {"cpus": 2}, "files_per_job": 1,
    "completion": "located", "completion_pct": 95,
}  # fmt: skip
"""As the first versions wrote it."""


@given(CONFIGURATIONS)
def test_what_is_written_is_read(configuration: Configuration) -> None:
    stored = json.loads(json.dumps(configuration.to_json()))
    assert Configuration.from_json(stored) == configuration
    assert read_cpus(stored) == configuration.resources.cpus


def test_what_older_versions_wrote_is_read() -> None:
    found = Configuration.from_json(OLD)
    assert (found.format, found.kind, found.job_kind) == (1, StageKind.REGULAR, JobKind.PAYLOAD)
    assert (found.consumption, found.completion) == (Consumption.PAYLOAD, Completion.LOCATED)
    assert (found.output_ancestor_depth, found.login, found.runs_script) == (1, None, False)
    assert found.resources == Resources(cpus=2)
    assert fill_stored(OLD, 7) is OLD


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"command": "true"}, r"configuration\.command can't be 'true'"),
        ({"completion": "soon"}, r"configuration\.completion can't be 'soon'"),
        ({"resources": {"cpus": "2"}}, r"configuration\.resources can't be"),
        ({"resources": {"hands": 2}}, r"configuration\.resources can't be"),
        ({"environment": {"A": 1}}, r"configuration\.environment can't be"),
        ({"login": {"host": "ssh"}}, r"configuration\.login can't be"),
        ({"version": None}, r"configuration\.version can't be None"),
        ({"format": 2}, r"configuration\.format is 2: .* install a newer one"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongConfiguration, match=said):
        Configuration.from_json(OLD | wrong)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(WrongConfiguration, match=r"configuration\.command is missing"):
        Configuration.from_json({name: value for name, value in OLD.items() if name != "command"})


def test_late_keywords_are_filled_once_the_submission_is_there() -> None:
    late = replace(
        Configuration.from_json(OLD), late=True, command=["run", "%(submission)s"],
        environment={"ID": "s%(submission)s"},
    )  # fmt: skip
    filled = late.fill_late_keywords(7)
    assert (filled.command, filled.environment, filled.late) == (["run", "7"], {"ID": "s7"}, False)
    assert late.fill_shown_keywords().command == late.command
    assert fill_stored(late.to_json(), 7) == filled.to_json()
