"""Failed jobs by what they have in common, as a client sees them."""

from collections.abc import Sequence

import strawberry

from domain.submissions.triage import FailedJob, FailedJobGroup, group_failures
from door.describe import declare_object_type
from schema.ids import node_id
from schema.numbers import BigInt


@declare_object_type
class FailureGroup:
    """Jobs that failed alike."""

    count: int
    """How many they are."""
    share: float
    """Their part of all failed jobs that were looked at."""
    files: BigInt
    """Inputs that were not done because of them."""
    reason: str | None
    """Why: exit, signal, memory, walltime, no_report, bad_report and so on."""
    exit_code: int | None
    """Of their commands."""
    signal: int | None
    """The signal that ended them."""
    site: str | None
    """Where they ran."""
    batch_system_message: str
    """What the batch system said, without times, paths, ids and numbers: why a job is held."""
    log: str
    """The last lines of their logs, without times, paths, ids and numbers."""
    sample_log: str | None
    """The end of one of their logs, as it is."""
    sample_job_id: strawberry.ID
    """The job whose log it is."""
    job_ids: list[strawberry.ID]
    """Some of the jobs, at most 10."""

    @classmethod
    def of(cls, group: FailedJobGroup, total: int) -> "FailureGroup":
        """Show a group."""
        sample = group.sample
        return cls(
            count=group.jobs,
            share=group.jobs / total,
            files=group.files,
            reason=sample.reason,
            exit_code=sample.exit_code,
            signal=sample.signal,
            site=sample.site,
            batch_system_message=group.message,
            log=group.signature,
            sample_log=sample.log_tail,
            sample_job_id=node_id("job", f"{sample.submission_id}.{sample.number}"),
            job_ids=[node_id("job", f"{first}.{second}") for first, second in group.numbers],
        )


@declare_object_type
class Triage:
    """What failed and held jobs have in common, most frequent first."""

    jobs: int
    """How many failed and held jobs were looked at."""
    truncated: bool
    """There are more than were looked at; those of the newest submissions were."""
    groups: list[FailureGroup]
    """At most 200."""

    @classmethod
    def of(cls, failed: Sequence[FailedJob], *, truncated: bool) -> "Triage":
        """Group them."""
        found = group_failures(failed)[:MOST_GROUPS]
        shown = [FailureGroup.of(group, len(failed)) for group in found]
        return cls(jobs=len(failed), truncated=truncated, groups=shown)


MOST_GROUPS = 200
