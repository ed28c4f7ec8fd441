"""Reading datasets and their files, creating them and adding files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import strawberry

from db.files import catalogs, datasets, files
from db.files.file_checks import SETTLE_S, FileScope, ask_for_check
from db.pool import Connection
from domain import findings
from domain.changes import Actor
from domain.files.catalogs import DatasetPolicy, check_definition
from domain.files.datasets import (
    MOST_FILES,
    MOST_METADATA,
    STAGED,
    FileContradiction,
    NewFile,
    ToldFiles,
    compare_files,
    fill_file,
    list_filled_parts,
    merge_files,
)
from domain.files.datasets import check_files as wrong_files
from domain.names import MOST_NAME, RESERVED, check_name, check_text
from domain.people.experiment_folders import list_folders
from door.describe import declare_object_type
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import page_experiment_items
from resolvers.mutations import begin_change, declare_mutation
from resolvers.nouns import DATASET, FILE, find_allowed, find_seen
from schema.context import Info
from schema.fields import declare_query
from schema.files.datasets import (
    AddFilesInput,
    AddFilesResult,
    CreateDatasetInput,
    CreateDatasetResult,
    Dataset,
    FileDifference,
    FileDiffers,
    FilesAdded,
    FilesMarked,
    InvalidFiles,
    KnownFile,
    MarkFilesInput,
    MarkFilesResult,
)
from schema.files.files import File
from schema.lists import ListPart
from schema.problems import Invalid, NotFound, NotPermitted, count_problem, name_taken
from schema.setup.parameters import Finding

MOST_SLICE_NAME = 1_000
"""Longer than any name that a launch gives."""


@declare_object_type
class DatasetQueries:
    """Reading datasets and files."""

    @declare_query()
    async def datasets(
        self,
        info: Info,
        experiment: str,
        name_contains: str | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[Dataset]:
        """An experiment's datasets, by name. What launches work on is no part of the list: see `datasetNamed`."""
        part = ListPart(first, after, last, before)
        return await page_experiment_items(
            info, (experiment, name_contains), part, datasets.page, Dataset.of
        )

    @declare_query()
    async def dataset(self, info: Info, id: strawberry.ID) -> Dataset | None:
        """One dataset; its files are a list of their own."""
        row = await find_seen(info, DATASET, id)
        return None if row is None else Dataset.of(row, info)

    @declare_query()
    async def dataset_named(self, info: Info, experiment: str, name: str) -> Dataset | None:
        """What an experiment calls so: a dataset, or what one launch works on."""
        found = await tenants.find_experiment(info, experiment)
        if isinstance(found, NotFound | NotPermitted) or check_text(name, MOST_SLICE_NAME):
            return None
        row = await datasets.find_by_name(info.context.db, found.id, name)
        return None if row is None else Dataset.of(row, info)

    @declare_query()
    async def file(self, info: Info, id: strawberry.ID) -> File | None:
        """One file, with what it was made from and what was made from it."""
        row = await find_seen(info, FILE, id)
        return None if row is None else File.of(row)


