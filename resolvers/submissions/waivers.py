"""Waiving inputs that are not done and that nobody wants any more."""

import strawberry

from db.submissions import waivers
from db.submissions.waivers import WaiverScope
from domain.names import check_reason
from door.describe import declare_object_type
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import STAGE, SUBMISSION, find_allowed
from schema.context import Info
from schema.ids import parse_node_id
from schema.problems import Invalid, NotFound, NotPermitted
from schema.submissions.accounts import Account, load_family_account, load_stage_account
from schema.submissions.waivers import InputsWaived, WaiveInputsInput, WaiveInputsResult

MOST_FILES = 1000


@declare_object_type
class WaiverMutations:
    """Waiving inputs."""

    @declare_mutation("operate")
    async def waive_inputs(self, info: Info, input: WaiveInputsInput) -> WaiveInputsResult:  # noqa: A002
        """Say that nobody wants inputs done any more that are owed or lost: they are counted as waived.

        No recovery takes them. A later launch that is given them does them all the same.
        """
        scope = await _find_scope(info, input)
        if not isinstance(scope, WaiverScope):
            return scope
        if wrong := check_reason(input.reason):
            return Invalid(message=wrong, field="reason")
        files = _parse_files(input.file_ids)
        if isinstance(files, Invalid):
            return files
        conn = await begin_change()
        person_id = info.context.viewer.person_id
        count = await waivers.waive_inputs(conn, scope, files, input.reason, person_id)
        return InputsWaived(waived_count=count, account=await _load_account(info, scope))


async def _find_scope(info: Info, given: WaiveInputsInput) -> WaiverScope | NotFound | NotPermitted:
    """Whose inputs are meant."""
    if parse_node_id(given.id, "stage") is not None:
        stage = await find_allowed(info, STAGE, given.id, "operate")
        if isinstance(stage, NotFound | NotPermitted):
            return stage
        return WaiverScope(stage_id=stage.id)
    row = await find_allowed(info, SUBMISSION, given.id, "operate")
    return row if isinstance(row, NotFound | NotPermitted) else WaiverScope(row.family)


def _parse_files(given: list[strawberry.ID] | None) -> list[int] | Invalid | None:
    """The files that are named."""
    if given is None:
        return None
    if not 1 <= len(given) <= MOST_FILES:
        return Invalid(message=f"Give from 1 to {MOST_FILES} files.", field="fileIds")
    keys = [parse_node_id(id, "file") for id in given]
    for place, (id, key) in enumerate(zip(given, keys, strict=True)):
        if key is None:
            return Invalid(message=f"{id[:50]!r} is no id of a file.", field=f"fileIds[{place}]")
    return [key for key in keys if key is not None]


async def _load_account(info: Info, scope: WaiverScope) -> Account:
    if scope.origin_id is not None:
        return await load_family_account(info, scope.origin_id)
    assert scope.stage_id is not None  # noqa: S101 - one of both is given
    return await load_stage_account(info, scope.stage_id, is_test=False)
