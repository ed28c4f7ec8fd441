"""`poms dataset`: files go into a dataset as a stream, however many they are."""

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from poms.client import Client, following, pages, taken
from poms.command import listing
from poms.command.desk import Code, Desk
from poms.command.listing import Given, Wrong
from poms.generated.add_files import AddFilesAddFilesFilesAdded as Added
from poms.generated.create_dataset import CreateDatasetCreateDatasetDataset as Created
from poms.generated.datasets import DatasetsDatasetsNodes as Dataset
from poms.transport import Refused

app = typer.Typer(no_args_is_help=True, help="Make datasets, and put files into them.")
AT_ONCE = 1000
MOST_SHOWN = 20


@dataclass(slots=True)
class Report:
    """What became of the lines."""

    added: int = 0
    known: int = 0
    refused: list[Wrong] = field(default_factory=list)


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="EXPERIMENT/DATASET; made when it is not there.")],
    globs: Annotated[
        list[str] | None, typer.Argument(help="Files that are here, such as '/data/run7/*.root'.")
    ] = None,
    jsonl: Annotated[Path | None, typer.Option(help="A JSON object per line; - is stdin.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="With a line of names first; - is stdin.")
    ] = None,
    checksum: Annotated[
        bool, typer.Option(help="Read files that are here for their sha256.")
    ] = False,
    refused: Annotated[Path | None, typer.Option(help="Where refused lines are written.")] = None,
) -> None:
    """Put files at the end of a dataset: name, size and location of each, with what else is known.

    Lines that can't be are refused one by one, with why; all others go in. What is in already is left
    out, so that an upload that broke off is simply done again.
    """
    desk: Desk = ctx.obj
    with contextlib.ExitStack() as stack:
        given = _given(globs or [], jsonl, csv, stack, checksum=checksum)
        report = desk.run(lambda api: _add(api, name, given, desk))
    _tell(desk, report, refused)


def _given(
    globs: list[str],
    jsonl: Path | None,
    csv: Path | None,
    stack: contextlib.ExitStack,
    *,
    checksum: bool,
) -> Iterator[Given | Wrong]:
    if sum(map(bool, (globs, jsonl, csv))) != 1:
        raise typer.BadParameter("Give either files, or --jsonl, or --csv.")
    if globs:
        return listing.here(globs, checksum=checksum)
    path = jsonl or csv
    if path is None or str(path) == "-":
        lines = sys.stdin
    elif path.is_file():
        lines = stack.enter_context(path.open(encoding="utf-8", newline=""))
    else:
        raise typer.BadParameter(f"There is no file {path}.")
    return listing.from_json(lines) if jsonl else listing.from_csv(lines)


async def _add(api: Client, name: str, given: Iterator[Given | Wrong], desk: Desk) -> Report:
    experiment, slash, dataset = name.partition("/")
    if not slash:
        raise Refused("Say EXPERIMENT/DATASET.")
    dataset_id = await _dataset(api, experiment, dataset)
    report = Report()
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=desk.err, disable=not desk.err.is_terminal) as progress:
        bar = progress.add_task("files", total=None)
        async for batch in _batches(given, report):
            await _put(api, dataset_id, batch, report)
            progress.update(bar, completed=report.added + report.known + len(report.refused))
    return report


async def _batches(given: Iterator[Given | Wrong], report: Report) -> AsyncIterator[list[Given]]:
    batch: list[Given] = []
    for each in given:
        if isinstance(each, Wrong):
            report.refused.append(each)
            continue
        batch.append(each)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def _put(api: Client, dataset_id: str, batch: list[Given], report: Report) -> None:
    """Add a batch; what POMS refuses of it is reported, and the rest asked again."""
    while batch:
        answer = (await api.add_files(dataset_id, [each.file for each in batch])).add_files
        if isinstance(answer, Added):
            report.added += answer.added
            report.known += answer.known
            return
        wrong = listing.refused(answer, batch)
        if not wrong:
            taken(answer, Added)
        report.refused += wrong.values()
        batch = [each for n, each in enumerate(batch) if n not in wrong]


async def _dataset(api: Client, experiment: str, name: str) -> str:
    async def page(after: str | None) -> tuple[list[Dataset], str | None]:
        found = (await api.datasets(experiment, name, after)).datasets
        return found.nodes, following(found.page_info)

    async for each in pages(page):
        if each.name == name:
            return each.id
    made = await api.create_dataset(experiment, name)
    return taken(made.create_dataset, Created).id


def _tell(desk: Desk, report: Report, file: Path | None) -> None:
    wrong = report.refused
    if file is not None:
        file.write_text("".join(f"{w.place}: {w.why}\n" for w in wrong))
    thing = {
        "added": report.added,
        "known": report.known,
        "refused": [{"place": w.place, "why": w.why} for w in wrong],
    }
    desk.show(thing, f"{report.added} added, {report.known} were there, {len(wrong)} refused")
    for each in [] if desk.json or file else wrong[:MOST_SHOWN]:
        desk.err.print(f"{each.place}: {each.why}", markup=False, soft_wrap=True)
    if wrong:
        more = (
            f" ({len(wrong) - MOST_SHOWN} more: use --refused)" if len(wrong) > MOST_SHOWN else ""
        )
        desk.end(Code.REFUSED, f"{len(wrong)} lines were refused{more}.")
