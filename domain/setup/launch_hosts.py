"""How launch hosts are reached."""

from collections.abc import Mapping
from enum import StrEnum

from domain.setup import parameters


class HostKind(StrEnum):
    """How a launch host is reached."""

    LOCAL = "local"
    SSH = "ssh"


def fill_experiment(text: str, experiment: str, keywords: Mapping[str, str] | None = None) -> str:
    """Fill what is known into an account or the address of a host: `%(experiment)spro`; other keywords stay."""
    known = {**(keywords or {}), "experiment": experiment, "group": experiment}
    return parameters.KEYWORD.sub(lambda found: known.get(found["name"] or "", found[0]), text)


def has_open_keyword(text: str) -> bool:
    """Whether it is known only at a launch."""
    return parameters.KEYWORD.search(text) is not None
