"""What submissions have used, as accounting takes it: one record each, whose sums are the submission's own counters.

GRACC (the OSG's) takes flat JSON, Gratia and others the OGF's Usage Record 1.0 (GFD.98). No record is of a single
job: the probes of the batch systems hand those out, and a job that is told twice is counted twice.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from xml.etree import ElementTree

NAMESPACE = "http://schema.ogf.org/urf/2003/09/urf"
HOUR_S = 3600.0


class UsageFormat(StrEnum):
    """How a record is written."""

    GRACC = "gracc"
    """JSON, as GRACC's raw records are."""
    USAGE_RECORD = "usage_record"
    """XML, the OGF's Usage Record 1.0."""


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """What the jobs of one submission have used that are over."""

    id: str
    """Another one for each revision, of which the last counts."""
    submission_id: int
    experiment: str
    campaign: str
    stage: str
    user: str
    batch_system: str
    cluster: str | None
    jobs: int
    cpus: int
    """Of each job."""
    cpu_s: float
    wall_s: float
    begun_at: datetime
    ended_at: datetime
    is_success: bool


def render_record(record: UsageRecord, form: UsageFormat) -> str:
    """Write it so."""
    return _render_gracc(record) if form is UsageFormat.GRACC else _render_xml(record)


def _render_gracc(record: UsageRecord) -> str:
    """Durations are seconds of all jobs together, and not multiplied by cores."""
    told = {
        "RecordId": record.id,
        "ProbeName": "poms",
        "ResourceType": "Payload",
        "VOName": record.experiment,
        "ReportableVOName": record.experiment,
        "ProjectName": record.campaign,
        "CommonName": record.user,
        "LocalUserId": record.user,
        "JobName": f"{record.campaign}/{record.stage}",
        "LocalJobId": str(record.submission_id),
        "GlobalJobId": record.cluster,
        "SubmitHost": record.batch_system,
        "StartTime": _format_time(record.begun_at),
        "EndTime": _format_time(record.ended_at),
        "WallDuration": record.wall_s,
        "CpuDuration": record.cpu_s,
        "CoreHours": record.wall_s * record.cpus / HOUR_S,
        "Processors": record.cpus,
        "Njobs": record.jobs,
        "Status": "completed" if record.is_success else "failed",
    }
    return json.dumps(told, ensure_ascii=False)


def _render_xml(record: UsageRecord) -> str:
    ElementTree.register_namespace("ur", NAMESPACE)
    root = ElementTree.Element(f"{{{NAMESPACE}}}JobUsageRecord")
    ended = _format_time(record.ended_at)
    _add_element(root, "RecordIdentity", recordId=record.id, createTime=ended)
    identity = _add_element(root, "JobIdentity")
    if record.cluster:
        _add_element(identity, "GlobalJobId", record.cluster)
    _add_element(identity, "LocalJobId", str(record.submission_id))
    _add_element(_add_element(root, "UserIdentity"), "LocalUserId", record.user)
    for name, text in (
        ("JobName", f"{record.campaign}/{record.stage}"),
        ("Status", "completed" if record.is_success else "failed"),
        ("WallDuration", f"PT{record.wall_s:.3f}S"),
        ("CpuDuration", f"PT{record.cpu_s:.3f}S"),
        ("StartTime", _format_time(record.begun_at)),
        ("EndTime", ended),
        ("SubmitHost", record.batch_system),
        ("ProjectName", record.campaign),
        ("Processors", str(record.cpus)),
    ):
        _add_element(root, name, text)
    for name, text in (
        ("VOName", record.experiment),
        ("ResourceType", "Payload"),
        ("Njobs", str(record.jobs)),
    ):
        _add_element(root, "Resource", text, description=name)
    return ElementTree.tostring(root, encoding="unicode")


def _add_element(
    parent: ElementTree.Element, name: str, text: str = "", **attributes: str
) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.attrib.update({f"{{{NAMESPACE}}}{key}": value for key, value in attributes.items()})
    element.text = text or None
    return element


def _format_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
