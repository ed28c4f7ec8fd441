"""What service admins let experiments name at batch systems."""

from collections.abc import Mapping
from dataclasses import dataclass

from db.changes import sign_as_person
from db.pool import Database, fetch_many, fetch_one
from domain.setup.batch_rules import BatchAllowance


@dataclass(frozen=True, slots=True)
class AllowanceRow:
    """One row of `batch_allowance`."""

    batch_system: str
    partitions: list[str]
    accounts: list[str]
    qos: list[str]
    accounting_group: str

    @property
    def allowance(self) -> BatchAllowance:
        """As the domain looks at it."""
        return BatchAllowance(
            partitions=self.partitions,
            accounts=self.accounts,
            qos=self.qos,
            accounting_group=self.accounting_group,
        )


COLUMNS = ", ".join(AllowanceRow.__dataclass_fields__)
OF_EXPERIMENT = (
    f"SELECT {COLUMNS} FROM batch_allowance WHERE experiment_id = $1 ORDER BY batch_system"
)


async def list_by_experiment(db: Database, experiment_id: int) -> list[AllowanceRow]:
    """What an experiment may name, by batch system."""
    return await fetch_many(db, AllowanceRow, OF_EXPERIMENT, experiment_id)


async def find_by_system(db: Database, experiment_id: int) -> Mapping[str, BatchAllowance]:
    """The same, for rules."""
    rows = await list_by_experiment(db, experiment_id)
    return {row.batch_system: row.allowance for row in rows}


PUT = f"""
    WITH saved AS (
        INSERT INTO batch_allowance (experiment_id, batch_system, partitions, accounts, qos, accounting_group)
        VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (experiment_id, batch_system) DO UPDATE
           SET partitions = excluded.partitions, accounts = excluded.accounts, qos = excluded.qos,
               accounting_group = excluded.accounting_group
        RETURNING *
    ), told AS (
        INSERT INTO change_inbox (experiment_id, kind, actor_id, part, reason, body)
        SELECT experiment_id, 'batch_allowance.saved', {sign_as_person("$7")}, NULL,
               jsonb_build_object('batch_system', batch_system, 'partitions', partitions, 'accounts', accounts,
                                  'qos', qos, 'accounting_group', accounting_group)
          FROM saved
    )
    SELECT {COLUMNS} FROM saved
"""


async def put_allowance(
    db: Database, experiment_id: int, batch_system: str, given: BatchAllowance, person_id: int
) -> AllowanceRow | None:
    """Let an experiment name these at a batch system, and nothing else."""
    lists = list(given.partitions), list(given.accounts), list(given.qos)
    return await fetch_one(
        db,
        AllowanceRow,
        PUT,
        experiment_id,
        batch_system,
        *lists,
        given.accounting_group,
        person_id,
    )


SYSTEMS = "SELECT name FROM batch_system ORDER BY name"


async def list_systems(db: Database) -> list[str]:
    """The batch systems that workers know, or have known."""
    return await fetch_many(db, str, SYSTEMS)
