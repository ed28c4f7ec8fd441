"""What the account of inputs comes to: the one word for a submission, a stage or a campaign."""

from dataclasses import dataclass
from enum import StrEnum


class AccountVerdict(StrEnum):
    """What an account comes to."""

    NOTHING = "nothing"
    """Nothing was launched."""
    UNDER_WAY = "under_way"
    """Launches go on, or what follows from them is not decided yet."""
    DONE = "done"
    """All is done as asked: each input that was given, but for those that were waived, and every launch is located."""
    LOSSES = "losses"
    """Nothing goes on, and a part is done: inputs are lost, or outputs are missing."""
    FAILED = "failed"
    """Nothing goes on, and nothing is done."""


@dataclass(frozen=True, slots=True)
class AccountTally:
    """What decides it."""

    given: int
    done: int
    waived: int
    under_way: int
    """Inputs in work, waiting or owed."""
    lost: int
    launches: int
    """Without their recoveries."""
    launches_live: int
    """With their recoveries."""
    launches_located: int


def judge_account(tally: AccountTally) -> AccountVerdict:
    """The one word for it. What is located and has lost inputs is no success."""
    if not tally.launches:
        return AccountVerdict.NOTHING
    if tally.under_way or tally.launches_live:
        return AccountVerdict.UNDER_WAY
    if not tally.lost and tally.launches_located == tally.launches:
        return AccountVerdict.DONE
    did_something = tally.done or (not tally.given and tally.launches_located)
    return AccountVerdict.LOSSES if did_something else AccountVerdict.FAILED
