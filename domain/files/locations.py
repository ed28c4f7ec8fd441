"""Where files are said to lie: paths below an experiment's folders, or addresses that only jobs and catalogs follow."""

import re
from collections.abc import Sequence
from pathlib import Path
from unicodedata import category
from urllib.parse import parse_qsl, urlsplit

from domain.names import INVISIBLE
from domain.people.experiment_folders import MOST_PATH, check_path, find_folder

MOST_REPLICAS = 20
SCHEMES = (
    "root", "roots", "xroot", "xroots", "gsiftp", "https", "http", "davs", "dav", "srm", "s3", "dcache", "enstore",
)  # fmt: skip
"""Of addresses of files; SAM's `dcache:` and `enstore:` stand before paths of its own."""
TAPE = "enstore"
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
SECRETS = frozenset({"authz", "access_token", "token", "x-amz-signature", "signature"})


def is_path(location: str | None) -> bool:
    """Whether it is a place on a disk: nothing else is ever opened by us."""
    return location is not None and SCHEME.match(location) is None


def is_on_tape(location: str | None) -> bool:
    """Whether the address itself says so."""
    return location is not None and location.lower().startswith(f"{TAPE}:")


def check_location(location: str, folders: Sequence[Path]) -> str | None:
    """What is wrong with a file's place; of what lies elsewhere nothing is said, nor whether it is there."""
    if not is_path(location):
        return _check_address(location)
    if said := check_path(location):
        return said
    if find_folder(location, folders) is None:
        return f"It lies below none of the experiment's folders: {', '.join(map(str, folders))}."
    return None


def _check_address(location: str) -> str | None:
    if len(location) > MOST_PATH or any(c.isspace() or category(c) in INVISIBLE for c in location):
        return f"An address has at most {MOST_PATH} characters, and no blanks or invisible ones."
    try:
        parts = urlsplit(location)
        secret = parts.password or SECRETS & {name.lower() for name, _ in parse_qsl(parts.query)}
    except ValueError:
        return "This is no address."
    if parts.scheme not in SCHEMES:
        return f"An address begins with one of {', '.join(SCHEMES)}; a path with a slash."
    if secret:
        return "An address holds no password and no token: everybody in the experiment sees it."
    return None if parts.path.strip("/") else "This is the address of no file."
