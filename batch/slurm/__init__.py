"""Slurm: jobs as arrays in the queue of one cluster, launched held, watched by one query for all of them.

`SlurmAccess` says how its programs are called, `Slurm` is the batch system. Slurm keeps no log that we could read
on: what each query tells is compared with what was known before, and the differences go into a journal of our own.
"""

from batch.slurm.access import SlurmAccess
from batch.slurm.client import Slurm

__all__ = ["Slurm", "SlurmAccess"]
