"""What a stage is."""

from enum import StrEnum


class StageKind(StrEnum):
    """What a stage does when it is launched."""

    REGULAR = "regular"
    GENERATOR = "generator"
    APPROVAL = "approval"
    DATATRANSFER = "datatransfer"
    TEST = "test"


class Completion(StrEnum):
    """When a submission of the stage counts as usable: its jobs are over, or its outputs are located."""

    COMPLETE = "complete"
    LOCATED = "located"


class DeadlineFrom(StrEnum):
    """From when a stage's deadline counts."""

    LAUNCH = "launch"
    """From the launch of the submission."""
    COMPLETED = "completed"
    """From the end of its batch work."""


class TriggerKind(StrEnum):
    """When a dependency launches its downstream stage."""

    PER_PARENT = "per_parent"
    """For each submission upstream."""
    JOIN = "join"
    """When one of each stage upstream is there of those that belong together."""
