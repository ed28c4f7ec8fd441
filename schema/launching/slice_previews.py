"""What the next slices of a stage would be, as a client sees it."""

from db.launching.slice_previews import MOST_LEFT_OUT, SlicePreview, UpcomingSlice
from db.launching.stage_launch_view import StageLaunchView
from domain.campaigns.splits.preview import build_histogram
from domain.campaigns.splits.reading import parse_split
from door.describe import declare_object_type
from schema.numbers import BigInt


@declare_object_type
class PlannedSlice:
    """A slice to come, if nothing changes until then."""

    files: BigInt
    """How many files it has; 0 of a generator."""
    jobs: int
    """How many jobs it starts."""
    bytes: BigInt
    """How large its files are together: those whose size is known."""
    files_without_size: BigInt
    """How many of its files have no known size; they count as 0."""
    events: BigInt
    """How many events its files say that they have; of a generator, how many it makes."""
    files_without_events: BigInt
    """How many of its files don't say how many events they have; they count as 0."""
    low: BigInt | None
    """The first ordinal (of the dataset's files, or the generator's index); null where a key chooses."""
    high: BigInt | None
    """One past the last ordinal."""
    key: str | None
    """By what its files are chosen: a run, a bucket, a window of time."""
    parameter: str | None
    """The parameter that it stands for, where the split makes some."""

    @classmethod
    def of(cls, found: UpcomingSlice, *, generates: bool) -> "PlannedSlice":
        """Show one."""
        taken, weight = found.slice, found.weight
        by_range = taken.listed is None
        return cls(
            files=0 if generates else taken.files,
            jobs=found.jobs,
            bytes=weight.bytes,
            files_without_size=weight.without_size,
            events=weight.events,
            files_without_events=weight.without_events,
            low=taken.low if by_range else None,
            high=taken.high if by_range else None,
            key=taken.key,
            parameter=taken.parameter,
        )


@declare_object_type
class SliceSizes:
    """Slices of about the same size."""

    least: BigInt
    """From so many files (of a generator: jobs)"""
    most: BigInt
    """to so many."""
    slices: int
    """How many of the slices shown are so large."""


@declare_object_type
class SplitPreview:
    """What the next launches of a stage would work on; nothing is taken."""

    split: str
    """The split that was asked, as it stands in the stage."""
    slices: list[PlannedSlice]
    """The next slices in their order."""
    sizes: list[SliceSizes]
    """How large these are: 1, 2 to 3, 4 to 7 files and so on."""
    exhausted: bool
    """There are no more than these, as things are now."""
    repeats: bool
    """The split never ends: the last of these comes again each time."""
    left_out: BigInt
    """Files that are in no slice because they don't say their run, or aren't marked staged yet."""
    left_out_more: bool
    """There are more of them than were counted."""
    left_out_for: str | None
    """What they lack: `run` or `staged`; null where the split needs neither."""
    missing_from_catalog: BigInt
    """Files that no slice takes, as long as their catalog has them no more, or with another size or checksum."""

    @classmethod
    def of(cls, found: SlicePreview, stage: StageLaunchView, *, is_test: bool) -> "SplitPreview":
        """Show a preview."""
        text = stage.split_for(is_test=is_test)
        needs = parse_split(text).kind.needs
        bars = build_histogram(one.slice.files for one in found.slices)
        return cls(
            split=text,
            slices=[PlannedSlice.of(one, generates=stage.generates) for one in found.slices],
            sizes=[SliceSizes(least=bar.least, most=bar.most, slices=bar.number) for bar in bars],
            exhausted=found.exhausted,
            repeats=found.repeats,
            left_out=found.left_out if needs == "staged" else min(found.left_out, MOST_LEFT_OUT),
            left_out_more=needs == "run" and found.left_out > MOST_LEFT_OUT,
            left_out_for=needs,
            missing_from_catalog=found.missing,
        )
