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
    """What is known of an output: a job's word is `declared`, a look at the file itself `located`.

    `refused`: it is there, but another file of the experiment has its name."""

    DECLARED = "declared"
    LOCATED = "located"
    LOST = "lost"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


OPEN = frozenset("*?[")
"""What makes a glob match more than one name."""


def is_fixed_name(pattern: str) -> bool:
    """Whether only one name matches a pattern."""
    return OPEN.isdisjoint(pattern)


def describe_maker(maker_id: int | None, maker_number: int | None = None) -> str:
    """Whose a file is, in words: a submission's, and a job's if that is known, or none."""
    job = f"job {maker_number} of " if maker_number is not None else ""
    return "added by somebody" if maker_id is None else f"made by {job}submission {maker_id}"


OUTPUTS_QUESTION = (
    "Outputs can't become files, as the reason says: launch a recovery by hand that makes them anew, under names of "
    "their own where other files have theirs, or kick it to go on without them."
)
"""What a person has to decide about a submission that is not located for want of them."""


def describe_refusal(maker_id: int | None, maker_number: int | None) -> str:
    """Why an output is refused whose name another file of the experiment has; and what to do about it."""
    whose = describe_maker(maker_id, maker_number)
    return (
        f"The experiment has another file of this name, {whose}: that one stays as it is. Names are unique "
        "in an experiment; %(submission)s, %(version)s or POMS_UNIQUE in the name make them so."
    )
