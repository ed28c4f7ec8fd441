"""What every resolver is handed."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Self
from uuid import uuid4

import strawberry

import auth
from auth import Viewer
from db.changes import Change
from db.pool import Pool
from domain.people import Role
from door.context import Progress
from feed import Feed
from schema.loads import Loads


@dataclass(frozen=True, slots=True)
class House:
    """What one process has opened: the same for everybody who asks."""

    db: Pool
    viewers: auth.Viewers
    feed: Feed[Change]
    store: Path
    ring: Callable[[], Awaitable[None]]
    """Tell the other processes that something was committed; bounded, never raises."""
    enqueue: Callable[[str, int, int], Awaitable[None]]
    """Hand (function, submission id, attempt) to a worker; bounded, never raises, may be lost."""


class Context(Progress):
    """One viewer asking one thing."""

    def __init__(self, house: House, viewer: Viewer, request_id: str | None = None) -> None:
        self.house, self._viewer, self._shared = house, viewer, False
        self.request_id = request_id or uuid4().hex

    @property
    def viewer(self) -> Viewer:
        """Who asks, with the roles of now; a shared run keeps those that it was begun with.

        Whose roles change is thrown out of what is open, so that nobody goes on listening to it.
        """
        return self._viewer if self._shared else self.house.viewers.now(self._viewer)

    @property
    def db(self) -> Pool:
        """The database."""
        return self.house.db

    @property
    def store(self) -> Path:
        """The only folder in which the embedded catalog looks for files."""
        return self.house.store

    @property
    def feed(self) -> Feed[Change]:
        """The changes of this process's one feed."""
        return self.house.feed

    @cached_property
    def load(self) -> Loads:
        """Rows by their ids, in batches; nothing is remembered."""
        return Loads(self.house.db)

    async def ring(self) -> None:
        """Tell the other processes that something was committed: after the commit, never before."""
        await self.house.ring()

    async def enqueue(self, function: str, submission_id: int, attempt: int) -> None:
        """Hand the next step of a submission to a worker; it may be lost, the sweep finds it."""
        await self.house.enqueue(function, submission_id, attempt)

    def allows(
        self,
        action: str,
        experiment_id: int | None,
        owner_id: int | None = None,
        owning_role: Role | None = None,
    ) -> bool:
        """Whether this viewer may do it to an item with that owner and owning role."""
        return auth.may(self.viewer, action, experiment_id, owner_id, owning_role)

    @property
    def signed_in(self) -> bool:
        """Always: nothing is answered to anybody else."""
        return True

    @property
    def expires_at(self) -> datetime | None:
        """When the viewer's token ends."""
        return self._viewer.expires_at

    @property
    def scope(self) -> Hashable:
        """Whose subscriptions may share a run: those to whom the same is visible and allowed."""
        viewer = self.viewer.anybody
        return viewer.person_id, viewer.is_admin, tuple(sorted(viewer.roles.items()))

    def may(self, action: str) -> bool:
        """Whether the viewer could do this to anything at all."""
        return auth.may_at_all(self.viewer, action)

    def alone(self) -> Self:
        """The same viewer with a fresh context."""
        return type(self)(self.house, self.viewer)

    def be_anybody(self) -> None:
        """From here on this is a run that others may join: nothing in it is one person's alone."""
        self._viewer, self._shared = self.viewer.anybody, True


Info = strawberry.Info[Context, None]
