"""What keeps launches from a batch system: a pause, an open circuit, a rate."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAULTS = 3
"""How many launches in a row may find a batch system unavailable before others are not tried."""
PROBE_S = 30.0
"""How long until one of them is."""


@dataclass(frozen=True, slots=True)
class AdmissionState:
    """What stands before a batch system now."""

    name: str
    now: datetime
    reachable: bool
    paused_by: str | None
    pause_reason: str
    fault: str
    opened_at: datetime | None
    probe_at: datetime | None
    launch_at: datetime


@dataclass(frozen=True, slots=True)
class LaunchRate:
    """How many launches a minute, and how many of them at once after a quiet time; 0 a minute: any number."""

    per_minute: int = 0
    at_once: int = 1

    @property
    def apart(self) -> timedelta:
        """How far apart launches are at an even rate."""
        return timedelta(minutes=1) / self.per_minute if self.per_minute else timedelta()


def explain_wait(gate: AdmissionState, rate: LaunchRate) -> str | None:
    """Why a launch does not begin now, or nothing: while a circuit is open, for the one that probes."""
    if gate.paused_by is not None:
        return f"Waits: {gate.paused_by} has paused {gate.name}: {gate.pause_reason}"
    if gate.opened_at is not None and not _is_probe_due(gate):
        return f"Waits: {gate.name} is unavailable since {gate.opened_at:%Y-%m-%d %H:%M:%S} UTC: {gate.fault}"
    if gate.launch_at - gate.now > rate.apart * (rate.at_once - 1):
        return f"Waits: {gate.name} is given at most {rate.per_minute} launches a minute."
    return None


def _is_probe_due(gate: AdmissionState) -> bool:
    return gate.reachable and gate.probe_at is not None and gate.probe_at <= gate.now
