"""What an experiment may want asked of its monitors, and how a question is filled in."""

from dataclasses import replace

import pytest

from domain.links import LinkSubject
from domain.summaries import SummaryQuery, SummarySource, check_summaries

GOOD = SummaryQuery(
    LinkSubject.STAGE, "Jobs", "", SummarySource.PROMETHEUS, "https://x", 'sum(j{s="%(stage_name)s"})'
)  # fmt: skip
SEARCH = replace(
    GOOD, source=SummarySource.ELASTICSEARCH, query='{"a": "%(stage)s"}', path="aggregations.x"
)


def test_what_can_be_asked_has_no_findings() -> None:
    assert list(check_summaries([GOOD, replace(SEARCH, title="Hours")])) == []


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        (replace(GOOD, query="sum(%(cluster)s)"), "summaries[0].query"),
        (replace(GOOD, query=" "), "summaries[0].query"),
        (replace(GOOD, path="data"), "summaries[0].path"),
        (replace(GOOD, title=""), "summaries[0].title"),
        (replace(GOOD, subject=LinkSubject.JOB), "summaries[0].subject"),
        (replace(GOOD, unit="x" * 30), "summaries[0].unit"),
        (replace(SEARCH, query="{"), "summaries[0].query"),
        (replace(SEARCH, query="[]"), "summaries[0].query"),
        (replace(SEARCH, path=""), "summaries[0].path"),
    ],
)
def test_what_can_not_is_found_with_its_place(wrong: SummaryQuery, path: str) -> None:
    assert [finding.path for finding in check_summaries([wrong])] == [path]


def test_a_title_is_there_once_for_each_subject() -> None:
    found = list(
        check_summaries([GOOD, replace(GOOD, subject=LinkSubject.CAMPAIGN, query="1"), GOOD])
    )
    assert [finding.path for finding in found] == ["summaries[2].title"]


def test_a_value_stays_in_its_string() -> None:
    filled = GOOD.fill({"stage_name": 'a"} or vector(1) #\n\\'})
    assert filled == 'sum(j{s="a\\"} or vector(1) #\\n\\\\"})'
    assert GOOD.fill({"stage_name": None}) is None
    assert GOOD.fill({}) is None
