"""POMS for scripts: every operation as a typed method, and streams that outlast broken connections."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from poms.changes import Change, make_readable
from poms.generated.client import Client as Operations
from poms.generated.enums import ChangeKind
from poms.generated.fragments import (
    FindingPart,
    OutputPart,
    PagePart,
    ProgressPart,
)
from poms.generated.input_types import ChangesFilter
from poms.transport import OperationRefused, ServiceUnreachable

T = TypeVar("T")
FOR_EVER = float("inf")
LONGEST_PAUSE_S = 10.0


class RequestFinding(Protocol):
    """What is wrong with a request, and where."""

    path: str


LOST = "POMS can't tell any more what came after the cursor."


class CursorLost(OperationRefused):
    """What came after the cursor is not kept any more, or is of another history: read the state anew.

    Changes go on after `cursor`. Read the state once they are watched from there, or before: what is in it already
    may come once more, and nothing is missing.
    """

    def __init__(self, message: str, cursor: str) -> None:
        super().__init__(message)
        self.cursor = cursor


class Client(Operations):
    """POMS at an address, as the person of a token; see `poms/operations` for what its methods ask.

    >>> async with Client("https://poms.example.org", token) as poms:
    ...     async for change in poms.changes(campaign_id="campaign:42"):
    ...         print(change.at, change.kind, change.reason)
    """

    async def changes(
        self,
        after: str | None = None,
        *,
        experiment: str | None = None,
        campaign_id: str | None = None,
        submission_id: str | None = None,
        kinds: list[ChangeKind] | None = None,
        patience_s: float = FOR_EVER,
    ) -> AsyncIterator[Change]:
        """What happens after a cursor, or from now on: nothing is missed, nothing comes twice.

        What a change says beside the fields of `Change` is in those of its type, such as `SubmissionChangePart` of
        `poms.generated.fragments`. A kind that this client doesn't know yet comes with the fields of `Change`.

        Keep `change.cursor` to go on after it another day. Ends with `ServiceUnreachable` only when POMS was
        away for `patience_s` seconds, with `CursorLost` when it can't say what came after the cursor.
        """
        wanted = ChangesFilter(
            experiment=experiment,
            campaign_id=campaign_id,
            submission_id=submission_id,
            kinds=kinds,
        )
        cursor = after or (await self.head()).head

        async def stream() -> AsyncIterator[Change]:
            nonlocal cursor
            async for told in self.watch_changes(wanted, cursor):
                item = told.changes
                if item.typename__ == "CursorExpired":
                    raise CursorLost(LOST, item.oldest)
                if item.typename__ == "CursorFromAnotherHistory":
                    raise CursorLost(LOST, item.head)
                if item.typename__ == "NotFound":
                    raise OperationRefused(item.message)
                cursor = item.cursor
                if item.typename__ != "Heartbeat":
                    yield item

        async for change in retry_stream(stream, patience_s):
            yield change

    async def execute_ws(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any]
    ) -> AsyncIterator[dict[str, Any]]:
        """The results of a subscription; changes that a newer server tells, as far as this client can read them."""
        async for data in super().execute_ws(query, operation_name, variables):
            yield {**data, "changes": make_readable(data["changes"])} if "changes" in data else data

    async def progress_of(
        self, campaign_id: str, *, is_test: bool = False, patience_s: float = FOR_EVER
    ) -> AsyncIterator[ProgressPart]:
        """The sums of a campaign's stages (or of its tests), at once and whenever they have changed."""

        async def stream() -> AsyncIterator[ProgressPart]:
            async for told in self.watch_progress(campaign_id, is_test):
                yield expect_result(told.campaign_progress, ProgressPart)

        async for progress in retry_stream(stream, patience_s):
            yield progress

    async def output_of(
        self, submission_id: str, after: str | None = None, *, patience_s: float = FOR_EVER
    ) -> AsyncIterator[OutputPart]:
        """What a submission's launch has said after a piece of it, and goes on saying."""

        async def stream() -> AsyncIterator[OutputPart]:
            nonlocal after
            async for told in self.watch_output(submission_id, after):
                piece = expect_result(told.launch_output, OutputPart)
                after = piece.cursor
                yield piece

        async for piece in retry_stream(stream, patience_s):
            yield piece


def expect_result(answer: object, kind: type[T]) -> T:
    """The thing that was meant; a problem in its place is raised as `OperationRefused`, with its findings."""
    if isinstance(answer, kind):
        return answer
    findings = getattr(answer, "findings", ())
    found = [f"{locate_finding(f)}: {f.message}" for f in findings]
    said = getattr(answer, "message", "There is no such thing.")
    name = getattr(answer, "typename__", "NotFound")
    raise OperationRefused("\n".join([f"{name}: {said}", *found]), name, said, findings)


def locate_finding(finding: RequestFinding | FindingPart) -> str:
    """The place in a request, or in a campaign file, that a finding is about."""
    if not isinstance(finding, FindingPart):
        return finding.path
    section = f" [{finding.section}]" if finding.section else ""
    return f"{finding.file}:{finding.line}:{section}{finding.key and f' {finding.key}'}"


async def retry_stream(
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
        except ServiceUnreachable:
            since = since if tries else time.monotonic()
            if time.monotonic() - since > patience_s:
                raise
            tries += 1
            await asyncio.sleep(min(LONGEST_PAUSE_S, 0.1 * 2**tries) * random.uniform(0.5, 1))  # noqa: S311


def find_next_cursor(page: PagePart) -> str | None:
    """The cursor of the page behind this one, if there is any."""
    return page.end_cursor if page.has_next_page else None


Page = tuple[Sequence[T], str | None]


async def iterate_pages(ask: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """Everything in a list that POMS gives in pages: (nodes, the cursor of the next one, if any)."""
    after: str | None = None
    while True:
        nodes, after = await ask(after)
        for node in nodes:
            yield node
        if after is None:
            return
