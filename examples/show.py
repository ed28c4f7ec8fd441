"""What the example shows in a terminal: a live line per stage, and the table at the end."""

import sys
import time
from typing import Any

WIDTH = 24
PLAIN_EVERY_S = 5.0


class Board:
    """Lines that are drawn over each other on a terminal, and now and then below each other elsewhere."""

    def __init__(self) -> None:
        self.drawn = 0
        self.last: float | None = None

    def show(self, stages: list[Any], *, at_once: bool = False) -> None:
        """Draw a line per stage."""
        terminal = sys.stdout.isatty()
        now = time.monotonic()
        soon = self.last is not None and now - self.last < PLAIN_EVERY_S
        if soon and not terminal and not at_once:
            return
        self.last = now
        if terminal and self.drawn:
            sys.stdout.write(f"\x1b[{self.drawn}F\x1b[J")
        lines = [line(stage) for stage in stages]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        self.drawn = len(lines)

    def say(self, text: str) -> None:
        """Say something between the lines."""
        print(text, flush=True)
        self.drawn = 0


def line(stage: dict[str, Any]) -> str:
    """One stage: a bar of its jobs, and how many are where."""
    total = max(stage["jobsTotal"], 1)
    done = round(WIDTH * stage["jobsSucceeded"] / total)
    failed = round(WIDTH * stage["jobsFailed"] / total)
    bar = "█" * done + "▒" * failed + "·" * (WIDTH - done - failed)
    return (
        f"{stage['name']:12} {bar} {stage['jobsSucceeded']:4}/{stage['jobsTotal']:<4} jobs"
        f"  {stage['jobsRunning']:2} running {stage['jobsFailed']:3} failed"
        f"  {stage['outputsLocated']:4} files {stage['eventsLocated']:6} events"
    )


HEAD = (
    "stage",
    "launches",
    "inputs",
    "done",
    "left",
    "jobs",
    "failed",
    "files",
    "missing",
    "events",
    "CPU",
)


def table(stages: list[Any], seconds: float) -> None:
    """Account for every file."""
    rows = [row(stage) for stage in stages]
    widths = [max(len(str(r[n])) for r in [HEAD, *rows]) for n in range(len(HEAD))]
    print(f"\nAfter {seconds:.0f} s:")
    for each in [HEAD, *rows]:
        cells = [
            str(c).ljust(w) if n == 0 else str(c).rjust(w)
            for n, (c, w) in enumerate(zip(each, widths, strict=True))
        ]
        print("  ".join(cells), flush=True)


def row(stage: dict[str, Any]) -> tuple[Any, ...]:
    """One stage's account; an input that failed and was done by a recovery is done."""
    inputs = (
        stage["filesWaiting"]
        + stage["filesDelivered"]
        + stage["filesConsumed"]
        + stage["filesSkipped"]
    )
    efficiency = stage["cpuEfficiency"]
    return (
        stage["name"],
        stage["submissionsTotal"],
        inputs - stage["filesFailed"],
        stage["filesDone"],
        inputs - stage["filesFailed"] - stage["filesDone"],
        stage["jobsTotal"],
        stage["jobsFailed"],
        stage["outputsLocated"],
        stage["outputsDeclared"],
        stage["eventsLocated"],
        "-" if efficiency is None else f"{efficiency:.0%}",
    )
