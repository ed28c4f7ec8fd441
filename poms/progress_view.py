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

from poms.generated.enums import AccountVerdict
from poms.generated.fragments import AccountPart, StagePart

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
    """A line per stage: a bar of its inputs, and what becomes of them."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    for width in (12, 24, 14):
        table.add_column(no_wrap=True, min_width=width)
    for stage in stages:
        account = stage.account
        bar = ProgressBar(total=max(account.given, 1), completed=account.done.count, width=24)
        table.add_row(
            stage.name,
            bar,
            f"{account.done.count}/{account.given} done",
            f"{stage.jobs_running} running",
            f"{stage.jobs_held} held" if stage.jobs_held else "",
            f"{account.owed.count} owed" if account.owed.count else "",
            f"{account.lost.count} lost",
            f"{stage.outputs_located} files",
            f"{stage.events_located} events",
        )
    return table


def make_account_table(stages: Sequence[StagePart]) -> Table:
    """What became of every input, each counted once, and of the outputs; columns that say nothing are left out."""
    rows = [build_account_row(stage) for stage in stages]
    table = Table("stage", box=box.SIMPLE_HEAD)
    shown = (
        [name for name in rows[0] if name not in RARE or any(row[name] for row in rows)]
        if rows
        else []
    )
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("comes to")
    for stage, row in zip(stages, rows, strict=True):
        cells = (str(row[name]) for name in shown)
        table.add_row(stage.name, *cells, VERDICTS[stage.account.verdict])
    return table


RARE = frozenset({"in work", "waiting", "owed", "waived", "missing"})
"""Columns that are left out where they are 0 for all stages: a line is to fit a terminal."""


def build_account_row(stage: StagePart) -> dict[str, int | str]:
    """One stage's account, as the API keeps it, by columns."""
    account, efficiency = stage.account, stage.cpu_efficiency
    return {
        "launches": account.launches,
        "given": account.given,
        "done": account.done.count,
        "%": format_percent(account.done.percent),
        "in work": account.in_work.count,
        "waiting": account.waiting.count,
        "owed": account.owed.count,
        "lost": account.lost.count,
        "waived": account.waived.count,
        "jobs": stage.jobs_total,
        "files": account.outputs_located.count,
        "missing": account.outputs_declared.count + account.outputs_refused.count,
        "events": account.events_located,
        "CPU": "-" if efficiency is None else f"{efficiency:.0%}",
    }


def format_percent(percent: float | None) -> str:
    """A share in percent: 100 only where it is all, 0 only where it is nothing."""
    if percent is None:
        return "-"
    if 0 < percent < 100:
        return f"{min(max(percent, 0.1), 99.9):.1f}"
    return f"{percent:.0f}"


VERDICTS = {
    AccountVerdict.NOTHING: "nothing launched",
    AccountVerdict.UNDER_WAY: "under way",
    AccountVerdict.DONE: "done",
    AccountVerdict.LOSSES: "done with losses",
    AccountVerdict.FAILED: "failed",
}
"""What an account comes to, in words."""


def format_state(state: str, account: AccountPart) -> str:
    """A submission's state; with what is lost of it and its recoveries, so that it does not look like success."""
    lost = f", {account.lost.count} lost" if account.lost.count else ""
    return f"{state.lower()}{lost}"
