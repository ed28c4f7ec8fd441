"""What every resolver is handed."""

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import strawberry

import auth
from auth import Viewer
from db.changes import Change
from db.outages import find_outage
from db.pool import Connection, Database
from db.reach import ApiPool, ReachingPool
from domain.permissions import Role
from domain.setup.batch_rules import BatchPolicy
from door.context import RunProgress
from feed import ChangeFeed
from schema.loads import AllLoaders


@dataclass(frozen=True, slots=True)
class AppState:
    """What one process has opened: the same for everybody who asks."""

    db: ApiPool
    viewers: auth.Viewers
    feed: ChangeFeed[Change]
    store: Path
    ring: Callable[[], Awaitable[None]]
    """Tell the other processes that something was committed; bounded, never raises."""
    enqueue: Callable[[str, int, int], Awaitable[None]]
    """Hand (function, submission id, attempt) to a worker; bounded, never raises, may be lost."""
    catalog_hosts: frozenset[str] = frozenset()
    """Hosts of outside catalogs for which the deployment vouches."""
    batch_policy: BatchPolicy = field(default_factory=BatchPolicy)
    """What the deployment lets stages ask of batch systems."""
    upload_folder: Path | None = None
    """Where uploads lie; None: nothing is uploaded."""
    upload_quota: int = 0
    """How many bytes one person's uploads in one experiment have at most."""


class Context(RunProgress):
    """One viewer asking one thing."""

    def __init__(self, app_state: AppState, viewer: Viewer, request_id: str | None = None) -> None:
        self.app_state, self._viewer, self._shared = app_state, viewer, False
        self._changing: Connection | None = None
        self.request_id = request_id or uuid4().hex[:16]
        self._runs = count(1)

    @property
    def viewer(self) -> Viewer:
        """Who asks, with the roles of now; a shared run keeps those that it was begun with.

        Whose roles change is thrown out of what is open, so that nobody goes on listening to it.
        """
        return self._viewer if self._shared else self.app_state.viewers.now(self._viewer)

    @property
    def db(self) -> Database:
        """The database, as far as the viewer sees it; while a mutation changes something, its transaction."""
        return self._changing or self.reached

    @cached_property
    def reached(self) -> ReachingPool:
        """The same, outside of such a transaction."""
        return self.app_state.db.of_experiments(lambda: self.viewer.experiments)

    @property
    def everything(self) -> ReachingPool:
        """The database with what the viewer does not see: for answers that show nothing of it."""
        return self.app_state.db.everything

    @contextmanager
    def within(self, conn: Connection) -> Iterator[None]:
        """Read and write by this connection meanwhile: one statement after the other."""
        self._changing, before = conn, self._changing
        self.__dict__.pop("load", None)
        try:
            yield
        finally:
            self._changing = before
            self.__dict__.pop("load", None)

    @property
    def store(self) -> Path:
        """The folder with a folder for each experiment's files."""
        return self.app_state.store

    @property
    def feed(self) -> ChangeFeed[Change]:
        """The changes of this process's one feed."""
        return self.app_state.feed

    @cached_property
    def load(self) -> AllLoaders:
        """Rows by their ids, in batches; nothing is remembered."""
        return AllLoaders(self.db)

    async def ring(self) -> None:
        """Tell the other processes that something was committed: after the commit, never before."""
        await self.app_state.ring()

    async def read_viewers_anew(self) -> None:
        """Have this process read at once who may do what: somebody's rights have changed."""
        self.app_state.viewers.reload_viewers()

    async def enqueue(self, function: str, submission_id: int, attempt: int) -> None:
        """Hand the next step of a submission to a worker; it may be lost, the sweep finds it."""
        await self.app_state.enqueue(function, submission_id, attempt)

    def allows(
        self,
        action: str,
        experiment_id: int | None,
        owner_id: int | None = None,
        owning_role: Role | None = None,
    ) -> bool:
        """Whether this viewer may do it to an item with that owner and owning role."""
        return auth.may_act(self.viewer, action, experiment_id, owner_id, owning_role)

    @property
    def payer(self) -> Hashable:
        """On whose account this goes: the person's, whatever role or token they use."""
        return self._viewer.person_id or None

    @property
    def now(self) -> datetime:
        """The time, by the database's clock."""
        return self.app_state.viewers.clock.now()

    @property
    def expires_in_s(self) -> float | None:
        """For how long the viewer's token still holds."""
        until = self._viewer.expires_at
        return None if until is None else (until - self.now).total_seconds()

    @property
    def scope(self) -> Hashable:
        """Whose subscriptions may share a run: those to whom the same is visible and allowed."""
        viewer = self.viewer.anybody
        rights = viewer.is_admin, tuple(sorted(viewer.roles.items())), viewer.bounds
        return viewer.person_id, *rights

    def may(self, action: str) -> bool:
        """Whether the viewer could do this to anything at all."""
        return auth.may_at_all(self.viewer, action)

    def explain_outage(self, error: BaseException) -> tuple[str, dict[str, Any]] | None:
        """What to tell of an error that is no bug: the database can't do its work for a while."""
        outage = find_outage(error)
        if outage is None:
            return None
        retry = {"cause": outage.cause.name, "retryAfterS": outage.retry_after_s}
        return outage.message, {"code": "TRY_AGAIN_LATER", **retry}

    def alone(self) -> Self:
        """The same viewer with a fresh context; its id begins with that of the connection."""
        return type(self)(self.app_state, self.viewer, f"{self.request_id}-{next(self._runs)}")

    def be_anybody(self) -> None:
        """From here on this is a run that others may join: nothing in it is one person's alone."""
        self._viewer, self._shared = self.viewer.anybody, True


Info = strawberry.Info[Context, None]
