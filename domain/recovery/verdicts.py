"""Which files (of a generator: units) a recovery takes, and why each is in or out.

The rule is `decide_verdict`. What is known of a file are few facts of few values each, so that the database
is handed the rule as the table of its answers (`tabulate_verdicts`), and decides nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from domain.setup.recovery_rules import RecoveryType
from domain.submissions.file_states import Delivery, Outcome


class ElsewhereState(StrEnum):
    """What another submission of the stage has to do with the file."""

    NOWHERE = "nowhere"
    LIVE = "live"
    """It is in one that is not over."""
    DONE = "done"
    """It was done there, by the same version."""
    WAIVED = "waived"
    """Somebody has waived it: nobody wants it done any more."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file, from the newest submission of the family that has it."""

    delivery: Delivery
    outcome: Outcome
    succeeded: bool
    """Its job ended well."""
    has_outputs: bool
    """For each pattern there is a located descendant."""
    elsewhere: ElsewhereState
    added: bool
    """No submission of the family has it: it came later."""

    @property
    def key(self) -> str:
        """The facts as one text, as the database writes them."""
        flags = "".join("t" if f else "f" for f in (self.succeeded, self.has_outputs, self.added))
        return f"{self.delivery}/{self.outcome}/{flags}/{self.elsewhere}"


class RecoveryVerdict(StrEnum):
    """Why a recovery takes a file, or leaves it out."""

    WAITING = "waiting"
    """Taken: no job got it."""
    UNFINISHED = "unfinished"
    """Taken: a job got it, and never said what became of it."""
    SKIPPED = "skipped"
    """Taken: a job left it out."""
    FAILED = "failed"
    """Taken: not everything could be made of it."""
    JOB_FAILED = "job_failed"
    """Taken: it was done, but its job did not end well."""
    NO_OUTPUT = "no_output"
    """Taken: it was done, and what should come of it is not all located."""
    ADDED = "added"
    """Taken: it came after the launch."""
    AGAIN = "again"
    """Taken: it was done, and everything was asked for."""
    DONE = "done"
    """Left out: it is done."""
    OTHER = "other"
    """Left out: it is not done, but this type of recovery is for others."""
    DONE_ELSEWHERE = "done_elsewhere"
    """Left out: another submission of the stage has done it."""
    LIVE_ELSEWHERE = "live_elsewhere"
    """Left out: it is in a submission of the stage that is not over."""
    WAIVED = "waived"
    """Left out: somebody has waived it."""


TAKEN = frozenset(RecoveryVerdict) - {
    RecoveryVerdict.DONE,
    RecoveryVerdict.OTHER,
    RecoveryVerdict.DONE_ELSEWHERE,
    RecoveryVerdict.LIVE_ELSEWHERE,
    RecoveryVerdict.WAIVED,
}


@dataclass(frozen=True, slots=True)
class RecoveryKind:
    """One type of recovery: which files it takes, and what has to be looked up for that."""

    takes: Callable[[FileFacts], bool]
    asks_jobs: bool = False
    asks_outputs: bool = False
    asks_added: bool = False


def _is_undone(facts: FileFacts) -> bool:
    return facts.outcome is not Outcome.DONE


KINDS: Mapping[str, RecoveryKind] = {
    RecoveryType.CONSUMED_STATUS: RecoveryKind(_is_undone),
    RecoveryType.PROCESS_STATUS: RecoveryKind(
        lambda f: _is_undone(f) or not f.succeeded, asks_jobs=True
    ),
    RecoveryType.ADDED_FILES: RecoveryKind(lambda f: f.added, asks_added=True),
    RecoveryType.DELIVERED_NOT_CONSUMED: RecoveryKind(
        lambda f: _is_undone(f) and f.delivery in (Delivery.DELIVERED, Delivery.SKIPPED)
    ),
    RecoveryType.PENDING_FILES: RecoveryKind(lambda f: not f.has_outputs, asks_outputs=True),
    RecoveryType.FAILED: RecoveryKind(lambda f: f.outcome is Outcome.FAILED),
    RecoveryType.ORPHANS: RecoveryKind(
        lambda f: not _is_undone(f) and not f.has_outputs, asks_outputs=True
    ),
    RecoveryType.ALL: RecoveryKind(lambda _: True),
}
"""What is done or live elsewhere, or waived, no type takes."""


def decide_verdict(kind: str, facts: FileFacts) -> RecoveryVerdict:
    """Why a recovery of this kind takes the file, or leaves it out."""
    if facts.elsewhere is ElsewhereState.LIVE:
        return RecoveryVerdict.LIVE_ELSEWHERE
    if facts.elsewhere is ElsewhereState.DONE:
        return RecoveryVerdict.DONE_ELSEWHERE
    if facts.elsewhere is ElsewhereState.WAIVED:
        return RecoveryVerdict.WAIVED
    if not KINDS[kind].takes(facts):
        return RecoveryVerdict.OTHER if _is_undone(facts) else RecoveryVerdict.DONE
    if facts.added:
        return RecoveryVerdict.ADDED
    return _decide_taken(kind, facts)


def _decide_taken(kind: str, facts: FileFacts) -> RecoveryVerdict:
    if facts.outcome is Outcome.FAILED:
        return RecoveryVerdict.FAILED
    if facts.outcome is Outcome.DONE:
        if KINDS[kind].asks_outputs:
            return RecoveryVerdict.NO_OUTPUT
        return RecoveryVerdict.JOB_FAILED if KINDS[kind].asks_jobs else RecoveryVerdict.AGAIN
    if facts.delivery is Delivery.SKIPPED:
        return RecoveryVerdict.SKIPPED
    return (
        RecoveryVerdict.WAITING
        if facts.delivery is Delivery.WAITING
        else RecoveryVerdict.UNFINISHED
    )


FLAG = (False, True)
EVERYTHING = [
    FileFacts(*each) for each in product(Delivery, Outcome, FLAG, FLAG, ElsewhereState, FLAG)
]


def tabulate_verdicts(kind: str) -> dict[str, RecoveryVerdict]:
    """The whole rule of a kind: what it says to every combination of facts."""
    return {facts.key: decide_verdict(kind, facts) for facts in EVERYTHING}
