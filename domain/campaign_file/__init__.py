"""The campaign file: POMS's `.ini`, read and written without loss (docs/campaign-file.md)."""

from domain.campaign_file.checking import There, check, made
from domain.campaign_file.document import FileFinding, FindingLevel, Place
from domain.campaign_file.reading import MOST_FILE, CampaignFile, FileSetup, Reading, read
from domain.campaign_file.writing import write

__all__ = [
    "MOST_FILE",
    "CampaignFile",
    "FileFinding",
    "FileSetup",
    "FindingLevel",
    "Place",
    "Reading",
    "There",
    "check",
    "made",
    "read",
    "write",
]
