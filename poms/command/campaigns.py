"""`poms campaign`: what there is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from poms.client import Client, expect_result, locate_finding
from poms.command import names
from poms.command.console import CommandConsole, make_table
from poms.generated.enums import StageEffect
from poms.generated.fragments import CampaignPart, FindingPart, ImportPart
from poms.generated.import_campaign import (
    ImportCampaignImportCampaignCampaignImported as Imported,
)
from poms.generated.import_campaign import (
    ImportCampaignImportCampaignCampaignImportPlanned as Planned,
)
from poms.generated.input_types import CampaignFilter, ImportCampaignInput
from poms.transport import OperationRefused

app = typer.Typer(no_args_is_help=True, help="List campaigns, take their files up and down.")


@app.command("list")
def list_campaigns(
    ctx: typer.Context,
    experiment: Annotated[str | None, typer.Option(help="Only this experiment's.")] = None,
    name: Annotated[str | None, typer.Option(help="Only those whose name contains this.")] = None,
    inactive: Annotated[bool, typer.Option(help="Inactive ones, too.")] = False,
) -> None:
    """List campaigns."""
    console: CommandConsole = ctx.obj
    wanted = CampaignFilter(
        experiment=experiment, name_contains=name, active=None if inactive else True
    )
    found = console.run(lambda api: names.list_campaigns(api, wanted))
    cells = (
        (
            c.id,
            f"{c.experiment.name}/{c.name}",
            c.owner.username,
            f"r{c.revision}",
            describe_state(c),
            ", ".join(f"{s.name}:{s.unfinished}" if s.unfinished else s.name for s in c.stages),
        )
        for c in found
    )
    console.show(found, make_table("id name owner revision state stages", cells))


def describe_state(of: CampaignPart) -> str:
    """Whether a campaign can be launched."""
    return "draft" if of.draft else "active" if of.active else "inactive"


Campaign = Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN, or campaign:42.")]
File = Annotated[
    Path, typer.Argument(help="A campaign file, POMS's .ini.", exists=True, dir_okay=False)
]
Experiment = Annotated[str, typer.Option(help="Whose campaign it shall be.")]


@app.command("upload")
def upload_campaign(
    ctx: typer.Context,
    file: File,
    experiment: Experiment,
    comment: Annotated[str, typer.Option(help="Why, for the list of revisions.")] = "",
) -> None:
    """Make a campaign what its file says; what can't be launched becomes an inactive draft."""
    console: CommandConsole = ctx.obj
    done = console.run(lambda api: _import_campaign(api, file, experiment, comment))
    console.show(
        done,
        f"{done.campaign.id}: revision {done.campaign.revision}, {describe_state(done.campaign)}",
    )
    _report_effect(console, done.effect)


async def _import_campaign(api: Client, file: Path, experiment: str, comment: str) -> Imported:
    asked = _build_import_input(file, experiment, comment=comment)
    return expect_result((await api.import_campaign(asked)).import_campaign, Imported)


def _build_import_input(file: Path, experiment: str, **more: object) -> ImportCampaignInput:
    given = {"experiment": experiment, "file_name": file.name, "text": read_file(file)}
    return ImportCampaignInput.model_validate({**given, **more})


def read_file(file: Path) -> str:
    """What a file says."""
    try:
        return file.read_text()
    except UnicodeDecodeError as error:
        raise OperationRefused(
            f"{file} is no text in UTF-8: {error.reason} at {error.start}."
        ) from error


@app.command("diff")
def diff_campaign(ctx: typer.Context, file: File, experiment: Experiment) -> None:
    """Say what `upload` would change, and change nothing."""
    console: CommandConsole = ctx.obj
    planned = console.run(lambda api: _plan_import(api, file, experiment))
    console.show(
        planned,
        f"{planned.name}: it would {'stay' if planned.is_unchanged else 'be'} revision {planned.revision}.",
    )
    _report_effect(console, planned)


async def _plan_import(api: Client, file: Path, experiment: str) -> ImportPart:
    asked = _build_import_input(file, experiment, dry_run=True)
    return expect_result((await api.import_campaign(asked)).import_campaign, Planned).planned


def _report_effect(console: CommandConsole, effect: ImportPart | None) -> None:
    if effect is None:
        console.say("It was imported with this key before.")
        return
    if effect.is_unchanged:
        console.say("It is so already: no revision is made.")
    for change in effect.changes:
        if change.change is not StageEffect.UNCHANGED:
            fields = f" ({', '.join(change.fields)})" if change.fields else ""
            again = ", begins again" if change.starts_again else ""
            console.say(f"stage {change.stage}: {change.change.value.lower()}{fields}{again}")
    for what, made in (("job type", effect.job_types), ("login setup", effect.login_setups)):
        for name in made:
            console.say(f"{what} {name}: added")
    if effect.draft:
        console.say("It can't be launched like that: it becomes an inactive draft.")
    _report_findings(console, effect.findings)


def _report_findings(console: CommandConsole, found: Sequence[FindingPart]) -> None:
    for each in found:
        console.say(f"{locate_finding(each)}: {each.level.value.lower()}: {each.message}")


@app.command("download")
def download_campaign(
    ctx: typer.Context,
    campaign: Campaign,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write; without, standard output."),
    ] = None,
) -> None:
    """Write a campaign down as its file."""
    console: CommandConsole = ctx.obj
    said = console.run(lambda api: _fetch_campaign_file(api, campaign))
    if output is None and (console.json or console.out.is_terminal):
        console.show({"file": said}, said.removesuffix("\n"))
    elif output is None:
        print(said, end="")  # noqa: T201 - whole, as it would be in the file
    else:
        output.write_text(said)
        console.say(f"Written to {output}.")


async def _fetch_campaign_file(api: Client, name: str) -> str:
    known = await names.find_campaign(api, name)
    found = (await api.campaign_file(known.id)).campaign
    if found is None:
        raise OperationRefused(f"There is no {name}.")
    return found.file


@app.command("activate")
def activate_campaign(ctx: typer.Context, campaign: Campaign) -> None:
    """Let a campaign be launched; a draft is refused with what still keeps it from that."""
    _set_active(ctx.obj, campaign, active=True)


@app.command("deactivate")
def deactivate_campaign(ctx: typer.Context, campaign: Campaign) -> None:
    """Let a campaign launch nothing more; what runs goes on."""
    _set_active(ctx.obj, campaign, active=False)


def _set_active(console: CommandConsole, name: str, *, active: bool) -> None:
    async def set_(api: Client) -> CampaignPart:
        known = await names.find_campaign(api, name)
        answer = await api.set_campaign_active(known.id, active)
        return expect_result(answer.set_campaign_active, CampaignPart)

    done = console.run(set_)
    console.show(done, f"{done.name} is {describe_state(done)}.")
