"""Reading datasets and their files, creating them and adding files."""

from collections.abc import Sequence
from typing import cast

import orjson
import strawberry

from db import datasets, files
from db.pool import Connection
from domain import findings
from domain.datasets import MOST_FILES, MOST_METADATA, NewFile, same
from domain.datasets import problems as wrong_files
from domain.names import RESERVED, wrong_name, wrong_text
from door.describe import thing
from door.pages import Connection as Page
from resolvers import tenants
from resolvers.lists import of_experiment
from resolvers.once import Ask, Done, once
from schema.context import Info
from schema.datasets import (
    AddFilesInput,
    AddFilesResult,
    CreateDatasetInput,
    CreateDatasetResult,
    Dataset,
    FileDiffers,
    FilesAdded,
    InvalidFiles,
)
from schema.fields import changes, reads
from schema.files import File
from schema.ids import number
from schema.lists import Part
from schema.parameters import Finding
from schema.problems import IdempotencyKeyReused, Invalid, NameTaken, NotFound
from schema.saving import count_problem


@thing
class DatasetQueries:
    """Reading datasets and files."""

    @reads()
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
        """An experiment's datasets, by name."""
        part = Part(first, after, last, before)
        return await of_experiment(
            info, (experiment, name_contains), part, datasets.page, Dataset.of
        )

    @reads()
    async def dataset(self, info: Info, id: strawberry.ID) -> Dataset | None:
        """One dataset; its files are a list of their own."""
        row = await _find(info, id)
        return None if row is None else Dataset.of(row, info)

    @reads()
    async def file(self, info: Info, id: strawberry.ID) -> File | None:
        """One file, with what it was made from and what was made from it."""
        key = number(id, "file")
        row = None if key is None else await info.context.load.file.load(key)
        seen = row is not None and info.context.allows("view", row.experiment_id)
        return File.of(row) if row is not None and seen else None


@thing
class DatasetMutations:
    """Changing datasets."""

    @changes("create")
    async def create_dataset(
        self,
        info: Info,
        input: CreateDatasetInput,  # noqa: A002
    ) -> CreateDatasetResult:
        """Make an empty dataset. It is yours, owned in the role that you have in the experiment."""
        experiment = await tenants.find(info, input.experiment)
        if experiment is None:
            return tenants.unknown("experiment", input.experiment)
        experiment_id = experiment.id
        if not tenants.may_create(info, experiment_id):
            return tenants.refused("create", f"datasets in {experiment.name}")
        if invalid := _invalid(input):
            return invalid
        owner = tenants.owner(info, experiment_id)

        async def create(conn: Connection) -> str | NameTaken:
            row = await datasets.create(conn, experiment_id, input.name, input.description, owner)
            return str(row.id) if row else _taken(input.name)

        done = await once(info, Ask("createDataset", input.idempotency_key, input), create)
        if isinstance(done, NameTaken | IdempotencyKeyReused):
            return done
        return await _show(info, int(done.result))

    @changes("modify")
    async def add_files(self, info: Info, input: AddFilesInput) -> AddFilesResult:  # noqa: A002
        """Put files at the end of a dataset, all of them or none; those that it has are left out."""
        row = await _find(info, input.dataset_id)
        if row is None:
            return tenants.unknown("dataset", input.dataset_id)
        if not info.context.allows("modify", row.experiment_id, row.owner_id, row.owning_role):
            return tenants.refused("modify", f"dataset {row.name}")
        if too_many := count_problem("files", input.files, MOST_FILES):
            return too_many
        wanted = [file.wanted for file in input.files]
        if invalid := _invalid_files(wanted, str(info.context.store)):
            return invalid
        dataset_id = row.id

        async def add(conn: Connection) -> str | FileDiffers | NotFound:
            return await _add(conn, dataset_id, wanted)

        done = await once(info, Ask("addFiles", input.idempotency_key, input), add)
        if not isinstance(done, Done):
            return cast(FileDiffers | NotFound | IdempotencyKeyReused, done)
        added = int(done.result)
        return FilesAdded(
            dataset=await _show(info, dataset_id), added=added, known=len(wanted) - added
        )


async def _add(
    conn: Connection, dataset_id: int, wanted: Sequence[NewFile]
) -> str | FileDiffers | NotFound:
    """Add checked files under the dataset's lock; the number of those that it had not, as text."""
    before = await datasets.lock(conn, dataset_id)
    if before is None:
        return tenants.unknown("dataset", str(dataset_id))
    fresh = list({file.name: file for file in wanted}.values())
    await files.put(conn, before.experiment_id, fresh)
    names = [file.name for file in fresh]
    known = {row.name: row for row in await files.by_names(conn, before.experiment_id, names)}
    for n, file in enumerate(wanted):
        there = known[file.name]
        if not same(file, NewFile(there.name, there.size, there.location, there.checksum)):
            return FileDiffers(
                message=f"The experiment has {file.name!r} with another size or checksum.",
                field=f"files[{n}].name",
                name=file.name,
            )
    after = await datasets.publish(conn, dataset_id, [known[name].id for name in names])
    return str(after.head - before.head if after else 0)


def _invalid_files(wanted: Sequence[NewFile], store: str) -> InvalidFiles | None:
    found = wrong_files(wanted, store)
    found += [
        findings.Finding(f"files[{n}].metadata", said)
        for n, file in enumerate(wanted)
        if (said := _wrong_metadata(file.metadata))
    ]
    if not found:
        return None
    return InvalidFiles(
        message=f"No file was added, {found[0].path}: {found[0].message}",
        findings=[Finding.of(finding) for finding in found[:100]],
    )


def _wrong_metadata(metadata: object) -> str | None:
    if not isinstance(metadata, dict):
        return "Metadata is one JSON object."
    try:
        text = orjson.dumps(metadata)
    except TypeError:
        return "Metadata is plain JSON, not deeper than 250, with numbers of at most 64 bits."
    if len(text) > MOST_METADATA:
        return f"Metadata has at most {MOST_METADATA} bytes, this has {len(text)}."
    return "A text can't contain NUL." if b"\\u0000" in text else None


async def _find(info: Info, id: strawberry.ID) -> datasets.Dataset | None:
    key = number(id, "dataset")
    row = None if key is None else await info.context.load.dataset.load(key)
    seen = row is not None and info.context.allows("view", row.experiment_id)
    return row if seen else None


async def _show(info: Info, dataset_id: int) -> Dataset:
    row = await info.context.load.dataset.load(dataset_id)
    assert row is not None  # noqa: S101 - datasets stay
    return Dataset.of(row, info)


def _invalid(input: CreateDatasetInput) -> Invalid | None:  # noqa: A002
    name = wrong_name(input.name)
    if input.name.startswith(RESERVED):
        name = f"Names that begin with {RESERVED!r} are for the inputs of stages."
    for field, said in (("name", name), ("description", wrong_text(input.description))):
        if said:
            return Invalid(message=said, field=field)
    return None


def _taken(name: str) -> NameTaken:
    return NameTaken(message=f"The experiment has a dataset {name!r} already.", field="name")
