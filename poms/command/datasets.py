"""`poms dataset`: files go into a dataset as a stream, however many they are."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from poms.client import Client, expect_result, find_next_cursor, iterate_pages
from poms.command.console import CommandConsole, ExitCode, make_table
from poms.command.listing import (
    ListedFile,
    ListingProblem,
    list_local_files,
    list_refused,
    read_csv_rows,
    read_json_lines,
    read_listing,
)
from poms.generated.add_files import AddFilesAddFilesFilesAdded as Added
from poms.generated.check_dataset_files import (
    CheckDatasetFilesCheckDatasetFilesFileCheck as Checked,
)
from poms.generated.create_dataset import CreateDatasetCreateDatasetDataset as Created
from poms.generated.dataset_files import DatasetFilesDatasetNamedFilesNodes as FoundFile
from poms.generated.datasets import DatasetsDatasetsNodes as Dataset
from poms.generated.fragments import FileCheckPart
from poms.generated.mark_files import MarkFilesMarkFilesFilesMarked as Marked
from poms.transport import OperationRefused

app = typer.Typer(no_args_is_help=True, help="Make datasets, and put files into them.")
AT_ONCE = 1000
LOOK_EVERY_S = 0.5
MOST_SHOWN = 20


@dataclass(slots=True)
class AddReport:
    """What became of the lines."""

    added: int = 0
    already_there: int = 0
    known: list[dict[str, object]] = field(default_factory=list)
    """Files that POMS had, with what of each was filled in."""
    refused: list[ListingProblem] = field(default_factory=list)


@app.command("add")
def add_files(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="EXPERIMENT/DATASET; made when it is not there.")],
    globs: Annotated[
        list[str] | None, typer.Argument(help="Files that are here, such as '/data/run7/*.root'.")
    ] = None,
    jsonl: Annotated[Path | None, typer.Option(help="A JSON object per line; - is stdin.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="With a line of names first; - is stdin.")
    ] = None,
    listing: Annotated[
        Path | None,
        typer.Option(
            help="A path, an address or a name per line, or a listing of SAM or Rucio; - is stdin."
        ),
    ] = None,
    catalog: Annotated[
        str | None, typer.Option(help="Which outside catalog knows them: sam, rucio and so on.")
    ] = None,
    checksum: Annotated[
        bool, typer.Option(help="Read files that are here for their sha256.")
    ] = False,
    refused: Annotated[Path | None, typer.Option(help="Where refused lines are written.")] = None,
) -> None:
    """Put files at the end of a dataset: name and place of each, with what else is known.

    Lines that can't be are refused one by one, with why; all others go in. What is in already is left
    out, so that an upload that broke off is simply done again; what the list tells of it and POMS did not
    know is filled in, and what contradicts is refused.
    """
    console: CommandConsole = ctx.obj
    with contextlib.ExitStack() as stack:
        if sum(map(bool, (globs, jsonl, csv, listing))) != 1:
            raise typer.BadParameter("Give either files, or --jsonl, or --csv, or --listing.")
        if globs:
            given = list_local_files(globs, checksum=checksum)
        elif listing:
            given = read_listing(_open_lines(listing, stack), catalog)
        elif jsonl:
            given = read_json_lines(_open_lines(jsonl, stack), catalog)
        else:
            given = read_csv_rows(_open_lines(csv, stack), catalog)
        report = console.run(lambda api: _add_in_batches(api, name, given, console))
    _report_result(console, report, refused)


@app.command("files")
def list_files(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="EXPERIMENT/NAME, of a dataset or of what a launch works on; in a launch the NAME of %(dataset)s."
        ),
    ],
) -> None:
    """List the files that something is called: a location a line, or the name of one that has none here; with --json
    all that is known of each."""
    console: CommandConsole = ctx.obj
    found = console.run(lambda api: _find_files(api, name))
    if console.json:
        console.show(found, "")
        return
    for file in found:
        print(file.location or file.name)  # noqa: T201 - the command's answer


async def _find_files(api: Client, text: str) -> list[FoundFile]:
    read = [await _read_files(api, *way) for way in await _list_ways(api, text)]
    found = [files for files in read if files is not None]
    if not found:
        raise OperationRefused(f"There is nothing that is called {text!r}.")
    if len(found) > 1:
        raise OperationRefused(f"{text!r} is in several experiments: say EXPERIMENT/{text}.")
    return found[0]


async def _list_ways(api: Client, text: str) -> list[tuple[str, str]]:
    """How it may be meant: with an experiment's name first; in that of the launch, or in any of one's own."""
    experiment, slash, name = text.partition("/")
    said = [(experiment, name)] if slash else []
    if here := os.environ.get("POMS_EXPERIMENT"):
        return [*said, (here, text)]
    return said + [(m.experiment.name, text) for m in (await api.me()).viewer.memberships]


async def _read_files(api: Client, experiment: str, name: str) -> list[FoundFile] | None:
    """All of them; None where nothing is called so."""
    total: int | None = None

    async def page(after: str | None) -> tuple[list[FoundFile], str | None]:
        nonlocal total
        found = (await api.dataset_files(experiment, name, after)).dataset_named
        if found is None:
            return [], None
        total = found.files_total
        return list(found.files.nodes), find_next_cursor(found.files.page_info)

    files = [file async for file in iterate_pages(page)]
    if total is None:
        return None
    if len(files) < total:
        raise OperationRefused(
            f"{name} has {total} files, of which {len(files)} are there: the launch is in the archive."
        )
    return files


def _open_lines(path: Path | None, stack: contextlib.ExitStack) -> TextIO:
    if path is None or str(path) == "-":
        return sys.stdin
    if not path.is_file():
        raise typer.BadParameter(f"There is no file {path}.")
    return stack.enter_context(path.open(encoding="utf-8", newline=""))


@app.command("list")
def list_datasets(
    ctx: typer.Context,
    experiment: Annotated[str, typer.Argument(help="Whose datasets.")],
    name: Annotated[str | None, typer.Option(help="Only those whose name contains this.")] = None,
) -> None:
    """List datasets, with how much they are and what was found of their files."""
    console: CommandConsole = ctx.obj
    found = console.run(lambda api: _list_datasets(api, experiment, name))
    cells = (
        (
            d.id,
            d.name,
            d.files_total,
            f"{d.bytes_}+" if d.files_without_size else d.bytes_,
            d.files_without_size or "-",
            describe_check(d.file_check) if d.file_check else "-",
        )
        for d in found
    )
    console.show(found, make_table("id name files bytes unsized check", cells))


async def _list_datasets(api: Client, experiment: str, name: str | None) -> list[Dataset]:
    async def page(after: str | None) -> tuple[list[Dataset], str | None]:
        found = (await api.datasets(experiment, name, after)).datasets
        return found.nodes, find_next_cursor(found.page_info)

    return [each async for each in iterate_pages(page)]


@app.command("stage")
def mark_files(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="EXPERIMENT/DATASET.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of its files; without any, lines of stdin.")
    ] = None,
    tape: Annotated[bool, typer.Option("--tape", help="They are only on tape.")] = False,
) -> None:
    """Mark files as staged, so that the split `stagedfiles` takes them."""
    console: CommandConsole = ctx.obj
    given = names or [line.strip() for line in sys.stdin if line.strip()]
    marked, known, missing = console.run(lambda api: _mark_files(api, name, given, staged=not tape))
    thing = {"marked": marked, "known": known, "missing": missing}
    console.show(thing, f"{marked} marked, {known} were marked so, {len(missing)} are not in it")
    for each in [] if console.json else missing[:MOST_SHOWN]:
        console.err.print(f"{each}: not in the dataset", soft_wrap=True)
    if missing:
        console.end(ExitCode.REFUSED, f"{len(missing)} names are not in it.", is_answered=True)


async def _mark_files(
    api: Client, name: str, given: list[str], *, staged: bool
) -> tuple[int, int, list[str]]:
    dataset_id = (await _find_dataset(api, name)).id
    marked, known, missing = 0, 0, list[str]()
    for at in range(0, len(given), AT_ONCE):
        answer = await api.mark_files(dataset_id, given[at : at + AT_ONCE], staged)
        done = expect_result(answer.mark_files, Marked)
        marked, known = marked + done.marked_count, known + done.known_count
        missing += done.missing
    return marked, known, missing


@app.command("check")
def check_files(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="EXPERIMENT/DATASET.")],
    whole: Annotated[bool, typer.Option(help="All files, not a sample of 1,000.")] = False,
    wait: Annotated[float, typer.Option(help="So many seconds at most.")] = 600.0,
) -> None:
    """Have a worker look which files of a dataset are not there, are on tape, or have another size."""
    console: CommandConsole = ctx.obj
    found = console.run(lambda api: _check_files(api, name, whole=whole, wait_s=wait))
    console.show(found, describe_check(found))
    for each in [] if console.json else found.examples:
        console.err.print(f"{each.name}: {each.problem} {each.location or ''}", soft_wrap=True)
    if found.is_pending or found.trouble:
        said = found.trouble or "No worker has looked yet: ask again."
        console.end(ExitCode.NOT_WELL, said, is_answered=True)
    if found.missing or found.other_size:
        said = "Not all files are as they should be."
        console.end(ExitCode.REFUSED, said, is_answered=True)


async def _check_files(api: Client, name: str, *, whole: bool, wait_s: float) -> FileCheckPart:
    dataset = await _find_dataset(api, name)
    answer = await api.check_dataset_files(dataset.id, whole)
    found: FileCheckPart = expect_result(answer.check_dataset_files, Checked)
    until = time.monotonic() + wait_s
    while found.is_pending and time.monotonic() < until:
        await asyncio.sleep(LOOK_EVERY_S)
        found = (await _find_dataset(api, name)).file_check or found
    return found


def describe_check(found: FileCheckPart) -> str:
    """What was found of files, in a line, with its age."""
    if found.done_at is None:
        return "not looked at yet"
    of = (
        f"{found.looked} of {found.files} files"
        if found.looked < found.files
        else f"{found.files} files"
    )
    age = f", {found.age_s} s ago" if found.age_s else ""
    counts = (
        (found.missing, "not there"),
        (found.other_size, "of another size"),
        (found.on_tape, "on tape"),
        (found.unknown, "elsewhere: unknown"),
    )
    said = ", ".join(f"{number} {what}" for number, what in counts if number) or "all there"
    return f"{of} looked at{age}: {said}"


async def _find_dataset(api: Client, name: str) -> Dataset:
    experiment, dataset = split_name(name)
    for each in await _list_datasets(api, experiment, dataset):
        if each.name == dataset:
            return each
    raise OperationRefused(f"{experiment} has no dataset {dataset!r}.")


def split_name(name: str) -> tuple[str, str]:
    """Experiment and dataset of `EXPERIMENT/DATASET`."""
    experiment, slash, dataset = name.partition("/")
    if not slash:
        raise OperationRefused("Say EXPERIMENT/DATASET.")
    return experiment, dataset


async def _add_in_batches(
    api: Client, name: str, given: Iterator[ListedFile | ListingProblem], console: CommandConsole
) -> AddReport:
    experiment, dataset = split_name(name)
    dataset_id = await _ensure_dataset(api, experiment, dataset)
    report = AddReport()
    columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console.err, disable=not console.err.is_terminal) as progress:
        bar = progress.add_task("files", total=None)
        async for batch in _split_batches(given, report):
            await _put_batch(api, dataset_id, batch, report)
            progress.update(
                bar, completed=report.added + report.already_there + len(report.refused)
            )
    return report


async def _split_batches(
    given: Iterator[ListedFile | ListingProblem], report: AddReport
) -> AsyncIterator[list[ListedFile]]:
    batch: list[ListedFile] = []
    for each in given:
        if isinstance(each, ListingProblem):
            report.refused.append(each)
            continue
        batch.append(each)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def _put_batch(
    api: Client, dataset_id: str, batch: list[ListedFile], report: AddReport
) -> None:
    """Add a batch; what POMS refuses of it is reported, and the rest asked again."""
    while batch:
        answer = (await api.add_files(dataset_id, [each.file for each in batch])).add_files
        if isinstance(answer, Added):
            report.added += answer.added_count
            report.already_there += answer.known_count
            report.known += ({"name": k.name, "completed": k.completed} for k in answer.known)
            return
        wrong = list_refused(answer, batch)
        if not wrong:
            expect_result(answer, Added)
        report.refused += wrong.values()
        batch = [each for n, each in enumerate(batch) if n not in wrong]


async def _ensure_dataset(api: Client, experiment: str, name: str) -> str:
    for each in await _list_datasets(api, experiment, name):
        if each.name == name:
            return each.id
    made = await api.create_dataset(experiment, name)
    return expect_result(made.create_dataset, Created).id


def _report_result(console: CommandConsole, report: AddReport, file: Path | None) -> None:
    wrong = report.refused
    if file is not None:
        file.write_text("".join(f"{w.place}: {w.why}\n" for w in wrong))
    thing = {
        "added": report.added,
        "known": report.already_there,
        "knownFiles": report.known,
        "refused": [{"place": w.place, "why": w.why} for w in wrong],
    }
    console.show(
        thing, f"{report.added} added, {report.already_there} were there, {len(wrong)} refused"
    )
    filled = [each for each in report.known if each["completed"]]
    if filled and not console.json:
        console.err.print(f"{len(filled)} of those that were there are known better now.")
    for each in [] if console.json or file else wrong[:MOST_SHOWN]:
        console.err.print(f"{each.place}: {each.why}", soft_wrap=True)
    if wrong:
        more = (
            f" ({len(wrong) - MOST_SHOWN} more: use --refused)" if len(wrong) > MOST_SHOWN else ""
        )
        said = f"{len(wrong)} lines were refused{more}."
        console.end(ExitCode.REFUSED, said, is_answered=True)
