"""What can be true of a file that a submission reads or writes."""

from enum import StrEnum


class Delivery(StrEnum):
    """How far an input has come to the job that wants it."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    CONSUMED = "consumed"
    SKIPPED = "skipped"


class Outcome(StrEnum):
    """What became of an input."""

    NONE = "none"
    DONE = "done"
    FAILED = "failed"


class OutputState(StrEnum):
    """What is known of an output: a job's word is `declared`, a look at the file itself `located`."""

    DECLARED = "declared"
    LOCATED = "located"
    LOST = "lost"
    SUPERSEDED = "superseded"
