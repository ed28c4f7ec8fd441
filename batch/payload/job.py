"""One attempt at one unit of work, and the ways in which it stops short."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import Any

from batch.payload.command import Log

CODES = {"missing_input": 80, "no_output": 81, "bad_output": 82, "stage_out": 83, "payload": 84}
"""With what the payload ends where the command itself did not fail."""


class Refused(Exception):
    """The attempt failed for a reason of ours (see CODES), whatever the command said."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def now() -> str:
    """The time, as reports tell it."""
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017 - Python 3.9 has no datetime.UTC


class Job:
    """One attempt at one unit of work, and what is known of it so far."""

    def __init__(
        self,
        directory: str,
        number: int,
        attempt: int,
        *,
        carried: bool = False,
        command: list[str] | None = None,
    ) -> None:
        """`command`: run instead of the launch's, in jobs of launch scripts."""
        self.directory, self.number, self.attempt = directory, number, attempt
        self._carried, self._command = carried, command
        self.started, self.log = now(), Log("job.log")
        self.launch: dict[str, Any] = {}
        self.unit: dict[str, Any] = {}
        self.inputs: list[dict[str, Any]] = []
        self.fates: dict[str, tuple[str, str | None]] = {}
        self.outputs: list[dict[str, Any]] = []
        self.wall_s = self.cpu_s = self.memory_mb = 0.0

    def load(self) -> None:
        """Read what was ordered."""
        self.launch = self._order("launch.json")
        self.launch["command"] = self._command or self.launch["command"]
        self.unit = self._order(f"units/{self.number}.json")
        self.inputs = self.unit.get("files") or []
        if self._carried:
            self.launch["store"] = f"{self.directory}/outputs/{self.number}.{self.attempt}"
            for file in self.inputs:
                file["path"] = os.path.join(self.directory, os.path.basename(file["path"]))

    def _order(self, name: str) -> dict[str, Any]:
        with open(os.path.join(self.directory, name), encoding="utf-8") as file:
            order: dict[str, Any] = json.load(file)
        return order

    def journal_start(self) -> None:
        """Leave a line that this attempt was started, whatever comes of it."""
        line = {"attempt": self.attempt, "pid": os.getpid(), "host": os.uname().nodename}
        path = os.path.join(self.directory, f"starts/{self.number}.jsonl")
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(fd, json.dumps({**line, "at": self.started}).encode() + b"\n")
        os.fsync(fd)
        os.close(fd)
