"""Batch systems, as a client sees them."""

from datetime import datetime

from db import batch_systems
from door.describe import thing


@thing
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
    heard_at: datetime | None
    """When it answered last; null: never."""
    asked_at: datetime
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

    @classmethod
    def of(cls, row: batch_systems.BatchSystem) -> "BatchSystem":
        """Show a row."""
        health = row.health
        return cls(
            name=row.name,
            reachable=row.reachable,
            since=row.since,
            text=health.get("text", ""),
            heard_at=row.heard_at,
            asked_at=row.asked_at,
            slots=health.get("slots", 0),
            running=health.get("running", 0),
            queued=health.get("queued", 0),
            proof_of_absence=health.get("proof_of_absence"),
            watched_by=row.watched_by,
            read_at=row.read_at,
            reader_lag_s=row.reader_lag_s,
            last_event_at=row.event_at,
        )