@declare_object_type
class DatasetMutations:
    """Changing datasets."""

    @declare_mutation("create")
    async def create_dataset(
        self,
        info: Info,
        input: CreateDatasetInput,  # noqa: A002
    ) -> CreateDatasetResult:
        """Make a dataset: empty, or of what a catalog outside of ours has.

        It is yours, owned in the role that you have in the experiment.
        """
        experiment = await tenants.find_experiment(info, input.experiment, "create", "datasets in")
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        if invalid := _check_dataset_input(input):
            return invalid
        refers_to = await _find_reference(info, experiment.id, input)
        if isinstance(refers_to, Invalid):
            return refers_to
        conn, owner = await begin_change(), tenants.build_owner(info, experiment.id)
        row = await datasets.create(
            conn, experiment.id, input.name, input.description, owner, refers_to
        )
        return Dataset.of(row, info) if row else name_taken("dataset", input.name)

    @declare_mutation("report")
    async def add_files(self, info: Info, input: AddFilesInput) -> AddFilesResult:  # noqa: A002
        """Put files at the end of a dataset, all of them or none; those that it has are left out.

        What is told of a file that the experiment has fills in what wasn't known, and mustn't contradict the rest.
        """
        row = await find_allowed(info, DATASET, input.id, "report")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if row.submission_id is not None:
            why = f"{row.name} is what submission:{row.submission_id} works on: nothing is added to it."
            return Invalid(message=why, field="id")
        if row.catalog_id is not None:
            text = f"The files of {row.name} are what its catalog {row.catalog} has of it."
            return Invalid(message=text, field="id")
        if too_many := count_problem("files", input.files, MOST_FILES):
            return too_many
        wanted = [file.new_file for file in input.files]
        whose = await info.context.load.experiment.load(row.experiment_id)
        given = whose.folders if whose else []
        folders = list_folders(info.context.store, row.experiment_id, given)
        told = _check_files_input(wanted, folders)
        if isinstance(told, InvalidFiles):
            return told
        who = info.context.viewer.person_id
        added = await _add_told_files(await begin_change(), row, told.by_name, who)
        if not isinstance(added, AddedFiles):
            return added if isinstance(added, NotFound) else _show_contradictions(wanted, added)
        now = await info.context.load.dataset.load(row.id)
        return FilesAdded(
            dataset=Dataset.of(now or row, info),
            added_count=added.count,
            known_count=len(wanted) - added.count,
            known=[
                KnownFile(field=f"files[{n}]", name=file.name, completed=added.known[file.name])
                for n, file in enumerate(wanted)
                if file.name in added.known
            ],
        )

    @declare_mutation("report")
    async def mark_files(self, info: Info, input: MarkFilesInput) -> MarkFilesResult:  # noqa: A002
        """Mark files of a dataset as staged, so that the split `stagedfiles` takes them, or as on tape."""
        row = await find_allowed(info, DATASET, input.id, "report")
        if isinstance(row, NotFound | NotPermitted):
            return row
        if too_many := count_problem("names", input.names, MOST_FILES):
            return too_many
        if wrong := next((said for name in input.names if (said := check_text(name))), None):
            return Invalid(message=wrong, field="names")
        conn, names = await begin_change(), list(dict.fromkeys(input.names))
        await datasets.lock_for_files(conn, row.id, row.experiment_id, names, names)
        found = {*await files.list_names_in_dataset(conn, row.id, row.experiment_id, names)}
        marked = await files.mark_staged(conn, row.id, names, staged=input.is_staged)
        missing = [name for name in names if name not in found]
        return FilesMarked(
            dataset=Dataset.of(row, info),
            marked_count=marked,
            known_count=len(input.names) - marked - len(missing),
            missing=missing,
        )


@dataclass(frozen=True, slots=True)
class AddedFiles:
    """What became of files that were to be added."""

    count: int
    """So many the dataset had not."""
    known: Mapping[str, list[str]]
    """Those that the experiment had, by name, with what was filled in."""


Contradictions = Mapping[str, Sequence[FileContradiction]]
"""By the names of files: where a list contradicts what is known."""


async def _add_told_files(
    conn: Connection, row: datasets.Dataset, told: Mapping[str, NewFile], person_id: int
) -> AddedFiles | Contradictions | NotFound:
    """Add files under their datasets' locks, and fill in what is told of those that the experiment has."""
    names, whose, by = list(told), row.experiment_id, Actor(person_id)
    marked = [name for name, file in told.items() if STAGED in file.metadata]
    before = await datasets.lock_for_files(conn, row.id, whose, names, marked)
    if before is None:
        return tenants.report_unknown("dataset", str(row.id))
    ids = await files.put_files(conn, whose, [*told.values()])
    left = [name for name in names if name not in ids]
    there = await files.find_by_names(conn, whose, left) if left else []
    if any(_list_additions(file, told) for file in there):
        there = await files.lock_files(conn, [file.id for file in there])
    if wrong := {f.name: d for f in there if (d := compare_files(f.known, told[f.name]))}:
        return wrong
    known = {file.name: _list_additions(file, told) for file in there}
    complete = {f.id: fill_file(f.known, told[f.name]) for f in there if known[f.name]}
    if complete:
        await files.fill_files(conn, complete)
    ids |= {file.name: file.id for file in there}
    after = await datasets.publish_files(conn, row.id, [ids[name] for name in names], by)
    scope = FileScope(row.id, 0, (after or before).head)
    await ask_for_check(conn, scope, person_id, is_whole=False, after_s=SETTLE_S)
    return AddedFiles(after.head - before.head if after else 0, known)


