"""Records for accounting: valid in their format, whatever names are, with the sums that they were given."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree

from domain.submissions.usage_records import NAMESPACE, UsageFormat, UsageRecord, render_record

RECORD = UsageRecord(
    id="poms:hypot:submission:7:4",
    submission_id=7,
    experiment="hypot",
    campaign="""raw & <"'ünder>""",
    stage="reco",
    user="anna",
    batch_system="local",
    cluster="12.0",
    jobs=3,
    cpus=4,
    cpu_s=7200.25,
    wall_s=5400.5,
    begun_at=datetime(2026, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=1))),
    ended_at=datetime(2026, 2, 1, 5, 6, 7, 999, tzinfo=UTC),
    is_success=True,
)
REQUIRED = {"ResourceType", "CommonName", "VOName", "ReportableVOName", "ProjectName", "EndTime", "CpuDuration",
            "WallDuration", "Processors"}  # fmt: skip
"""Without one of these GRACC does not count a record."""


def test_a_record_of_gracc_has_what_gracc_wants() -> None:
    told = json.loads(render_record(RECORD, UsageFormat.GRACC))
    assert told.keys() >= REQUIRED
    assert (told["WallDuration"], told["CpuDuration"], told["Njobs"]) == (5400.5, 7200.25, 3)
    assert told["CoreHours"] == 5400.5 * 4 / 3600
    assert (told["StartTime"], told["EndTime"]) == ("2026-01-31T22:30:00Z", "2026-02-01T05:06:07Z")
    assert (told["ProjectName"], told["RecordId"]) == (RECORD.campaign, RECORD.id)
    assert told["Status"] == "completed"


def test_a_usage_record_is_xml_of_the_ogfs_namespace() -> None:
    root = ElementTree.fromstring(render_record(RECORD, UsageFormat.USAGE_RECORD))
    ur = {"ur": NAMESPACE}
    assert root.tag == f"{{{NAMESPACE}}}JobUsageRecord"
    identity = root.find("ur:RecordIdentity", ur)
    assert identity is not None
    assert identity.get(f"{{{NAMESPACE}}}recordId") == RECORD.id
    said = {name: root.findtext(f"ur:{name}", namespaces=ur) for name in ("WallDuration", "CpuDuration", "ProjectName",
                                                                          "Processors", "Status")}  # fmt: skip
    assert said == {
        "WallDuration": "PT5400.500S",
        "CpuDuration": "PT7200.250S",
        "ProjectName": RECORD.campaign,
        "Processors": "4",
        "Status": "completed",
    }
    rest = {
        each.get(f"{{{NAMESPACE}}}description"): each.text
        for each in root.iterfind("ur:Resource", ur)
    }
    assert rest == {"VOName": "hypot", "ResourceType": "Payload", "Njobs": "3"}
    assert root.findtext("ur:JobIdentity/ur:GlobalJobId", namespaces=ur) == "12.0"


def test_what_has_no_cluster_and_failed_is_told_so() -> None:
    told = render_record(replace(RECORD, cluster=None, is_success=False), UsageFormat.USAGE_RECORD)
    assert "GlobalJobId" not in told
    assert ">failed<" in told
