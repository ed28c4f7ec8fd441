"""What a campaign looks like in a terminal: a live line per stage, and a table that accounts for every file."""

import re
import sys
import time
from collections.abc import Sequence
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from poms.generated.fragments import StagePart

PLAIN_EVERY_S, WIDTH = 5.0, 120
"""How often, and how wide, lines are that go into a file or a pipe."""


STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that steer a terminal, or turn a line's direction."""


class PlainConsole(Console):
    """A terminal to which names, messages and logs are text: neither markup nor escape sequences."""

    def __init__(self, **given: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **given)

    def render_str(self, text: str, **given: Any) -> Text:
        """Every string comes through here, those in the cells of tables too."""
        plain = STEERING.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
        return super().render_str(plain, **given)


def make_terminal() -> Console:
    """Standard output, as wide as it is; wide enough where it is a file or a pipe."""
    return PlainConsole(width=None if sys.stdout.isatty() else WIDTH)


class ProgressView:
    """A line per stage: drawn anew on a terminal, written now and then elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or make_terminal()
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._written: float | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, stages: Sequence[StagePart]) -> None:
        """Draw how far the stages are."""
        if self.console.is_terminal:
            self._live.update(make_progress_table(stages), refresh=True)
        elif self._written is None or time.monotonic() - self._written > PLAIN_EVERY_S:
            self._written = time.monotonic()
            self.console.print(make_progress_table(stages))


def make_progress_table(stages: Sequence[StagePart]) -> Table:
    """A line per stage: a bar of its jobs, and how many are where."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for width in (12, 24, 14):
        table.add_column(no_wrap=True, min_width=width)
    for stage in stages:
        bar = ProgressBar(total=max(stage.jobs_total, 1), completed=stage.jobs_succeeded, width=24)
        table.add_row(
            stage.name,
            bar,
            f"{stage.jobs_succeeded}/{stage.jobs_total} jobs",
            f"{stage.jobs_running} running",
            f"{stage.jobs_held} held" if stage.jobs_held else "",
            f"{stage.jobs_failed} failed",
            f"{stage.outputs_located} files",
            f"{stage.events_located} events",
        )
    return table


HEAD = ["launches", "inputs", "done", "left", "jobs", "failed", "files", "missing", "events", "CPU"]


def make_account_table(stages: Sequence[StagePart]) -> Table:
    """What became of every file."""
    table = Table("stage", box=box.SIMPLE_HEAD)
    for name in HEAD:
        table.add_column(name, justify="right")
    for stage in stages:
        table.add_row(stage.name, *map(str, build_account_row(stage)))
    return table


def build_account_row(stage: StagePart) -> tuple[int | str, ...]:
    """One stage's account; an input that failed and was done by a recovery is done."""
    inputs = stage.files_waiting + stage.files_delivered + stage.files_consumed
    wanted = inputs + stage.files_skipped - stage.files_failed
    efficiency = stage.cpu_efficiency
    return (
        stage.submissions_total,
        wanted,
        stage.files_done,
        wanted - stage.files_done,
        stage.jobs_total,
        stage.jobs_failed,
        stage.outputs_located,
        stage.outputs_declared + stage.outputs_refused,
        stage.events_located,
        "-" if efficiency is None else f"{efficiency:.0%}",
    )
