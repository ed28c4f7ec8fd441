"""Jobs as processes of this machine, run by an independent runner: `python -m batch.local SPOOL`.

Client and runner share a folder and nothing else, so that either may be killed at any moment.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batch.local.client import LocalBatchSystem

__all__ = ["LocalBatchSystem"]


def __getattr__(name: str) -> Any:
    # The runner is this package too, and stays small only without the client's asyncio.
    if name == "LocalBatchSystem":
        from batch.local.client import LocalBatchSystem

        return LocalBatchSystem
    raise AttributeError(name)
