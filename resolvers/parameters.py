"""Showing what a launch of a stage would run with."""

import strawberry

from db import launchables
from domain import recovery as recoveries
from domain.names import MOST_WORD, wrong_text
from door.describe import thing
from door.pages import bad_input
from schema.context import Info
from schema.effective import EffectiveParameters
from schema.fields import reads
from schema.ids import number


@thing
class ParameterQueries:
    """Looking at what a launch would run with."""

    @reads()
    async def effective_parameters(
        self,
        info: Info,
        stage_id: strawberry.ID,
        *,
        is_test: bool = False,
        recovery: int | None = None,
        parameter: str | None = None,
    ) -> EffectiveParameters | None:
        """What a launch of a stage by you would run with now: layer by layer, and the whole command.

        With `isTest` of a test launch; with `recovery` of that entry, from 1, of the stage's recoveries;
        `parameter` is what `%(parameter)s` shall stand for, where a split makes some.
        """
        if parameter is not None and wrong_text(parameter, MOST_WORD):
            raise bad_input(f"parameter has at most {MOST_WORD} characters.")
        id = number(stage_id, "stage")
        row = await info.context.load.stage.load(id) if id else None
        if row is None or not info.context.viewer.sees(row.experiment_id):
            return None
        stage = await launchables.by_stage(info.context.db, row.id, is_test=is_test)
        if stage is None:
            return None
        entries = recoveries.entries(stage.recoveries)
        if recovery is not None and not 1 <= recovery <= len(entries):
            raise bad_input(f"The stage has {len(entries)} recoveries; recovery counts from 1.")
        overrides = entries[recovery - 1].overrides if recovery is not None else None
        of = stage.ingredients(is_test=is_test, recovery=overrides)
        person = await launchables.username(info.context.db, info.context.viewer.person_id)
        return EffectiveParameters.of(of, parameter=parameter, person=person)
