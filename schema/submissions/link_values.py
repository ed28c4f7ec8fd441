"""What the variables of links and summaries are of submissions and jobs."""

from datetime import datetime
from functools import partial

from db.submissions.submissions import Submission
from domain.links import LinkSubject
from schema.campaigns.link_values import find_stage_value
from schema.context import Info
from schema.people.links import Link, list_links
from schema.people.summaries import Summary, list_summaries


async def list_submission_links(info: Info, row: Submission) -> list[Link]:
    """The links of a submission."""
    find_value = partial(_find_submission_value, info, row)
    return await list_links(info, row.experiment_id, LinkSubject.SUBMISSION, find_value)


async def list_submission_summaries(info: Info, row: Submission) -> list[Summary]:
    """The summaries of a submission."""
    find_value = partial(_find_submission_value, info, row)
    return await list_summaries(info, row.experiment_id, LinkSubject.SUBMISSION, row.id, find_value)


async def list_job_links(
    info: Info, submission_id: int, number: int, batch_job: str | None
) -> list[Link]:
    """The links of a job."""
    row = await info.context.load.submission.load(submission_id)
    if row is None:
        return []

    async def find_value(name: str) -> str | int | None:
        own = {"job": number, "batch_job": batch_job}
        return own[name] if name in own else await _find_submission_value(info, row, name)

    return await list_links(info, row.experiment_id, LinkSubject.JOB, find_value)


async def _find_submission_value(info: Info, row: Submission, name: str) -> str | int | None:
    match name:
        case "submission":
            return row.id
        case "batch_system":
            return row.batch_system
        case "from":
            return _format_time(row.created_at)
        case "to":
            return _format_time(row.ended_at)
        case "user":
            person = await info.context.load.person.load(row.created_by)
            return None if person is None else person.username
        case "cluster":
            clusters = await info.context.load.clusters_of.load(row.id)
            return clusters[0].native_id if clusters else None
    return await find_stage_value(info, row.stage_id, name)


def _format_time(at: datetime | None) -> str | int:
    """As monitors take it."""
    return "now" if at is None else int(at.timestamp() * 1000)
