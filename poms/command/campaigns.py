"""`poms campaign`: what there is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from poms.client import Client, taken, where
from poms.command import names
from poms.command.desk import Desk, rows
from poms.generated.enums import StageEffect
from poms.generated.fragments import CampaignPart, FindingPart, ImportPart
from poms.generated.import_campaign import (
    ImportCampaignImportCampaignCampaignImported as Imported,
)
from poms.generated.import_campaign import (
    ImportCampaignImportCampaignCampaignImportPlanned as Planned,
)
from poms.generated.input_types import CampaignFilter, ImportCampaignInput
from poms.transport import Refused

app = typer.Typer(no_args_is_help=True, help="List campaigns, take their files up and down.")


@app.command("list")
def list_(
    ctx: typer.Context,
    experiment: Annotated[str | None, typer.Option(help="Only this experiment's.")] = None,
    name: Annotated[str | None, typer.Option(help="Only those whose name contains this.")] = None,
    inactive: Annotated[bool, typer.Option(help="Inactive ones, too.")] = False,
) -> None:
    """List campaigns."""
    desk: Desk = ctx.obj
    wanted = CampaignFilter(
        experiment=experiment, name_contains=name, active=None if inactive else True
    )
    found = desk.run(lambda api: names.campaigns(api, wanted))
    cells = (
        (
            c.id,
            f"{c.experiment.name}/{c.name}",
            c.owner.username,
            f"r{c.revision}",
            state(c),
            ", ".join(f"{s.name}:{s.unfinished}" if s.unfinished else s.name for s in c.stages),
        )
        for c in found
    )
    desk.show(found, rows("id name owner revision state stages", cells))


def state(of: CampaignPart) -> str:
    """Whether a campaign can be launched."""
    return "draft" if of.draft else "active" if of.active else "inactive"


Campaign = Annotated[str, typer.Argument(help="[EXPERIMENT/]CAMPAIGN, or campaign:42.")]
File = Annotated[
    Path, typer.Argument(help="A campaign file, POMS's .ini.", exists=True, dir_okay=False)
]
Experiment = Annotated[str, typer.Option(help="Whose campaign it shall be.")]


@app.command()
def upload(
    ctx: typer.Context,
    file: File,
    experiment: Experiment,
    comment: Annotated[str, typer.Option(help="Why, for the list of revisions.")] = "",
) -> None:
    """Make a campaign what its file says; what can't be launched becomes an inactive draft."""
    desk: Desk = ctx.obj
    done = desk.run(lambda api: _import(api, file, experiment, comment))
    desk.show(
        done, f"{done.campaign.id}: revision {done.campaign.revision}, {state(done.campaign)}"
    )
    _tell(desk, done.effect)


async def _import(api: Client, file: Path, experiment: str, comment: str) -> Imported:
    asked = _asked(file, experiment, comment=comment)
    return taken((await api.import_campaign(asked)).import_campaign, Imported)


def _asked(file: Path, experiment: str, **more: object) -> ImportCampaignInput:
    given = {"experiment": experiment, "file_name": file.name, "text": text(file)}
    return ImportCampaignInput.model_validate({**given, **more})


def text(file: Path) -> str:
    """What a file says."""
    try:
        return file.read_text()
    except UnicodeDecodeError as error:
        raise Refused(f"{file} is no text in UTF-8: {error.reason} at {error.start}.") from error


@app.command()
def diff(ctx: typer.Context, file: File, experiment: Experiment) -> None:
    """Say what `upload` would change, and change nothing."""
    desk: Desk = ctx.obj
    planned = desk.run(lambda api: _plan(api, file, experiment))
    desk.show(planned, f"{planned.name}: it would be revision {planned.revision}.")
    _tell(desk, planned)


async def _plan(api: Client, file: Path, experiment: str) -> ImportPart:
    asked = _asked(file, experiment, dry_run=True)
    return taken((await api.import_campaign(asked)).import_campaign, Planned).planned


def _tell(desk: Desk, effect: ImportPart | None) -> None:
    if effect is None:
        desk.say("It was imported with this key before.")
        return
    for change in effect.changes:
        if change.change is not StageEffect.UNCHANGED:
            fields = f" ({', '.join(change.fields)})" if change.fields else ""
            again = ", begins again" if change.starts_again else ""
            desk.say(f"stage {change.stage}: {change.change.value.lower()}{fields}{again}")
    for what, made in (("job type", effect.job_types), ("login setup", effect.login_setups)):
        for name in made:
            desk.say(f"{what} {name}: added")
    if effect.draft:
        desk.say("It can't be launched like that: it becomes an inactive draft.")
    _findings(desk, effect.findings)


def _findings(desk: Desk, found: Sequence[FindingPart]) -> None:
    for each in found:
        desk.say(f"{where(each)}: {each.level.value.lower()}: {each.message}")


@app.command()
def download(
    ctx: typer.Context,
    campaign: Campaign,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file to write; without, standard output."),
    ] = None,
) -> None:
    """Write a campaign down as its file."""
    desk: Desk = ctx.obj
    said = desk.run(lambda api: _file(api, campaign))
    if output is None:
        desk.show({"file": said}, Text(said.removesuffix("\n")))
    else:
        output.write_text(said)
        desk.say(f"Written to {output}.")


async def _file(api: Client, name: str) -> str:
    known = await names.campaign(api, name)
    found = (await api.campaign_file(known.id)).campaign
    if found is None:
        raise Refused(f"There is no {name}.")
    return found.file


@app.command()
def activate(ctx: typer.Context, campaign: Campaign) -> None:
    """Let a campaign be launched; a draft is refused with what still keeps it from that."""
    _set_active(ctx.obj, campaign, active=True)


@app.command()
def deactivate(ctx: typer.Context, campaign: Campaign) -> None:
    """Let a campaign launch nothing more; what runs goes on."""
    _set_active(ctx.obj, campaign, active=False)


def _set_active(desk: Desk, name: str, *, active: bool) -> None:
    async def set_(api: Client) -> CampaignPart:
        known = await names.campaign(api, name)
        answer = await api.set_campaign_active(known.id, active)
        return taken(answer.set_campaign_active, CampaignPart)

    done = desk.run(set_)
    desk.show(done, f"{done.name} is {state(done)}.")
