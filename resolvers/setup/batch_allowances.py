"""Reading and setting what experiments may name at batch systems."""

from db.setup import batch_allowances
from domain.names import SLUG, check_form
from door.describe import declare_object_type
from resolvers import tenants
from resolvers.mutations import begin_change, declare_mutation
from schema.context import Info
from schema.fields import declare_query
from schema.problems import Invalid, NotFound, NotPermitted
from schema.setup.batch_allowances import (
    BatchAllowance,
    SetBatchAllowanceInput,
    SetBatchAllowanceResult,
)


@declare_object_type
class BatchAllowanceQueries:
    """Reading what experiments may name at batch systems."""

    @declare_query(weight=10)
    async def batch_allowances(self, info: Info, experiment: str) -> list[BatchAllowance]:
        """What an experiment's stages may name, by batch system; of one that isn't here, nothing."""
        found = await tenants.find_visible_experiment(info, experiment)
        if found is None:
            return []
        rows = await batch_allowances.list_by_experiment(info.context.db, found.id)
        return [BatchAllowance.of(row) for row in rows]


@declare_object_type
class BatchAllowanceMutations:
    """Setting what experiments may name at batch systems."""

    @declare_mutation("admin")
    async def set_batch_allowance(
        self,
        info: Info,
        input: SetBatchAllowanceInput,  # noqa: A002
    ) -> SetBatchAllowanceResult:
        """Let an experiment's stages name these partitions, accounts and so on. Service admins may."""
        experiment = await tenants.find_experiment(info, input.experiment, "admin", "what is in")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        if said := check_form(input.batch_system, SLUG, "slurm"):
            return Invalid(message=said, field="batchSystem")
        if wrong := input.definition.wrong():
            field, said = wrong
            return Invalid(message=said, field=field)
        row = await batch_allowances.put_allowance(
            await begin_change(),
            experiment.id,
            input.batch_system,
            input.definition,
            info.context.viewer.person_id,
        )
        assert row is not None  # noqa: S101 - it was put
        return BatchAllowance.of(row)
