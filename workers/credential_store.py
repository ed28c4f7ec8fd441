"""Where credentials lie: a folder for each experiment, and nothing outside of it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from batch.files import read_plain
from db.setup.credentials import CredentialLocation
from domain.files.store import is_within
from domain.people.experiment_folders import locate_experiment_folder
from domain.setup.credentials import CredentialUnusable

MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class CredentialStore:
    """The folder of folders, and how long things may take there."""

    folder: Path | None = None
    margin: timedelta = timedelta(minutes=10)
    renewal_s: float = 60.0

    def place(self, lying: CredentialLocation) -> Path:
        """Where a file lies or is to lie; links lead nowhere else."""
        if self.folder is None:
            raise CredentialUnusable("No folder of credentials is configured (POMS_CREDENTIALS).")
        own = locate_experiment_folder(self.folder.resolve(), lying.experiment_id)
        place = (own / lying.path).resolve()
        if not is_within(place, own):
            raise CredentialUnusable("It lies outside of the experiment's folder of credentials.")
        return place

    def read(self, lying: CredentialLocation) -> bytes:
        """What is in the file."""
        place = self.place(lying)
        try:
            if not place.is_file():
                raise CredentialUnusable(
                    f"There is no file {lying.path} in the experiment's folder."
                )
            if place.stat().st_size > MOST_BYTES:
                raise CredentialUnusable(f"{lying.path} is too long for a credential.")
            return read_plain(place, MOST_BYTES)
        except OSError as error:
            raise CredentialUnusable(f"{lying.path} can't be read: {error.strerror}.") from error
