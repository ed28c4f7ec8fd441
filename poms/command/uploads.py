"""`poms uploads`: files that launch scripts find in `$UPLOADS`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from poms.client import Client, expect_result
from poms.command.console import CommandConsole, make_table
from poms.generated.remove_upload import RemoveUploadRemoveUploadUploadRemoved as Removed
from poms.generated.uploads import UploadsUploads as Folder
from poms.transport import OperationRefused

app = typer.Typer(
    no_args_is_help=True,
    help="Bring files for launch scripts: those of launches that you make find them in $UPLOADS.",
)
Experiment = Annotated[str, typer.Argument(help="The experiment's name.")]


@app.command("put")
def put_files(
    ctx: typer.Context,
    experiment: Experiment,
    files: Annotated[list[Path], typer.Argument(help="Files that are here.", dir_okay=False)],
    name: Annotated[
        str | None, typer.Option(help="What a single file is called there; else as it is here.")
    ] = None,
) -> None:
    """Bring files; one takes the place of what has its name. Launches that were made before keep what they had."""
    console: CommandConsole = ctx.obj
    if name is not None and len(files) != 1:
        raise typer.BadParameter("--name is for a single file.")
    if missing := [str(file) for file in files if not file.is_file()]:
        raise typer.BadParameter(f"Not a file: {', '.join(missing)}.")

    async def put_all(api: Client) -> list[dict[str, Any]]:
        return [await api.put_upload(experiment, file, name) for file in files]

    made = console.run(put_all)
    console.show(made, make_table("name size checksum", _list_cells(made)))


def _list_cells(made: list[dict[str, Any]]) -> list[list[object]]:
    return [[one["name"], one["size"], one["checksum"]] for one in made]


@app.command("list")
def list_files(ctx: typer.Context, experiment: Experiment) -> None:
    """List what you have brought, and how much more there may be."""
    console: CommandConsole = ctx.obj
    folder = console.run(lambda api: _read_folder(api, experiment))
    rows = [[f.name, f.size, f.created_at, f.checksum] for f in folder.files]
    console.show(folder, make_table("name size time checksum", rows))
    console.say(f"{folder.bytes_} of {folder.quota_bytes} bytes")


@app.command("remove")
def remove_files(
    ctx: typer.Context,
    experiment: Experiment,
    names: Annotated[list[str], typer.Argument(help="Which ones.")],
) -> None:
    """Remove some; launches that were made before have them still."""
    console: CommandConsole = ctx.obj
    gone = console.run(lambda api: _remove_named(api, experiment, names))
    console.show(gone, f"removed: {', '.join(one.name for one in gone)}")


async def _read_folder(api: Client, experiment: str) -> Folder:
    folder = (await api.uploads(experiment)).uploads
    if folder is None:
        raise OperationRefused(f"There is no experiment {experiment!r}.")
    return folder


async def _remove_named(api: Client, experiment: str, names: list[str]) -> list[Removed]:
    there = {file.name: file.id for file in (await _read_folder(api, experiment)).files}
    if missing := [name for name in names if name not in there]:
        raise OperationRefused(f"There is no upload of yours called {', '.join(missing)}.")
    return [
        expect_result((await api.remove_upload(there[name])).remove_upload, Removed)
        for name in names
    ]
