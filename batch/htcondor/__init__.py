"""HTCondor: jobs in the queue of a schedd, launched gated, watched by their event logs or by one query for all.

`HTCondorAccess` says which schedd and with whose token, `HTCondor` is the batch system. Nothing of HTCondor is loaded
into this process: its bindings work in a child of ours (`bindings`), which can be waited for and killed.
"""

from batch.htcondor.access import HTCondorAccess
from batch.htcondor.client import HTCondor

__all__ = ["HTCondor", "HTCondorAccess"]