def _list_additions(file: files.File, told: Mapping[str, NewFile]) -> list[str]:
    return list_filled_parts(file.known, fill_file(file.known, told[file.name]))


def _show_contradictions(wanted: Sequence[NewFile], found: Contradictions) -> FileDiffers:
    shown = [
        FileDifference(
            field=f"files[{n}].{each.part}", name=file.name, known=each.known, told=each.told
        )
        for n, file in enumerate(wanted)
        for each in found.get(file.name, ())
    ]
    first = shown[0]
    part = first.field.partition(".")[2]
    return FileDiffers(
        message=f"The experiment has {first.name!r} with another {part}: {first.known}, not {first.told}."
        f" {len(found)} files of the list differ.",
        field=first.field,
        name=first.name,
        differences=shown[:MOST_FILES],
    )


def _check_files_input(
    wanted: Sequence[NewFile], folders: Sequence[Path]
) -> ToldFiles | InvalidFiles:
    found = wrong_files(wanted, folders)
    found += [
        findings.Finding(f"files[{n}].metadata", said)
        for n, file in enumerate(wanted)
        if (said := _check_metadata(file.metadata))
    ]
    if not found:
        told = merge_files(wanted)
        if not told.findings:
            return told
        found = [*told.findings]
    return InvalidFiles(
        message=f"No file was added, {found[0].path}: {found[0].message}",
        findings=[Finding.of(finding) for finding in found[:100]],
    )


def _check_metadata(metadata: object) -> str | None:
    if not isinstance(metadata, dict):
        return "Metadata is one JSON object."
    try:
        text = orjson.dumps(metadata)
    except TypeError:
        return "Metadata is plain JSON, not deeper than 250, with numbers of at most 64 bits."
    if len(text) > MOST_METADATA:
        return f"Metadata has at most {MOST_METADATA} bytes, this has {len(text)}."
    return "A text can't contain NUL." if b"\\u0000" in text else None


async def _find_reference(
    info: Info,
    experiment_id: int,
    input: CreateDatasetInput,  # noqa: A002
) -> datasets.OutsideReference | Invalid:
    """To what a new dataset refers."""
    if input.catalog is None or input.catalog == datasets.EMBEDDED_NAME:
        if input.definition or input.policy is not DatasetPolicy.ONCE:
            said = "Say which catalog has it: the embedded one has no definitions."
            return Invalid(message=said, field="catalog")
        return datasets.EMBEDDED
    said_of_name = check_text(input.catalog, MOST_NAME)
    row = (
        None if said_of_name else await catalogs.find(info.context.db, experiment_id, input.catalog)
    )
    if row is None:
        text = f"The experiment has no catalog {input.catalog[:100]!r}: its superusers save one (`saveCatalog`)."
        return Invalid(message=text, field="catalog")
    if said_of_definition := check_definition(input.definition):
        return Invalid(message=said_of_definition, field="definition")
    return datasets.OutsideReference(row.id, row.name, input.definition.strip(), input.policy)


def _check_dataset_input(input: CreateDatasetInput) -> Invalid | None:  # noqa: A002
    name = check_name(input.name)
    if input.name.startswith(RESERVED):
        name = f"Names that begin with {RESERVED!r} are for the inputs of stages."
    for field, said in (("name", name), ("description", check_text(input.description))):
        if said:
            return Invalid(message=said, field=field)
    return None
