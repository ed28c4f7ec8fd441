"""Find out whether there is room in the places that this worker writes to, and say so to everybody."""

import os
import shutil
import socket
from functools import partial
from pathlib import Path
from time import monotonic

from db.disks import record_disk
from lanes import Lane, LaneUnavailable
from workers.tools import WorkerTools

EVERY_S, PROBE_S = 10.0, 8.0
PROBE_BYTES = 1 << 16


class DiskProbe:
    """Remembers only when it last tried."""

    def __init__(self) -> None:
        self.tried_at = float("-inf")
        self.lanes = {
            place: Lane(f"{place}:probe", PROBE_S, at_once=1, most_hung=1)
            for place in ("spool", "store")
        }

    async def step(self, tools: WorkerTools) -> bool:
        """Try each place, if it is time; never more to do at once."""
        if monotonic() - self.tried_at < EVERY_S:
            return False
        self.tried_at = monotonic()
        for place, folder in (("spool", tools.spool), ("store", tools.store)):
            probe = partial(check_disk, folder, is_made=place == "store")
            try:
                probed = await self.lanes[place].call(probe)
            except LaneUnavailable as wrong:
                probed = 0, str(wrong)
            if probed:
                await record_disk(tools.db, place, socket.gethostname(), *probed)
        return False


def check_disk(folder: Path, *, is_made: bool) -> tuple[int, str] | None:
    """Bytes that are free, and why nothing can be written; free bytes alone don't tell of quotas or read-only disks.

    None: it is not there, and is not to be made here: a spool is made, or said to be away, by workers/installation.py
    alone, since one that was made anew could not be told from another installation's.
    """
    probe = folder / f".poms-probe-{os.getpid()}"
    try:
        if is_made:
            folder.mkdir(parents=True, exist_ok=True)
        elif not folder.is_dir():
            return None
        try:
            with probe.open("wb") as file:
                file.write(bytes(PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
        return shutil.disk_usage(folder).free, ""
    except OSError as error:
        return 0, error.strerror or str(error)
