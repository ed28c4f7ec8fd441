"""Following a campaign to its end."""

import asyncio
import time
from collections.abc import Callable, Sequence

from poms.client import Client
from poms.generated.enums import AccountVerdict
from poms.generated.fragments import ProgressPart, StagePart

LOOK_S = 0.3
Stages = Sequence[StagePart]


def is_live(progress: ProgressPart) -> bool:
    """Whether anything may still be done: launches go on, or what follows from them is not decided yet."""
    return progress.account.verdict is AccountVerdict.UNDER_WAY


async def show_until_quiet(
    api: Client,
    campaign_id: str,
    show: Callable[[Stages], None],
    *,
    quiet_s: float,
    whole: Callable[[ProgressPart], bool] = lambda _: False,
    is_test: bool = False,
) -> ProgressPart:
    """Show a campaign, or its tests, whenever it has changed, until all is done or nothing has begun for a while.

    Between two stages nothing is live for a moment: that is why it waits for `quiet_s` seconds, or
    until `whole` says that there is no more to come.
    """
    while True:
        async for found in api.progress_of(campaign_id, is_test=is_test):
            show(found.stages)
            if not is_live(found):
                break
        if last := await _wait_until_settled(api, campaign_id, quiet_s, whole, is_test=is_test):
            show(last.stages)
            return last


async def _wait_until_settled(
    api: Client,
    campaign_id: str,
    quiet_s: float,
    whole: Callable[[ProgressPart], bool],
    *,
    is_test: bool,
) -> ProgressPart | None:
    """How far it is once nothing has begun for a while; None when it goes on."""
    quiet = time.monotonic() + quiet_s
    while True:
        found = (await api.progress(campaign_id, is_test)).campaign_progress
        if found is None or is_live(found):
            return None
        if whole(found) or time.monotonic() > quiet:
            return found
        await asyncio.sleep(LOOK_S)
