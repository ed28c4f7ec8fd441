"""Showing what a launch of a stage would run with."""

import strawberry

from db.launching import stage_launch_view
from domain.names import MOST_WORD, check_text
from domain.setup.recovery_rules import read_recovery_rules
from domain.submissions.configuration import list_keywords
from door.describe import declare_object_type
from door.pages import make_input_error
from resolvers.nouns import STAGE, find_seen
from schema.context import Info
from schema.fields import declare_query
from schema.launching.effective_parameters import EffectiveParameters


@declare_object_type
class ParameterQueries:
    """Looking at what a launch would run with."""

    @declare_query(weight=20)
    async def effective_parameters(
        self,
        info: Info,
        id: strawberry.ID,
        *,
        is_test: bool = False,
        recovery: int | None = None,
        parameter: str | None = None,
    ) -> EffectiveParameters | None:
        """What a launch of a stage by you would run with now: layer by layer, and the whole command.

        With `isTest` of a test launch; with `recovery` of that entry, from 1, of the stage's recoveries;
        `parameter` is what `%(parameter)s` shall stand for, where a split makes some.
        """
        if parameter is not None and check_text(parameter, MOST_WORD):
            raise make_input_error(f"parameter has at most {MOST_WORD} characters.")
        row = await find_seen(info, STAGE, id)
        if row is None:
            return None
        stage = await stage_launch_view.find_by_stage(info.context.db, row.id, is_test=is_test)
        if stage is None:
            return None
        entries = read_recovery_rules(stage.recoveries)
        if recovery is not None and not 1 <= recovery <= len(entries):
            raise make_input_error(
                f"The stage has {len(entries)} recoveries; recovery counts from 1."
            )
        overrides = entries[recovery - 1].overrides if recovery is not None else None
        of = stage.ingredients(is_test=is_test, recovery=overrides)
        person = await stage_launch_view.find_username(
            info.context.db, info.context.viewer.person_id
        )
        works_on = stage.name_next_slice(is_test=is_test)
        whole = None if recovery else stage.name_whole_dataset(is_test=is_test)
        keywords = list_keywords(
            of, parameter=parameter, person=person, works_on=works_on, whole=whole
        )
        return EffectiveParameters.of(of, keywords)
