"""Outputs in the catalogs outside that are told of them: declared there, and read back, before they are located.

Nothing is kept here of what was told: a catalog that is told again does nothing twice, so that whoever comes after a
killed worker tells all that is not located yet.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from catalogs import (
    CatalogRefused,
    CatalogSignInRefused,
    CatalogUnavailable,
    ClaimProblem,
    ConfirmedFile,
    DeclaringCatalog,
    OutputDeclaration,
)
from db.files import catalogs, files
from db.files.catalogs import Catalog
from db.files.files import File
from db.submissions import output_files
from db.submissions.output_files import OutputFile
from db.submissions.submissions import Submission
from domain.files.catalogs import (
    OUTPUTS_SCOPE,
    make_category_metadata,
    name_output,
    name_outputs_dataset,
    render_output_url,
)
from workers.catalog_access import find_access
from workers.failpoints import wrap_failpoints
from workers.tools import WorkerTools, log

InspectedOutput = tuple[OutputFile, ConfirmedFile | ClaimProblem]
"""An output, and what was found of its file."""


class OutputsNotDeclared(Exception):
    """A catalog can't be told of outputs now, or refuses all of them; the text is for people."""


@dataclass(frozen=True, slots=True)
class ConfirmedOutput:
    """An output whose file has been seen, with the checksum by which Rucio knows files."""

    output: OutputFile
    adler32: str


@dataclass(frozen=True, slots=True)
class OutputCatalogs:
    """The catalogs that are told of a submission's outputs, opened when there are some."""

    tools: WorkerTools
    submission: Submission
    told: Sequence[Catalog]
    stack: AsyncExitStack
    opened: dict[int, DeclaringCatalog]

    @classmethod
    async def find(
        cls, tools: WorkerTools, submission: Submission, stack: AsyncExitStack
    ) -> "OutputCatalogs":
        """Of what tests make none is told."""
        told = (
            []
            if submission.is_test
            else await catalogs.list_for_outputs(tools.db, submission.experiment_id)
        )
        return cls(tools, submission, told, stack, {})

    async def declare(self, inspected: Sequence[InspectedOutput]) -> list[InspectedOutput]:
        """Declare those that were confirmed; what a catalog doesn't take is a problem of its output.

        Raises OutputsNotDeclared.
        """
        good = [
            ConfirmedOutput(output, found.adler32)
            for output, found in inspected
            if isinstance(found, ConfirmedFile)
        ]
        if not good or not self.told:
            return [*inspected]
        owners = await self._find_owners([each.output for each in good])
        first = {
            each.output.name: each
            for each in reversed(good)
            if _is_same_file(each.output, owners[each.output.name])
        }
        problems = await self._declare_everywhere(first, owners)
        return [
            (output, _judge_output(output, found, owners, problems)) for output, found in inspected
        ]

    async def _find_owners(self, outputs: Sequence[OutputFile]) -> dict[str, File | OutputFile]:
        """Whose each name is: the file's that has it, or the first output's. Others of the name are no files."""
        owners: dict[str, File | OutputFile] = {each.name: each for each in reversed(outputs)}
        there = await files.find_by_names(
            self.tools.db, self.submission.experiment_id, list(owners)
        )
        return owners | {each.name: each for each in there}

    async def _declare_everywhere(
        self, first: Mapping[str, ConfirmedOutput], owners: Mapping[str, File | OutputFile]
    ) -> dict[str, ClaimProblem]:
        """What is wrong with which output; one that a catalog doesn't take is not told to the next."""
        db, id = self.tools.db, self.submission.id
        outputs = [each.output for each in first.values()]
        metadata = await output_files.find_metadata(db, id, [(o.number, o.name) for o in outputs])
        parents = await files.find_names(db, sorted({p for o in outputs for p in o.parents}))
        problems = dict[str, ClaimProblem]()
        for catalog in self.told:
            declarations = [
                _make_declaration(
                    catalog, each, metadata[each.output.number, name], parents, owners[name]
                )
                for name, each in sorted(first.items())
                if name not in problems
            ]
            problems |= await self._declare_in(catalog, declarations)
        return problems

    async def _declare_in(
        self, catalog: Catalog, declarations: Sequence[OutputDeclaration]
    ) -> dict[str, ClaimProblem]:
        scope = catalog.settings[OUTPUTS_SCOPE]
        dataset = name_outputs_dataset(scope, self.submission.family)
        try:
            asked = await self._open(catalog)
            async with wrap_failpoints("outputs.declare"):
                said = await asked.declare(declarations, dataset)
            await catalogs.note_answer(self.tools.db, catalog.id)
        except (CatalogUnavailable, CatalogRefused) as error:
            if isinstance(error, CatalogUnavailable | CatalogSignInRefused):
                await catalogs.note_trouble(self.tools.db, catalog.id, str(error))
            log.warning("submission %s, catalog %s: %s", self.submission.id, catalog.name, error)
            text = f"its outputs can't be declared in {catalog.name}: {error}"
            raise OutputsNotDeclared(text) from error
        return {
            each.name.removeprefix(f"{scope}:"): problem
            for each, problem in zip(declarations, said, strict=True)
            if problem is not None
        }

    async def _open(self, catalog: Catalog) -> DeclaringCatalog:
        if catalog.id not in self.opened:
            access = await find_access(self.tools, catalog)
            asked = await self.stack.enter_async_context(self.tools.catalogs.open(access))
            if not isinstance(asked, DeclaringCatalog):
                raise CatalogRefused(f"{catalog.name} takes no outputs.")
            self.opened[catalog.id] = asked
        return self.opened[catalog.id]


def _is_same_file(output: OutputFile, owner: File | OutputFile) -> bool:
    return (output.size, output.checksum) == (owner.size, owner.checksum)


def _judge_output(
    output: OutputFile,
    found: ConfirmedFile | ClaimProblem,
    owners: Mapping[str, File | OutputFile],
    problems: Mapping[str, ClaimProblem],
) -> ConfirmedFile | ClaimProblem:
    problem = problems.get(output.name)
    if isinstance(found, ClaimProblem) or problem is None:
        return found
    if _is_same_file(output, owners[output.name]):
        return problem
    return ClaimProblem("Another output of this name comes before it.")


def _make_declaration(
    catalog: Catalog,
    confirmed: ConfirmedOutput,
    metadata: Mapping[str, object],
    parents: Mapping[int, str],
    owner: File | OutputFile,
) -> OutputDeclaration:
    output, scope = confirmed.output, catalog.settings[OUTPUTS_SCOPE]
    above = [parents[id] for id in output.parents if id in parents] + list(output.made_from)
    place = owner.location if isinstance(owner, File) else owner.path
    kind, _, digest = output.checksum.partition(":")
    return OutputDeclaration(
        name=f"{scope}:{output.name}",
        size=output.size,
        checksums={"adler32": confirmed.adler32, kind: digest},
        location=render_output_url(catalog.settings, place or output.path),
        parents=[name_output(scope, name) for name in above],
        events=output.events,
        metadata=make_category_metadata(metadata) if catalog.kind == "metacat" else metadata,
    )
