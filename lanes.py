"""Lanes to the outside: every outside system has threads of its own, so that one that hangs costs its own calls only.

A blocking call can't be ended from outside. So one that passes its deadline is given up: its caller is told, its
thread *hangs* and is replaced, up to a bound, from which on the lane answers at once that so many calls hang. That is
the lane's whole circuit breaker: it closes by itself when the calls come back. Whether launches are tried at all is
decided apart from this, for all workers together, by the circuit of the batch system in the database.

Calls that block no thread, such as HTTP, go by a `CallLane`: it has their bounds and deadlines, and a circuit, since
nothing else shows that nobody answers.

These are no threads of `asyncio.to_thread`, `concurrent.futures` or anyio, which are shared by all that a process
does, and for whose end the process waits; anyio takes one that was given up for free. They are daemons.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakSet

from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

_T = TypeVar("_T")
_log = logging.getLogger("lanes")
_lanes: "WeakSet[Lane | CallLane]" = WeakSet()
_TRIES = 3


class LaneUnavailable(Exception):
    """Nothing is known of the call: it got no answer in time, or was never begun."""


class LaneTimeout(LaneUnavailable):
    """The call got no answer in time; it may come about still."""


class LaneFull(LaneUnavailable):
    """The call was not begun: too many hang or failed, or wait already."""


@dataclass(frozen=True, slots=True)
class LaneState:
    """What a lane has in hand at a moment."""

    name: str
    in_use: int
    """Threads at work, those that hang apart."""
    waiting: int
    hung: int
    """Threads whose calls were given up and have not come back."""
    hung_since: datetime | None
    is_open: bool
    """Whether so many hang that calls are refused at once."""
    timed_out: int
    """Calls that passed their deadline, ever."""
    refused: int
    """Calls that were not begun, ever."""


@dataclass(eq=False, slots=True)
class LaneCall:
    """A blocking call, and when it is given up (by the monotonic clock)."""

    work: Callable[[], Any]
    until: float
    future: "Future[Any]" = field(default_factory=Future)
    context: Context = field(default_factory=copy_context)
    """Its caller's: what lines of the log are about."""


class Lane:
    """The threads for one outside system."""

    def __init__(
        self, name: str, call_s: float, *, at_once: int = 4, most_hung: int = 4, most_waiting: int = 1000
    ) -> None:  # fmt: skip
        """`call_s`: how long a call may take with its wait, where it isn't said.

        `at_once` calls run; `most_hung` may hang before others are refused.
        """
        self.name, self.call_s = name, call_s
        self._at_once, self._most_hung, self._most_waiting = at_once, most_hung, most_waiting
        self._lock = threading.Lock()
        self._waiting: deque[LaneCall] = deque()
        self._running: set[LaneCall] = set()
        self._timed_out = self._refused = 0
        _lanes.add(self)

    async def call(self, work: Callable[[], _T], within_s: float | None = None) -> _T:
        """Run a blocking call; raises what it raises, or LaneUnavailable.

        A caller that is cancelled leaves its call behind as one that hangs.
        """
        within_s = self.call_s if within_s is None else within_s
        call = self.start(work, within_s)
        answer = asyncio.wrap_future(call.future)
        try:
            await asyncio.wait([answer], timeout=within_s)
            if answer.done():
                result: _T = answer.result()
                return result
            self._timed_out += 1
        finally:
            if not answer.done():
                self._give_up(call)
                answer.cancel()
        raise LaneTimeout(f"no answer within {within_s:.3g} s")

    async def read(
        self, work: Callable[[], _T], passing: type[Exception], within_s: float | None = None
    ) -> _T:
        """The same for a call that changes nothing: after `passing` it is tried again within its time."""
        within_s = self.call_s if within_s is None else within_s
        again_until, until = monotonic() + within_s / 2, monotonic() + within_s
        tries = AsyncRetrying(
            retry=retry_if_exception_type(passing),
            stop=lambda tried: tried.attempt_number == _TRIES or monotonic() > again_until,
            wait=wait_random_exponential(multiplier=0.2, max=2),
            reraise=True,
        )

        async def once() -> _T:
            return await self.call(work, max(0.0, until - monotonic()))

        return await tries(once)

    def start(self, work: Callable[[], Any], within_s: float) -> LaneCall:
        """Run a blocking call that nobody waits for, from any thread; raises LaneFull."""
        call = LaneCall(work, monotonic() + within_s)
        with self._lock:
            self._waiting.append(call)
            if len(self._waiting) > self._most_waiting:
                self._refuse(self._waiting.pop(), f"{self._most_waiting} calls wait already")
            self._fill()
        if call.future.done() and isinstance(call.future.exception(), LaneFull):
            call.future.result()
        return call

    def state(self) -> LaneState:
        """What it has in hand now."""
        with self._lock:
            hung, now = self._hung(), monotonic()
            since = min((call.until for call in hung), default=now)
            return LaneState(
                name=self.name,
                in_use=len(self._running) - len(hung),
                waiting=len(self._waiting),
                hung=len(hung),
                hung_since=datetime.now(UTC) - timedelta(seconds=now - since) if hung else None,
                is_open=len(hung) >= self._most_hung,
                timed_out=self._timed_out,
                refused=self._refused,
            )

    def _hung(self) -> list[LaneCall]:
        now = monotonic()
        return [call for call in self._running if call.until <= now]

    def _fill(self) -> None:
        """Begin what waits as far as there is room, or refuse all of it; with the lock."""
        hung = self._hung()
        while self._waiting and len(hung) >= self._most_hung:
            since = monotonic() - min(call.until for call in hung)
            self._refuse(self._waiting.popleft(), f"{len(hung)} calls hang since {since:.0f} s")
        while self._waiting and len(self._running) - len(hung) < self._at_once:
            call = self._waiting.popleft()
            if call.future.set_running_or_notify_cancel():
                name = f"lane {self.name}"
                threading.Thread(target=self._run, args=(call,), name=name, daemon=True).start()
                self._running.add(call)

    def _refuse(self, call: LaneCall, why: str) -> None:
        self._refused += 1
        if call.future.set_running_or_notify_cancel():
            call.future.set_exception(LaneFull(why))

    def _give_up(self, call: LaneCall) -> None:
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
            elif call in self._running:
                call.until = min(call.until, monotonic())
                _log.warning("lane %s: a call is given up, its thread hangs", self.name)
            self._fill()

    def _run(self, call: LaneCall) -> None:
        try:
            result, fault = call.context.run(call.work), None
        except BaseException as raised:  # as its caller's: nothing else hears of it
            result, fault = None, raised
        with self._lock:
            self._running.discard(call)
            if call.until <= monotonic():
                _log.info("lane %s: a call that hung has come back", self.name)
            self._fill()
        if fault is None:
            call.future.set_result(result)
        else:
            call.future.set_exception(fault)


