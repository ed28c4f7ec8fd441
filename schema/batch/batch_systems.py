"""Batch systems, as a client sees them."""

from datetime import datetime
from typing import Annotated

import strawberry

from db.batch import batch_systems
from door.describe import declare_object_type
from schema.context import Info
from schema.fields import declare_query
from schema.people.people import Person, load_person
from schema.problems import Invalid, MutationProblem


@declare_object_type
class BatchSystemPause:
    """Somebody lets nothing more be launched there; what runs there runs on."""

    at: datetime
    """Since when."""
    reason: str
    """Why."""
    person_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: batch_systems.BatchSystem) -> "BatchSystemPause | None":
        """Show that of a row, if it is paused."""
        if row.paused_by is None or row.paused_at is None:
            return None
        return cls(at=row.paused_at, reason=row.pause_reason, person_id=row.paused_by)

    @declare_query()
    async def by(self, info: Info) -> Person:
        """Who."""
        return await load_person(info, self.person_id)


@declare_object_type
class BatchSystemCircuit:
    """Launches in a row found it unavailable, so that no more are tried but one now and then."""

    open_since: datetime
    """Since when."""
    reason: str
    """What the last launch was told."""
    faults: int
    """How many found it unavailable."""
    next_try_at: datetime
    """When one launch is tried again, if it answers then; when that goes through, all are."""

    @classmethod
    def of(cls, row: batch_systems.BatchSystem) -> "BatchSystemCircuit | None":
        """Show that of a row, if it is open."""
        if row.opened_at is None or row.probe_at is None:
            return None
        return cls(
            open_since=row.opened_at, reason=row.fault, faults=row.faults, next_try_at=row.probe_at
        )


@declare_object_type
class BatchSystem:
    """Where jobs run, and how it is."""

    name: str
    """What stages call it, such as `local` or `htcondor`."""
    reachable: bool
    """Whether it answered when it was asked last; it is asked every 5 seconds."""
    since: datetime
    """Since when that is so."""
    text: str
    """What it said of itself, or why it can't be reached."""
    last_answer_at: datetime | None
    """When it answered last; null: never."""
    last_asked_at: datetime
    """When it was asked last; older than 30 seconds, and no worker looks after it."""
    slots: int
    """How many jobs it can run at once, as far as it says."""
    running: int
    """How many jobs it runs, ours and others', when it answered last."""
    queued: int
    """How many wait there."""
    proof_of_absence: str | None
    """How it can be known there that a launch left nothing behind; null: it doesn't say."""
    watched_by: str | None
    """The worker that reads what it tells of jobs; null: nobody, until one takes over."""
    read_at: datetime | None
    """When all that it had told of jobs had been read."""
    reader_lag_s: float | None
    """For how many seconds that has not been so; a few are usual, null: nothing was ever read."""
    last_event_at: datetime | None
    """The time of the last thing that it told of a job."""
    pause: BatchSystemPause | None
    """Whether somebody lets nothing be launched there: launches wait, and say so."""
    circuit: BatchSystemCircuit | None
    """Whether launches there are not tried because it was unavailable; null: they are."""

    @classmethod
    def of(cls, row: batch_systems.BatchSystem) -> "BatchSystem":
        """Show a row."""
        health = row.health
        return cls(
            name=row.name,
            reachable=row.reachable,
            since=row.since,
            text=health.get("text", ""),
            last_answer_at=row.last_answer_at,
            last_asked_at=row.last_asked_at,
            slots=health.get("slots", 0),
            running=health.get("running", 0),
            queued=health.get("queued", 0),
            proof_of_absence=health.get("proof_of_absence"),
            watched_by=row.watched_by,
            read_at=row.read_at,
            reader_lag_s=row.reader_lag_s,
            last_event_at=row.event_at,
            pause=BatchSystemPause.of(row),
            circuit=BatchSystemCircuit.of(row),
        )


PauseBatchSystemResult = Annotated[
    BatchSystem | MutationProblem | Invalid, strawberry.union("PauseBatchSystemResult")
]
ResumeBatchSystemResult = Annotated[
    BatchSystem | MutationProblem, strawberry.union("ResumeBatchSystemResult")
]
