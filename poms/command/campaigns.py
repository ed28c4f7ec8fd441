"""`poms campaign`: what there is."""

from typing import Annotated

import typer

from poms.command import names
from poms.command.desk import Desk, rows
from poms.generated.input_types import CampaignFilter

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
            "active" if c.active else "inactive",
            ", ".join(f"{s.name}:{s.unfinished}" if s.unfinished else s.name for s in c.stages),
        )
        for c in found
    )
    desk.show(found, rows("id name owner revision state stages", cells))
