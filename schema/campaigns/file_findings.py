"""What is said of a campaign file, as a client sees it."""

from collections.abc import Sequence

from domain.campaigns.campaign_file.document import FileFinding as Found
from domain.campaigns.campaign_file.document import FindingLevel
from door.describe import declare_enum_type, declare_object_type

declare_enum_type(FindingLevel)
MOST_FINDINGS = 200


@declare_object_type
class FileFinding:
    """Something to be said about a campaign file."""

    file: str
    """The file's name."""
    line: int
    """The line, from 1; of what is missing, that of the section where it would belong."""
    section: str
    """The header of the section, for example `campaign_stage reco`; empty where there is none."""
    key: str
    """The key; empty where it is about a whole section."""
    message: str
    """What is to be said."""
    level: FindingLevel
    """What it means for the import."""

    @classmethod
    def of_all(cls, file: str, found: Sequence[Found]) -> list["FileFinding"]:
        """Show as many as anybody reads."""
        return [cls.of(file, one) for one in found[:MOST_FINDINGS]]

    @classmethod
    def of(cls, file: str, found: Found) -> "FileFinding":
        """Show one."""
        return cls(
            file=file,
            line=found.place.line,
            section=found.place.section,
            key=found.place.key,
            message=found.message,
            level=found.level,
        )
