"""Which files (of a generator: units) a recovery takes, and why each is in or out.

The rule is `verdict`. What is known of a file are few facts of few values each, so that the database
is handed the rule as the table of its answers (`answers`), and decides nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from domain.files import Delivery, Outcome


class Elsewhere(StrEnum):
    """What another submission of the stage has to do with the file."""

    NOWHERE = "nowhere"
    LIVE = "live"
    """It is in one that is not over."""
    DONE = "done"
    """It was done there, by the same version."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file, from the newest submission of the family that has it."""

    delivery: Delivery
    outcome: Outcome
    succeeded: bool
    """Its job ended well."""
    made: bool
    """For each pattern there is a located descendant."""
    elsewhere: Elsewhere
    added: bool
    """No submission of the family has it: it came later."""

    @property
    def key(self) -> str:
        """The facts as one text, as the database writes them."""
        flags = "".join("t" if f else "f" for f in (self.succeeded, self.made, self.added))
        return f"{self.delivery}/{self.outcome}/{flags}/{self.elsewhere}"


class Why(StrEnum):
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


TAKEN = frozenset(Why) - {Why.DONE, Why.OTHER, Why.DONE_ELSEWHERE, Why.LIVE_ELSEWHERE}


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of recovery: which files it takes, and what has to be looked up for that."""

    takes: Callable[[Facts], bool]
    asks_jobs: bool = False
    asks_outputs: bool = False
    asks_added: bool = False


def _undone(facts: Facts) -> bool:
    return facts.outcome is not Outcome.DONE


KINDS: Mapping[str, Kind] = {
    "consumed_status": Kind(_undone),
    "process_status": Kind(lambda f: _undone(f) or not f.succeeded, asks_jobs=True),
    "added_files": Kind(lambda f: f.added, asks_added=True),
    "delivered_not_consumed": Kind(
        lambda f: _undone(f) and f.delivery in (Delivery.DELIVERED, Delivery.SKIPPED)
    ),
    "pending_files": Kind(lambda f: not f.made, asks_outputs=True),
    "failed": Kind(lambda f: f.outcome is Outcome.FAILED),
    "orphans": Kind(lambda f: not _undone(f) and not f.made, asks_outputs=True),
    "all": Kind(lambda _: True),
}
"""The first five by POMS's names. What is done or live elsewhere no type takes."""


def verdict(kind: str, facts: Facts) -> Why:
    """Why a recovery of this kind takes the file, or leaves it out."""
    if facts.elsewhere is Elsewhere.LIVE:
        return Why.LIVE_ELSEWHERE
    if facts.elsewhere is Elsewhere.DONE:
        return Why.DONE_ELSEWHERE
    if not KINDS[kind].takes(facts):
        return Why.OTHER if _undone(facts) else Why.DONE
    if facts.added:
        return Why.ADDED
    return _taken(kind, facts)


def _taken(kind: str, facts: Facts) -> Why:
    if facts.outcome is Outcome.FAILED:
        return Why.FAILED
    if facts.outcome is Outcome.DONE:
        if KINDS[kind].asks_outputs:
            return Why.NO_OUTPUT
        return Why.JOB_FAILED if KINDS[kind].asks_jobs else Why.AGAIN
    if facts.delivery is Delivery.SKIPPED:
        return Why.SKIPPED
    return Why.WAITING if facts.delivery is Delivery.WAITING else Why.UNFINISHED


FLAG = (False, True)
EVERYTHING = [Facts(*each) for each in product(Delivery, Outcome, FLAG, FLAG, Elsewhere, FLAG)]


def answers(kind: str) -> dict[str, Why]:
    """The whole rule of a kind: what it says to every combination of facts."""
    return {facts.key: verdict(kind, facts) for facts in EVERYTHING}
