"""What people may ask of a submission, and in which states there is a point in it."""

from enum import StrEnum

from domain.submissions.submissions import LIVE, SubmissionState


class SubmissionAction(StrEnum):
    """Something that can be done to a submission now."""

    CANCEL = "cancel"
    """Remove its jobs, or don't launch it at all."""
    HOLD = "hold"
    """Keep its jobs from running until they are released."""
    RELEASE = "release"
    """Let held jobs run."""
    KICK = "kick"
    """Count it as located, whatever is missing, so that what depends on it goes on."""
    RECOVER = "recover"
    """Do its unfinished part again."""


S = SubmissionState

POSSIBLE: dict[SubmissionAction, frozenset[SubmissionState]] = {
    SubmissionAction.CANCEL: frozenset(LIVE),
    SubmissionAction.HOLD: frozenset({S.IDLE, S.RUNNING, S.HELD}),
    SubmissionAction.RELEASE: frozenset({S.IDLE, S.RUNNING, S.HELD}),
    SubmissionAction.KICK: frozenset({S.COMPLETED, S.FAILED, S.LAUNCH_FAILED}),
    SubmissionAction.RECOVER: frozenset(S) - LIVE,
}
"""In which states each action has a point. One held job of many leaves a submission running: both
hold and release are possible then."""


def is_possible(
    action: SubmissionAction, state: SubmissionState, jobs_held: int, *, is_archived: bool = False
) -> bool:
    """Whether the action has a point now; of what was archived nothing follows any more."""
    if is_archived or (action is SubmissionAction.RELEASE and not jobs_held):
        return False
    return state in POSSIBLE[action]


def list_available_actions(
    state: SubmissionState, jobs_held: int, *, is_archived: bool = False
) -> list[SubmissionAction]:
    """All that has a point now."""
    return [
        action
        for action in SubmissionAction
        if is_possible(action, state, jobs_held, is_archived=is_archived)
    ]
