"""One attempt at one unit of work, and the ways in which it stops short."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from batch.payload.command import CommandLog
from batch.payload.patience import retry_patiently

CODES = {"missing_input": 80, "no_output": 81, "bad_output": 82, "stage_out": 83, "payload": 84}
"""With what the payload ends where the command itself did not fail."""


class AttemptRefused(Exception):
    """The attempt failed for a reason of ours (see CODES), whatever the command said."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def format_current_time() -> str:
    """The time, as reports tell it."""
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017 - Python 3.9 has no datetime.UTC


class PayloadJob:
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
        self.started, self.log = format_current_time(), CommandLog("job.log")
        self.secrets: dict[str, str] = {}
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
        if "secrets.json" in retry_patiently(lambda: os.listdir(self.directory)):
            self.secrets = self._order("secrets.json")
        self.unit = self._order(f"units/{self.number}.json")
        self.inputs = self.unit.get("files") or []
        if self._carried:
            self.launch["store"] = f"{self.directory}/outputs"
            for place, file in enumerate(self.inputs):
                if not file.get("is_elsewhere"):
                    file["path"] = self._name_again(place, os.path.basename(file["path"]))

    def _name_again(self, place: int, name: str) -> str:
        """Where an input is that came with the job as `JOB.PLACE`, by its own name; it may not have come."""
        folder = os.path.join(self.directory, "inputs", str(place))
        with suppress(FileNotFoundError):
            os.makedirs(folder)
            os.rename(f"{self.directory}/{self.number}.{place}", os.path.join(folder, name))
        return os.path.join(folder, name)

    def _order(self, name: str) -> dict[str, Any]:
        path = os.path.join(self.directory, name)
        with retry_patiently(lambda: open(path, encoding="utf-8")) as file:
            order: dict[str, Any] = json.load(file)
        return order

    def journal_start(self) -> None:
        """Leave a line that this attempt was started, whatever comes of it."""
        line = {"attempt": self.attempt, "pid": os.getpid(), "host": os.uname().nodename}
        path = os.path.join(self.directory, f"starts/{self.number}.jsonl")
        fd = retry_patiently(lambda: os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644))
        os.write(fd, json.dumps({**line, "at": self.started}).encode() + b"\n")
        os.fsync(fd)
        os.close(fd)
