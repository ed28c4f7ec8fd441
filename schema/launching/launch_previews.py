"""What one launch of a stage would be, as a client sees it."""

from collections.abc import Iterable
from datetime import datetime

from db.launching.launch_plans import PlannedSubmission, StoredPlan
from db.launching.launch_previews import ExpectedUsage, JobLoadPreview
from db.launching.slice_previews import SliceWeight, UpcomingSlice
from domain.campaigns.splits.preview import build_histogram
from domain.launching.estimates import Estimate as Estimated
from door.describe import declare_object_type
from schema.files.file_checks import FileCheck
from schema.launching.slice_previews import PlannedSlice
from schema.numbers import BigInt
from schema.problems import Problem


@declare_object_type
class JobSizes:
    """Jobs that get about the same."""

    least: BigInt
    """From so much"""
    most: BigInt
    """to so much."""
    jobs: int
    """How many jobs get that."""


@declare_object_type
class JobLoads:
    """What each job would get, by powers of two: 0, 1, 2 to 3, 4 to 7 and so on."""

    files: list[JobSizes]
    """By its number of files; 0 of a generator."""
    bytes: list[JobSizes]
    """By their size together, as far as it is known."""
    events: list[JobSizes]
    """By their events together, or, of a generator, by the events that it makes."""

    @classmethod
    def of(cls, found: JobLoadPreview) -> "JobLoads":
        """Show what each job gets."""
        return cls(
            files=_build_bars(found.files),
            bytes=_build_bars(found.bytes),
            events=_build_bars(found.events),
        )


def _build_bars(sizes: Iterable[int]) -> list[JobSizes]:
    return [
        JobSizes(least=bar.least, most=bar.most, jobs=bar.number) for bar in build_histogram(sizes)
    ]


@declare_object_type
class Estimate:
    """What a job uses, by what the newest successful jobs of the stage used."""

    samples: int
    """How many jobs that is by: at most 1,000."""
    median: float | None
    """Half of them used no more; null, which is unknown, by fewer than 20 jobs."""
    p90: float | None
    """Nine of ten used no more; null, which is unknown, by fewer than 20 jobs."""

    @classmethod
    def of(cls, found: Estimated) -> "Estimate":
        """Show one."""
        return cls(samples=found.samples, median=found.median, p90=found.p90)


@declare_object_type
class PlannedLaunch:
    """What a launch would do, if nothing changes until then; nothing is taken."""

    plan_hash: str
    """Names exactly this launch: give it to `launchStage`, and this is launched, or nothing."""
    expires_at: datetime
    """Until when it can be launched by that."""
    slice: PlannedSlice
    """What it would work on."""
    loads: JobLoads
    """How that is divided among its jobs."""
    file_check: FileCheck | None
    """What a worker found of these files the last time; null: nobody asked (`checkLaunchFiles`)."""
    duplicates: BigInt
    """How many of its files have the size and the checksum of another one of them."""
    done_before: BigInt
    """How many of its files this stage has done in this software version: they are not done twice."""
    command: list[str]
    """What each of its jobs runs, or the launch script, which runs once; as arguments."""
    name_warnings: list[str]
    """Names that its outputs would have, as far as they can be told, and that are taken or would be made
    twice: such an output is refused, unless its content is the same. Empty for tests, which have names of their own."""
    output_ancestor_depth: int
    """How many steps below the inputs the outputs are that count and go on."""
    cpu_s: Estimate
    """Expected seconds of CPU of one job."""
    wall_s: Estimate
    """Expected seconds of wall time of one job."""
    memory_mb: Estimate
    """Expected memory of one job in MB."""

    @classmethod
    def of(
        cls,
        planned: PlannedSubmission,
        kept: StoredPlan,
        found: JobLoadPreview,
        expected: ExpectedUsage,
        name_warnings: list[str],
        file_check: FileCheck | None,
    ) -> "PlannedLaunch":
        """Show a launch whose plan was kept."""
        weight = SliceWeight(
            sum(found.bytes), sum(found.events), found.without_events, found.without_size
        )
        next_ = UpcomingSlice(planned.slice, len(planned.starts), weight)
        return cls(
            plan_hash=kept.hash,
            expires_at=kept.expires_at,
            slice=PlannedSlice.of(next_, generates=planned.stage.generates),
            loads=JobLoads.of(found),
            file_check=file_check,
            duplicates=found.duplicates,
            done_before=found.done_before,
            command=list(planned.configuration.fill_shown_keywords().command),
            name_warnings=name_warnings,
            output_ancestor_depth=planned.stage.output_ancestor_depth,
            cpu_s=Estimate.of(expected.cpu_s),
            wall_s=Estimate.of(expected.wall_s),
            memory_mb=Estimate.of(expected.memory_mb),
        )


@declare_object_type
class LaunchPreview:
    """What launching a stage would do now, and what is left to launch after it."""

    launch: PlannedLaunch | None
    """The launch; null where there would be none."""
    problem: Problem | None
    """Why there would be none."""
    slices: int
    """How many slices there are to come with this one, as things are now; of a split without end, one."""
    slices_more: bool
    """There are more of them than were counted."""
    left_out: BigInt
    """Files that are in no slice because they don't say their run, or aren't marked staged yet; of those
    without a run at most 10,001 are counted."""
    left_out_for: str | None
    """What they lack: `run` or `staged`; null where the split needs neither."""
    missing_from_catalog: BigInt
    """Files that no slice takes, as long as their catalog has them no more, or with another size or checksum."""
