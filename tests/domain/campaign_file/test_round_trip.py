"""What is written is read again as it was, whatever it is; whatever the file, it is read or refused."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign_file import CampaignFile, FindingLevel, keys, read, write
from domain.campaign_file.document import parse
from domain.campaign_file.values import plain
from domain.job_types import JobType, LoginSetup
from domain.plans import Edge, Plan, StagePlan
from tests.domain.campaign_file.writings import campaigns

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("POMS_SHARED", ROOT.parent / "shared")) / "data" / "ini"
REAL = sorted(SHARED.glob("*.ini"))
LINE = st.sampled_from(
    ["[campaign]", "[campaign_stage a]", "[poms_stage a]", "[dependencies a]", "[job_type j]", "[poms_job_type j]",
     "[poms_dependencies a]", "[campaign_defaults]", "[", "name = x", "parameters = [1]", "recoveries = [[]]",
     "param_overrides = [[1]]", "edges = [{}]", "edges = [[", "resources = {\"cpus\": \"x\"}", "completion_pct = nan",
     "completion_pct = 1e999", "batch_options = {\"x\": 1}", "cs_split_type = list", "dataset_or_split_data = [3]",
     "campaign_stage_1 = a", "file_pattern_1 = a b", "recoveries = " + "[" * 5_000, "  x", "#", "= 3",
     "launch_script = '"]
)  # fmt: skip


@given(campaigns())
def test_what_is_written_is_read_as_it_was(said: CampaignFile) -> None:
    found = read(write(said)).said
    assert found is not None
    assert plain(found) == plain(said)


@given(st.lists(LINE, max_size=12).map("\n".join) | st.text(max_size=60))
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    reading = read(text)
    if reading.said is None:
        assert FindingLevel.REFUSED in {finding.level for finding in reading.findings}
    else:
        again = read(write(reading.said))
        assert plain(again.said) == plain(reading.said)


@given(st.lists(LINE, max_size=12))
def test_each_key_is_at_its_line(lines: list[str]) -> None:
    document, _ = parse("\n".join(lines))
    for section in document.sections.values():
        assert lines[section.line - 1] == f"[{section.header}]"
        for key, entry in section.entries.items():
            assert lines[entry.line - 1].startswith(f"{key} =")


def verdicts() -> dict[str, str]:
    rows = (SHARED / "VERDICTS.txt").read_text().splitlines()[1:]
    return {name: verdict for name, verdict, _ in (row.split("\t") for row in rows if row)}


@pytest.mark.skipif(not REAL, reason="the real campaign files are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_are_accepted_and_come_back_as_they_are(path: Path) -> None:
    """Those too that POMS refuses for `tag`, which is called `name` now."""
    verdict = verdicts()[path.name]
    reading = read(path.read_text())
    assert verdict == "accepted" or "KeyError 'name'" in verdict
    assert reading.said is not None
    assert ("tag is called name now." in {f.message for f in reading.findings}) == (
        verdict != "accepted"
    )
    row = next(r for r in (SHARED / "VERDICTS.txt").read_text().splitlines() if path.name in r)
    counted = f"stages={len(reading.said.plan.stages)} edges={len(reading.said.plan.dependencies)}"
    assert row.endswith(counted)
    assert plain(read(write(reading.said)).said) == plain(reading.said)


def test_every_field_of_what_is_saved_has_a_way_to_be_said_in_a_file() -> None:
    for table, kind, left_out in (
        (keys.OWN_STAGE, StagePlan, {"name"}),
        (keys.OWN_EDGE, Edge, {"downstream"}),
        (keys.OWN_JOB_TYPE, JobType, {"name"}),
        (keys.OWN_LOGIN_SETUP, LoginSetup, {"name"}),
        (keys.OWN_CAMPAIGN, Plan, {"name", "stages", "dependencies", "verbatim"}),
    ):
        assert set(table) == {field.name for field in fields(kind)} - left_out, kind.__name__
