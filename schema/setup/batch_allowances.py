"""What an experiment may name at batch systems, as a client sees it."""

from typing import Annotated

import strawberry

from db.setup import batch_allowances
from domain.setup.batch_rules import BatchAllowance as Wanted
from door.describe import declare_input_type, declare_object_type
from schema.problems import Invalid, MutationProblem


@declare_object_type
class BatchAllowance:
    """What an experiment's stages may name at one batch system; the first of each is for stages that name none."""

    batch_system: str
    """Where."""
    partitions: list[str]
    """Slurm: partitions."""
    accounts: list[str]
    """Slurm: accounts."""
    qos: list[str]
    """Slurm: qualities of service."""
    accounting_group: str
    """HTCondor: the group on whose account jobs go; empty: the pool's default."""

    @classmethod
    def of(cls, row: batch_allowances.AllowanceRow) -> "BatchAllowance":
        """Show a row."""
        return cls(
            batch_system=row.batch_system,
            partitions=row.partitions,
            accounts=row.accounts,
            qos=row.qos,
            accounting_group=row.accounting_group,
        )


@declare_input_type
class SetBatchAllowanceInput:
    """What an experiment's stages may name at one batch system from now on; what is left out, nothing of."""

    experiment: str
    """The experiment's name."""
    batch_system: str
    """Where."""
    partitions: list[str] = strawberry.field(default_factory=list)
    """Slurm: partitions; the first is for stages that name none."""
    accounts: list[str] = strawberry.field(default_factory=list)
    """Slurm: accounts; likewise."""
    qos: list[str] = strawberry.field(default_factory=list)
    """Slurm: qualities of service; likewise."""
    accounting_group: str = ""
    """HTCondor: the group on whose account jobs go; empty: the pool's default."""

    @property
    def definition(self) -> Wanted:
        """As the domain checks it."""
        return Wanted(
            partitions=self.partitions,
            accounts=self.accounts,
            qos=self.qos,
            accounting_group=self.accounting_group,
        )


SetBatchAllowanceResult = Annotated[
    BatchAllowance | MutationProblem | Invalid,
    strawberry.union("SetBatchAllowanceResult"),
]