class CallLane:
    """The calls to one outside system that don't block a thread, such as HTTP: so many at once, each with a deadline.

    After `most_failed` calls in a row that got no answer it is open: it refuses calls, but for one in `probe_s`.
    """

    def __init__(
        self, name: str, call_s: float, *, at_once: int = 4, most_failed: int = 5, probe_s: float = 60.0
    ) -> None:  # fmt: skip
        self.name, self.call_s = name, call_s
        self._most_failed, self._probe_s = most_failed, probe_s
        self._room = asyncio.Semaphore(at_once)
        self._running = self._waiting = self._failed = self._timed_out = self._refused = 0
        self._probe_at = 0.0
        _lanes.add(self)

    @asynccontextmanager
    async def enter(
        self, passing: tuple[type[Exception], ...], within_s: float | None = None
    ) -> AsyncIterator[None]:
        """Room for one call and its deadline; `passing` is what it raises where there was no answer.

        Raises LaneTimeout, and LaneFull while the lane is open.
        """
        within_s = self.call_s if within_s is None else within_s
        self._refuse_while_open()
        try:
            async with asyncio.timeout(within_s):
                await self._wait_for_room()
                try:
                    yield
                finally:
                    self._running -= 1
                    self._room.release()
        except TimeoutError as error:
            self._timed_out += 1
            self._note_failure()
            raise LaneTimeout(f"no answer within {within_s:.3g} s") from error
        except passing:
            self._note_failure()
            raise
        except Exception:  # a refusal is an answer, too
            self._failed = 0
            raise
        self._failed = 0

    def state(self) -> LaneState:
        """What it has in hand now; nothing of it hangs, since such calls can be ended."""
        return LaneState(
            name=self.name,
            in_use=self._running,
            waiting=self._waiting,
            hung=0,
            hung_since=None,
            is_open=self._failed >= self._most_failed,
            timed_out=self._timed_out,
            refused=self._refused,
        )

    async def _wait_for_room(self) -> None:
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        self._running += 1

    def _refuse_while_open(self) -> None:
        if self._failed < self._most_failed:
            return
        if (left_s := self._probe_at - monotonic()) > 0:
            self._refused += 1
            raise LaneFull(
                f"{self._failed} calls in a row got no answer; next try in {left_s:.0f} s"
            )
        self._probe_at = monotonic() + self._probe_s

    def _note_failure(self) -> None:
        self._failed += 1
        self._probe_at = monotonic() + self._probe_s


def list_lanes() -> list[LaneState]:
    """The lanes of this process, by name; those of one name, such as of a client that was made anew, as one."""
    found: dict[str, LaneState] = {}
    for lane in list(_lanes):
        state = lane.state()
        before = found.get(state.name)
        found[state.name] = _join_states(before, state) if before else state
    return [found[name] for name in sorted(found)]


def _join_states(a: LaneState, b: LaneState) -> LaneState:
    since = [each for each in (a.hung_since, b.hung_since) if each]
    return LaneState(
        name=a.name,
        in_use=a.in_use + b.in_use,
        waiting=a.waiting + b.waiting,
        hung=a.hung + b.hung,
        hung_since=min(since, default=None),
        is_open=a.is_open or b.is_open,
        timed_out=a.timed_out + b.timed_out,
        refused=a.refused + b.refused,
    )
