"""The account of what is done, as a client sees it: the same type for whatever it is of."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from db.submissions import accounts
from domain.submissions.accounts import AccountVerdict, judge_account
from door.describe import declare_enum_type, declare_object_type
from schema.context import Info
from schema.numbers import BigInt

if TYPE_CHECKING:
    from schema.campaigns.stages import Stage

declare_enum_type(AccountVerdict)


@declare_object_type
class AccountShare:
    """A part of something, as a number and in percent of the whole that its field names."""

    count: BigInt
    """How many."""
    percent: float | None
    """In percent of the whole; null: there is nothing."""

    @classmethod
    def of(cls, count: int, whole: int) -> "AccountShare":
        """So many of so many."""
        return cls(count=count, percent=100 * count / whole if whole else None)


@declare_object_type
class Account:
    """What became of inputs (of a generator: its units), each counted once, by the last launch of its stage to which it
    was given: what a recovery or a later launch does again is its. Percent of inputs are of `given`."""

    verdict: AccountVerdict
    """What it comes to."""
    given: BigInt
    """How many inputs launches were given: the sum of the next six."""
    done: AccountShare
    """Everything was made of them."""
    in_work: AccountShare
    """In launches of which jobs run, or are held, and no job is over with them."""
    waiting: AccountShare
    """In launches that wait, or of which no job has begun."""
    owed: AccountShare
    """Not done, and a recovery may follow by itself: their launch goes on, or nothing was decided yet."""
    lost: AccountShare
    """Not done, and nothing follows by itself."""
    waived: AccountShare
    """Not done, and somebody has said that nobody wants them any more (`waiveInputs`)."""
    not_launched: BigInt | None
    """Of a stage that works on a dataset: files of it beyond `given`. Null: of what has none, or of several stages."""
    launches: int
    """Launches without their recoveries."""
    launches_located: AccountShare
    """Those whose outputs can be used, in percent of `launches`."""
    outputs: BigInt
    """Outputs that jobs have told of, those of attempts that don't count left out."""
    outputs_located: AccountShare
    """Seen where they should be, in percent of `outputs`."""
    outputs_declared: AccountShare
    """Not seen yet, in percent of `outputs`."""
    outputs_lost: AccountShare
    """Gone, in percent of `outputs`."""
    outputs_refused: AccountShare
    """There, but other files of the experiment have their names; in percent of `outputs`."""
    events_located: BigInt
    """Events in located outputs."""

    @classmethod
    def of(cls, row: accounts.Account) -> "Account":
        """Show an account."""
        outputs = (
            row.outputs_declared + row.outputs_located + row.outputs_lost + row.outputs_refused
        )
        parts = {
            name: AccountShare.of(getattr(row, f"inputs_{name}"), row.inputs_given)
            for name in ("done", "in_work", "waiting", "owed", "lost", "waived")
        }
        told = {
            name: AccountShare.of(getattr(row, name), outputs)
            for name in ("outputs_located", "outputs_declared", "outputs_lost", "outputs_refused")
        }
        files = row.dataset_files
        return cls(
            verdict=judge_account(row.tally),
            given=row.inputs_given,
            not_launched=None if files is None else max(files - row.inputs_given, 0),
            launches=row.origins,
            launches_located=AccountShare.of(row.origins_located, row.origins),
            outputs=outputs,
            events_located=row.events_located,
            **parts,
            **told,
        )


@declare_object_type
class DatasetAccount:
    """What a stage has done of what it was given."""

    stage: Annotated["Stage", strawberry.lazy("schema.campaigns.stages")]
    """The stage that works on the dataset now."""
    account: Account
    """What became of all that it was given."""


NOTHING = accounts.Account(*(0,) * 16, None)


async def load_stage_account(info: Info, stage_id: int, *, is_test: bool) -> Account:
    """The account of a stage that is visible."""
    found = await info.context.load.account_of_stage.load((stage_id, is_test))
    return Account.of(found or NOTHING)


async def load_campaign_account(info: Info, campaign_id: int, *, is_test: bool) -> Account:
    """The account of a campaign that is visible."""
    found = await info.context.load.account_of_campaign.load((campaign_id, is_test))
    return Account.of(found or NOTHING)


async def load_family_account(info: Info, origin_id: int) -> Account:
    """The account of a submission that is visible, with its recoveries."""
    found = await info.context.load.account_of_family.load(origin_id)
    return Account.of(found or NOTHING)


async def list_dataset_accounts(info: Info, dataset_id: int) -> list[DatasetAccount]:
    """The accounts of the stages that work on a dataset which is visible."""
    from schema.campaigns.stages import load_stage

    found = []
    for row in await info.context.load.stages_of_dataset.load(dataset_id):
        if stage := await load_stage(info, row.id):
            account = await load_stage_account(info, row.id, is_test=False)
            found.append(DatasetAccount(stage=stage, account=account))
    return found
