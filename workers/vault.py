"""Where credentials lie: a folder for each experiment, and nothing outside of it."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from db.credentials import Lying
from domain.credentials import Unusable

MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Vault:
    """The folder of folders, and how long things may take there."""

    folder: Path | None = None
    margin: timedelta = timedelta(minutes=10)
    renewal_s: float = 60.0

    def place(self, lying: Lying) -> Path:
        """Where a file lies or is to lie; links lead nowhere else."""
        if self.folder is None:
            raise Unusable("No folder of credentials is configured (POMS_CREDENTIALS).")
        own = self.folder.resolve() / lying.experiment
        place = (own / lying.path).resolve()
        if not place.is_relative_to(own):
            raise Unusable("It lies outside of the experiment's folder of credentials.")
        return place

    def read(self, lying: Lying) -> bytes:
        """What is in the file."""
        place = self.place(lying)
        try:
            if not place.is_file():
                raise Unusable(f"There is no file {lying.path} in the experiment's folder.")
            with place.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise Unusable(f"{lying.path} can't be read: {error.strerror}.") from error
        if len(content) > MOST_BYTES:
            raise Unusable(f"{lying.path} is too long for a credential.")
        return content
