"""The rule of `take_window` and `new_local`: slices by the times of files, one window after the other."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.campaigns.splits.queries import (
    Arguments,
    FirstTime,
    InWindow,
    SplitSource,
    Steps,
    TakenSlice,
)

DAWN = datetime(1970, 1, 1)  # noqa: DTZ001 - what a clock on the wall shows has no zone


@dataclass(frozen=True, slots=True)
class WindowClock:
    """Clocks on the wall, of a zone (None: the machine's): where days begin, and how long they are."""

    zone: ZoneInfo | None

    def display_offset(self, time: int) -> int:
        """What they show then, in seconds."""
        wall = datetime.fromtimestamp(time, self.zone).replace(tzinfo=None) - DAWN
        return wall.days * 86_400 + wall.seconds

    def back(self, wall: int, fold: int = 0) -> int:
        """When they show this, for the first or the second time."""
        then = DAWN + timedelta(seconds=wall)
        return int(then.replace(tzinfo=self.zone, fold=fold).timestamp())

    def floor(self, time: int, step: int) -> int:
        """The last whole step before then, such as midnight."""
        wall = self.display_offset(time)
        return min(time, self.back(wall - wall % step))

    def later(self, time: int, by: int) -> int:
        """When they show so much more; never earlier, on a night when they are turned back either."""
        wall = self.display_offset(time) + by
        ends = (self.back(wall), self.back(wall, fold=1), time + by)
        return next(end for end in ends if end > time)

    def start(self, time: int, window: int, first: float) -> int:
        """Of the windows one after the other from then on, the begin of the one in which `first` is."""
        begin = self.display_offset(time)
        for night in (7_200, 172_800):  # clocks are turned by an hour, and once were by a day
            whole = (self.display_offset(int(first)) - night - begin) // window
            leap = self.back(begin + whole * window) if whole > 0 else time
            if time < leap < first:
                time = leap
                break
        while (end := self.later(time, window)) < first:
            time = end
        return time


def _make_clock(arguments: Arguments, source: SplitSource) -> WindowClock:
    name = arguments["zone"] or (source.zone if arguments["localtime"] else "UTC")
    return WindowClock(ZoneInfo(name) if name else None)


def take_window(arguments: Arguments, cursor: int, source: SplitSource) -> Steps:
    """Take the files of the next window: after its begin, up to its end.

    The first begins at `firsttime`, or is the last whole one; each goes on where the one before ended.
    None begins after the last time less `fts` (by when files are known) less one window, floored to
    `round`; the window is floored to a multiple of `round`. Windows without files are skipped, not
    submitted. Files that come after their window was taken are left out: `fts` is what they have.
    """
    clock = _make_clock(arguments, source)
    window = arguments["window"] - arguments["window"] % arguments["round"]
    last = (arguments["lasttime"] or source.now) - arguments["fts"]
    bound = clock.floor(last - window, arguments["round"])
    begin = cursor or arguments["firsttime"] or bound
    if begin > bound:
        return None
    first: float | None = yield FirstTime(begin, last)
    if first is None:
        return None
    begin = clock.start(begin, window, first)
    end = clock.later(begin, window)
    if begin > bound or end > last:
        return None
    listed = yield InWindow(begin, end)
    return TakenSlice(0, 0, end, listed=listed, key=f"{begin}..{end}")
