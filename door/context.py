"""What the door needs to know of whoever asks, and what a subscription tells the door."""

from collections.abc import Callable, Hashable
from typing import Any, Protocol, Self


class NotSignedIn(Exception):
    """Nobody known stands behind the request: HTTP answers 401, a socket closes with 4403."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutOfService(Exception):
    """Nobody can be signed in now: HTTP answers 503 with Retry-After, a socket closes with 1013."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s = reason, retry_after_s


class DoorContext(Protocol):
    """One viewer asking one thing; `info.context` in every resolver."""

    position: int | None
    """Set by a log: the position of what is yielded next, or scanned through without a match."""
    live: bool
    """Set by a log once it has reached the head; what `position` says has been yielded by then."""
    resume: int | None
    """Set by the door: go on after this position, whatever the field's `after` says."""

    @property
    def request_id(self) -> str:
        """Names the request in the log and in masked errors."""

    @property
    def expires_in_s(self) -> float | None:
        """For how long the token still holds; open connections are closed then. None: for ever."""

    @property
    def scope(self) -> Hashable:
        """Everything of the viewer that a shared subscription's result may depend on."""

    def may(self, action: str) -> bool:
        """Whether the viewer's roles allow the action at all; objects are the resolver's affair."""

    def alone(self) -> Self:
        """The same viewer with a fresh context, for a run of its own."""


class RunProgress:
    """The three things a run tells and is told. Inherit it and the door hears of `live` at once.

    A context with plain attributes works too: it is then looked at after each result only.
    """

    position: int | None = None
    resume: int | None = None
    waiting: bool = False
    """The source has handed out all that it had and waits for more (kept by the door)."""
    _live: bool = False
    _hear: Callable[[], None] | None = None

    @property
    def live(self) -> bool:
        """Whether the head was reached."""
        return self._live

    @live.setter
    def live(self, value: bool) -> None:
        self._live = value
        if value and self._hear is not None:
            self._hear()

    @property
    def payer(self) -> Hashable:
        """On whose account operations and connections go; None: on nobody's."""
        return None

    def explain_outage(self, error: BaseException) -> tuple[str, dict[str, Any]] | None:
        """Message and extensions for an error that is no bug, but something that is away for a while."""
        return None

    def when_live(self, hear: Callable[[], None]) -> None:
        """Be told when the head is reached."""
        self._hear = hear
