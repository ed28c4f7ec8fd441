"""Who people are to an experiment."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is in one experiment; not one line, see `auth.may`."""

    ANALYSIS = "analysis"
    SHIFTER = "shifter"
    PRODUCTION = "production"
    SUPERUSER = "superuser"
