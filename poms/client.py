"""POMS for scripts: every operation as a typed method, and streams that outlast broken connections."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from poms.generated.client import Client as Operations
from poms.generated.fragments import (
    ChangePart,
    FindingPart,
    OutputPart,
    PagePart,
    ProgressPart,
)
from poms.generated.input_types import ChangesFilter
from poms.transport import Refused, Unreachable

T = TypeVar("T")
FOR_EVER = float("inf")
LONGEST_PAUSE_S = 10.0


class Finding(Protocol):
    """What is wrong with a request, and where."""

    path: str


class CursorLost(Refused):
    """What came after the cursor is not kept any more, or is of another history: begin anew without it."""


class Client(Operations):
    """POMS at an address, as the person of a token; see `poms/operations` for what its methods ask.

    >>> async with Client("https://poms.example.org", token) as poms:
    ...     async for change in poms.changes(campaign_id="campaign:42"):
    ...         print(change.kind, change.body)
    """

    async def changes(
        self,
        after: str | None = None,
        *,
        experiment: str | None = None,
        campaign_id: str | None = None,
        submission_id: str | None = None,
        kinds: list[str] | None = None,
        patience_s: float = FOR_EVER,
    ) -> AsyncIterator[ChangePart]:
        """What happens after a cursor, or from now on: nothing is missed, nothing comes twice.

        Keep `change.cursor` to go on after it another day. Ends with `Unreachable` only when POMS was
        away for `patience_s` seconds, with `CursorLost` when it can't say what came after the cursor.
        """
        wanted = ChangesFilter(
            experiment=experiment,
            campaign_id=campaign_id,
            submission_id=submission_id,
            kinds=kinds,
        )
        cursor = after or (await self.head()).head

        async def stream() -> AsyncIterator[ChangePart]:
            nonlocal cursor
            async for told in self.watch_changes(wanted, cursor):
                item = told.changes
                if item.typename__ in ("CursorExpired", "CursorFromAnotherHistory"):
                    raise CursorLost("POMS can't tell any more what came after the cursor.")
                cursor = getattr(item, "cursor", cursor)
                if isinstance(item, ChangePart):
                    yield item
                elif item.typename__ != "Heartbeat":
                    raise Refused(getattr(item, "message", item.typename__))

        async for change in lasting(stream, patience_s):
            yield change

    async def progress_of(
        self, campaign_id: str, *, patience_s: float = FOR_EVER
    ) -> AsyncIterator[ProgressPart]:
        """The sums of a campaign's stages, at once and whenever they have changed."""

        async def stream() -> AsyncIterator[ProgressPart]:
            async for told in self.watch_progress(campaign_id):
                yield taken(told.campaign_progress, ProgressPart)

        async for progress in lasting(stream, patience_s):
            yield progress

    async def output_of(
        self, submission_id: str, after: int = 0, *, patience_s: float = FOR_EVER
    ) -> AsyncIterator[OutputPart]:
        """What a submission's launch has said after a piece of it, and goes on saying."""

        async def stream() -> AsyncIterator[OutputPart]:
            nonlocal after
            async for told in self.watch_output(submission_id, after):
                piece = taken(told.launch_output, OutputPart)
                after = piece.sequence
                yield piece

        async for piece in lasting(stream, patience_s):
            yield piece


def taken(answer: object, kind: type[T]) -> T:
    """The thing that was meant; a problem in its place is raised as `Refused`, with its findings."""
    if isinstance(answer, kind):
        return answer
    found = [f"{where(f)}: {f.message}" for f in getattr(answer, "findings", ())]
    said = getattr(answer, "message", "There is no such thing.")
    name = getattr(answer, "typename__", "NotFound")
    raise Refused("\n".join([f"{name}: {said}", *found]))


def where(finding: Finding | FindingPart) -> str:
    """The place in a request, or in a campaign file, that a finding is about."""
    if not isinstance(finding, FindingPart):
        return finding.path
    section = f" [{finding.section}]" if finding.section else ""
    return f"{finding.file}:{finding.line}:{section}{finding.key and f' {finding.key}'}"


async def lasting(
    stream: Callable[[], AsyncIterator[T]], patience_s: float = FOR_EVER
) -> AsyncIterator[T]:
    """The items of a stream that is begun again, ever less hastily, whenever it breaks off."""
    tries, since = 0, 0.0
    while True:
        try:
            async for item in stream():
                tries = 0
                yield item
            return
        except Unreachable:
            since = since if tries else time.monotonic()
            if time.monotonic() - since > patience_s:
                raise
            tries += 1
            await asyncio.sleep(min(LONGEST_PAUSE_S, 0.1 * 2**tries) * random.uniform(0.5, 1))  # noqa: S311


def following(page: PagePart) -> str | None:
    """The cursor of the page behind this one, if there is any."""
    return page.end_cursor if page.has_next_page else None


Page = tuple[Sequence[T], str | None]


async def pages(ask: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """Everything in a list that POMS gives in pages: (nodes, the cursor of the next one, if any)."""
    after: str | None = None
    while True:
        nodes, after = await ask(after)
        for node in nodes:
            yield node
        if after is None:
            return
