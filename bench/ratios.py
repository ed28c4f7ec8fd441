"""What was measured, as ratios: the median over rounds in which ours and the peer took turns."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RatioLine:
    """Ours against a peer, round by round, in the same unit; more is better."""

    name: str
    ours: Sequence[float]
    peer: Sequence[float]
    unit: str
    aim: float | None = None
    """The least ratio that we want; None where it is only told."""
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """Each round's ratio."""
        return [a / b for a, b in zip(self.ours, self.peer, strict=True)]

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return statistics.median(self.ratios)

    @property
    def missed(self) -> bool:
        """Whether it is less than what we want."""
        return self.aim is not None and self.ratio < self.aim

    def __str__(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        ours, peer = statistics.median(self.ours), statistics.median(self.peer)
        aim = "" if self.aim is None else f", aim {self.aim:g}{' MISSED' if self.missed else ''}"
        note = f"; {self.note}" if self.note else ""
        return (
            f"{self.name}: ratio {self.ratio:.2f} ({low:.2f} to {high:.2f}{aim}); "
            f"ours {ours:,.0f}, peer {peer:,.0f} {self.unit}{note}"
        )
