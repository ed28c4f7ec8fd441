"""What a launch script says: kept without its secrets, and read for the clusters that it has submitted."""

import asyncio
from dataclasses import dataclass, field

from db.launching import launches
from db.launching.launches import LaunchAttempt
from domain.launching.launch_scripts import OURS, ClusterId, ClusterIdListener
from domain.masking import StreamMasker
from workers.adoption import ScriptAdoption
from workers.outcomes import LaunchLost
from workers.tools import WorkerTools, log

MOST_KEPT, MOST_PIECE, TAIL = 1_000_000, 20_000, 20_000
PATIENCE_S = 10.0
"""How long until a cluster that could not be adopted is tried again."""


@dataclass(slots=True)
class ScriptOutput:
    """What a script says: it is kept as far as it may be long, and read for clusters."""

    tools: WorkerTools
    attempt: LaunchAttempt
    masker: StreamMasker
    listener: ClusterIdListener = field(default_factory=ClusterIdListener)
    _line: str = ""
    _kept_chars: int = 0
    _cut: int = 0
    _tail: str = ""
    _unsaid: list[str] = field(default_factory=list)
    cluster_ids: list[ClusterId] = field(default_factory=list)

    async def hear(self, text: str) -> None:
        """Keep it first: what was kept can be adopted by whoever takes over."""
        text = self.masker.hear(text)
        said = self._line + text
        # A line that isn't whole waits a turn.
        whole, end, rest = said.rpartition("\n")
        if not text or len(rest) >= MOST_PIECE:
            whole, end, rest = said, "", ""
        self._line = rest
        await self._keep(whole + end)
        self.cluster_ids += self.listener.hear(text)

    async def end(self) -> None:
        """Keep what was not whole, and the end of what was too long."""
        await self._keep(self._line + self.masker.end())
        if self._cut:
            await self._say(f"{OURS}{self._cut - len(self._tail)} characters are left out here.")
            await self._say(self._tail)

    async def _keep(self, text: str) -> None:
        while text and self._kept_chars < MOST_KEPT:
            cut = text.rfind("\n", 0, MOST_PIECE) + 1 if len(text) > MOST_PIECE else len(text)
            piece, text = text[: cut or MOST_PIECE], text[cut or MOST_PIECE :]
            self._kept_chars += len(piece)
            await self._say(piece.removesuffix("\n"))
        if text and not self._cut:
            await self._say(f"{OURS}It says more than is kept: of the rest only the end will be.")
        self._cut += len(text)
        self._tail = (self._tail + text)[-TAIL:]

    async def _say(self, text: str) -> None:
        """What can't be kept now is kept with what comes next."""
        self._unsaid.append(text)
        try:
            while self._unsaid:
                await launches.append_log(self.tools.db, self.attempt, self._unsaid[0])
                self._unsaid.pop(0)
        except Exception as error:
            log.warning("a launch script's output has to wait: %s", error)

    async def adopt(self) -> None:
        """Adopt what was found, again and again until somebody stops it; what fails is tried again."""
        adoption = ScriptAdoption(self.tools, self.attempt)
        while True:
            pause = 0.1
            while self.cluster_ids:
                try:
                    await adoption.adopt_named(self.cluster_ids[0])
                except LaunchLost:
                    return
                except Exception as error:
                    log.warning("submission %s: %s", self.attempt.submission_id, error)
                    pause = PATIENCE_S
                    break
                self.cluster_ids.pop(0)
            await asyncio.sleep(pause)
