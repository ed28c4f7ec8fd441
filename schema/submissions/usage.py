"""What submissions have used, for accounting."""

from db.submissions.submissions import Submission
from domain.submissions.configuration import read_cpus
from domain.submissions.submissions import SubmissionState
from domain.submissions.usage_records import UsageFormat, UsageRecord, render_record
from door.describe import declare_enum_type
from schema.campaigns.link_values import find_stage_value
from schema.context import Info

declare_enum_type(UsageFormat)
NAMES = ("campaign_name", "stage_name")
WELL = frozenset({SubmissionState.COMPLETED, SubmissionState.LOCATED})


async def render_usage(info: Info, row: Submission, form: UsageFormat) -> str | None:
    """The record of a submission; None while it goes on."""
    if row.ended_at is None:
        return None
    person = await info.context.load.person.load(row.created_by)
    clusters = await info.context.load.clusters_of.load(row.id)
    experiment = await info.context.load.experiment.load(row.experiment_id)
    names = [await find_stage_value(info, row.stage_id, name) for name in NAMES]
    campaign, stage = (str(name or "") for name in names)
    assert experiment is not None  # noqa: S101 - a foreign key says so
    record = UsageRecord(
        id=f"poms:{experiment.name}:submission:{row.id}:{row.revision}",
        submission_id=row.id,
        experiment=experiment.name,
        campaign=campaign,
        stage=stage,
        user=person.username if person else "",
        batch_system=row.batch_system,
        cluster=clusters[0].native_id if clusters else None,
        jobs=row.jobs_succeeded + row.jobs_failed + row.jobs_removed,
        cpus=read_cpus(row.configuration),
        cpu_s=row.cpu_s,
        wall_s=row.wall_s,
        begun_at=row.created_at,
        ended_at=row.ended_at,
        is_success=row.state in WELL,
    )
    return render_record(record, form)
