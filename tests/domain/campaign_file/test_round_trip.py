"""What is written is read again as it was, whatever it is; whatever the file, it is read or refused."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.campaign_file import keys
from domain.campaigns.campaign_file.document import FindingLevel, parse_document
from domain.campaigns.campaign_file.reading import CampaignFile, read_campaign_file
from domain.campaigns.campaign_file.values import normalise_value
from domain.campaigns.campaign_file.writing import write_campaign_file
from domain.campaigns.plans import CampaignPlan, PlanEdge, StagePlan
from domain.setup.job_types import JobTypeDefinition, LoginSetupDefinition
from tests.domain.campaign_file.campaign_strategies import draw_campaign

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


@given(draw_campaign())
def test_what_is_written_is_read_as_it_was(said: CampaignFile) -> None:
    found = read_campaign_file(write_campaign_file(said)).campaign_file
    assert found is not None
    assert normalise_value(found) == normalise_value(said)


@given(st.lists(LINE, max_size=12).map("\n".join) | st.text(max_size=60))
def test_whatever_the_text_it_is_read_or_refused(text: str) -> None:
    reading = read_campaign_file(text)
    if reading.campaign_file is None:
        assert FindingLevel.REFUSED in {finding.level for finding in reading.findings}
    else:
        again = read_campaign_file(write_campaign_file(reading.campaign_file))
        assert normalise_value(again.campaign_file) == normalise_value(reading.campaign_file)


@given(st.lists(LINE, max_size=12))
def test_each_key_is_at_its_line(lines: list[str]) -> None:
    document, _ = parse_document("\n".join(lines))
    for section in document.sections.values():
        assert lines[section.line - 1] == f"[{section.header}]"
        for key, entry in section.entries.items():
            assert lines[entry.line - 1].startswith(f"{key} =")


def read_verdicts() -> dict[str, str]:
    rows = (SHARED / "VERDICTS.txt").read_text().splitlines()[1:]
    return {name: verdict for name, verdict, _ in (row.split("\t") for row in rows if row)}


@pytest.mark.skipif(not REAL, reason="the real campaign files are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_are_accepted_and_come_back_as_they_are(path: Path) -> None:
    """Those too that POMS refuses for `tag`, which is called `name` now."""
    verdict = read_verdicts()[path.name]
    reading = read_campaign_file(path.read_text())
    assert verdict == "accepted" or "KeyError 'name'" in verdict
    assert reading.campaign_file is not None
    assert ("tag is called name now." in {f.message for f in reading.findings}) == (
        verdict != "accepted"
    )
    row = next(r for r in (SHARED / "VERDICTS.txt").read_text().splitlines() if path.name in r)
    counted = f"stages={len(reading.campaign_file.plan.stages)} edges={len(reading.campaign_file.plan.dependencies)}"
    assert row.endswith(counted)
    assert normalise_value(
        read_campaign_file(write_campaign_file(reading.campaign_file)).campaign_file
    ) == normalise_value(reading.campaign_file)


def test_every_field_of_what_is_saved_has_a_way_to_be_said_in_a_file() -> None:
    for table, kind, left_out in (
        (keys.OWN_STAGE, StagePlan, {"name"}),
        (keys.OWN_EDGE, PlanEdge, {"downstream"}),
        (keys.OWN_JOB_TYPE, JobTypeDefinition, {"name"}),
        (keys.OWN_LOGIN_SETUP, LoginSetupDefinition, {"name", "secrets", "shared_with"}),
        (keys.OWN_CAMPAIGN, CampaignPlan, {"name", "stages", "dependencies", "verbatim"}),
    ):
        assert set(table) == {field.name for field in fields(kind)} - left_out, kind.__name__
