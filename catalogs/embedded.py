"""The catalog in our own database, for files under folders of their experiments."""

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePath

from batch.payload.plain_files import (
    UnsafeFileError,
    check_size,
    compute_checksums,
    measure_plain_file,
    open_plain_file,
)
from catalogs import CatalogUnavailable, ClaimedFile, ClaimProblem, ConfirmedFile, LocatedFile
from domain.files import locations
from domain.files.file_checks import FileSighting, SightingKind
from domain.people.experiment_folders import find_folder
from lanes import Lane, LaneUnavailable

AT_ONCE = 16
"""How many submissions' files are read at once: as many as workers advance at once."""
LOOK_S, BYTES_PER_S = 60.0, 10e6
"""How long a look may take, and how slowly the store may be read."""
PART_FILES, PART_BYTES = 50, 50_000_000
"""Files that are looked at in one call."""
PLAIN_NAME = re.compile(r"[^/\x00-\x1f\x7f]{1,255}")
CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")


class EmbeddedCatalog:
    """Looks at files themselves: their size, and the checksum of their bytes."""

    def __init__(self) -> None:
        self._lane = Lane("store", LOOK_S, at_once=AT_ONCE, most_hung=AT_ONCE)

    async def confirm(
        self, claimed: Sequence[ClaimedFile], folders: Sequence[Path]
    ) -> list[ConfirmedFile | ClaimProblem]:
        """Look at each file, some small ones at once; who claims much may take long."""
        said: list[ConfirmedFile | ClaimProblem] = []
        for part in split_claims(claimed):
            within_s = LOOK_S + sum(max(0, each.size) for each in part) / BYTES_PER_S
            try:
                said += await self._lane.call(partial(self._look_at, part, folders), within_s)
            except LaneUnavailable as wrong:
                raise CatalogUnavailable(f"The store does not answer: {wrong}.") from wrong
        return said

    async def look(
        self, files: Sequence[LocatedFile], folders: Sequence[Path]
    ) -> list[FileSighting]:
        """Look where each file is said to lie."""
        try:
            return await self._lane.call(lambda: [_inspect_file(each, folders) for each in files])
        except LaneUnavailable as wrong:
            raise CatalogUnavailable(f"The store does not answer: {wrong}.") from wrong

    def _look_at(
        self, claimed: Sequence[ClaimedFile], folders: Sequence[Path]
    ) -> list[ConfirmedFile | ClaimProblem]:
        return [self._look(each, folders) for each in claimed]

    def _look(self, claimed: ClaimedFile, folders: Sequence[Path]) -> ConfirmedFile | ClaimProblem:
        if not PLAIN_NAME.fullmatch(Path(claimed.path).name):
            return _make_problem("The name has a slash or control characters, or is too long.")
        folder = find_folder(claimed.path, folders)
        if folder is None:
            return _make_problem("It lies below none of the experiment's folders.")
        try:
            with open_plain_file(claimed.path, str(folder), one_name=True) as fd:
                return _compare_file(fd, claimed)
        except UnsafeFileError as error:
            return _make_problem(str(error))
        except FileNotFoundError:
            return ClaimProblem("It is not there.")
        except (OSError, ValueError) as error:
            return ClaimProblem(f"It can't be read: {getattr(error, 'strerror', None) or error}.")


def _inspect_file(file: LocatedFile, folders: Sequence[Path]) -> FileSighting:
    is_on_tape = file.mark is False or locations.is_on_tape(file.location)
    folder = find_folder(file.location, folders) if file.location else None
    if file.location is None or not locations.is_path(file.location) or folder is None:
        return FileSighting(SightingKind.ON_TAPE if is_on_tape else SightingKind.UNKNOWN)
    try:
        size = measure_plain_file(file.location, str(folder))
    except FileNotFoundError:
        return FileSighting(SightingKind.MISSING, "It is not there.")
    except UnsafeFileError as error:
        return FileSighting(SightingKind.MISSING, str(error))
    except (OSError, ValueError):
        return FileSighting(SightingKind.UNKNOWN)
    if file.size not in (None, size):
        text = f"It has {size} bytes, not {file.size}."
        return FileSighting(SightingKind.OTHER_SIZE, text)
    is_on_tape |= _read_locality(file.location, folder) == b"NEARLINE"
    return FileSighting(SightingKind.ON_TAPE if is_on_tape else SightingKind.THERE)


def _read_locality(path: str, folder: Path) -> bytes:
    """What dCache says where it mounts its files: NEARLINE, only on tape; nothing on other file systems."""
    place = PurePath(path)
    try:
        with open_plain_file(
            str(place.with_name(f".(get)({place.name})(locality)")), str(folder)
        ) as fd:
            return os.read(fd, 100).strip()
    except (OSError, UnsafeFileError):
        return b""


def _make_problem(text: str) -> ClaimProblem:
    return ClaimProblem(text, needs_decision=True)


def _compare_file(fd: int, claimed: ClaimedFile) -> ConfirmedFile | ClaimProblem:
    check_size(fd, claimed.size)
    if not CHECKSUM.fullmatch(claimed.checksum):
        return _make_problem("Its checksum is no sha256.")
    found = compute_checksums(fd, claimed.size, ["sha256", "adler32"])
    if found is None or f"sha256:{found[0]}" != claimed.checksum:
        return _make_problem("Its checksum differs.")
    return ConfirmedFile(found[1])


def split_claims(claimed: Sequence[ClaimedFile]) -> Iterator[Sequence[ClaimedFile]]:
    """Those that come one after the other, as many as one call looks at."""
    part, size = list[ClaimedFile](), 0
    for each in claimed:
        if part and (len(part) == PART_FILES or size + each.size > PART_BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += each.size
    if part:
        yield part
