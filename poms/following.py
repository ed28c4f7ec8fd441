"""Following a campaign to its end."""

import asyncio
import time
from collections.abc import Callable, Sequence

from poms.client import Client
from poms.generated.enums import SubmissionState
from poms.generated.fragments import StagePart

LIVE = {
    SubmissionState.QUEUED,
    SubmissionState.NEW,
    SubmissionState.SUBMITTING,
    SubmissionState.UNCERTAIN,
    SubmissionState.IDLE,
    SubmissionState.RUNNING,
    SubmissionState.HELD,
}
LOOK_S = 0.3
Stages = Sequence[StagePart]


def is_live(stages: Stages) -> bool:
    """Whether any submission may still do something."""
    return any(s.state in LIVE and s.count for stage in stages for s in stage.submissions)


def is_well(stages: Stages) -> bool:
    """Whether every submission's outputs are located: what failed was made up for."""
    states = {s.state for stage in stages for s in stage.submissions if s.count}
    return states <= {SubmissionState.LOCATED}


async def show_until_quiet(
    api: Client,
    campaign_id: str,
    show: Callable[[Stages], None],
    *,
    quiet_s: float,
    whole: Callable[[Stages], bool] = lambda _: False,
) -> Stages:
    """Show a campaign whenever it has changed, until all is done or nothing has begun for a while.

    Between two stages nothing is live for a moment: that is why it waits for `quiet_s` seconds, or
    until `whole` says that there is no more to come.
    """
    while True:
        async for found in api.progress_of(campaign_id):
            show(found.stages)
            if not is_live(found.stages):
                break
        if stages := await _wait_until_settled(api, campaign_id, quiet_s, whole):
            show(stages)
            return stages


async def _wait_until_settled(
    api: Client, campaign_id: str, quiet_s: float, whole: Callable[[Stages], bool]
) -> Stages:
    """The stages once nothing has begun for a while; empty when it goes on."""
    quiet = time.monotonic() + quiet_s
    while True:
        found = (await api.progress(campaign_id)).campaign_progress
        stages: Stages = found.stages if found else []
        if is_live(stages):
            return []
        if whole(stages) or time.monotonic() > quiet:
            return stages
        await asyncio.sleep(LOOK_S)
