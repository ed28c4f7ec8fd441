"""Which databases and spools belong together, and which may be copies."""

from dataclasses import replace

import pytest

from domain.batch.installations import (
    ELSEWHERE,
    EMPTY,
    OTHER,
    InstallationIdentity,
    InstallationSite,
    find_doubt,
)

HERE = InstallationSite("1:5", "7:100", "m:1:2:/srv/spool")
THERE = InstallationSite("1:5", "8:200", "m:1:2:/srv/other")
OURS, THEIRS = InstallationIdentity("a", HERE), InstallationIdentity("b", HERE)
CASES = {
    "a new one": (HERE, None, None, ""),
    "nothing has changed": (HERE, OURS, OURS, ""),
    "a dump in another database": (replace(HERE, database="2:9"), OURS, OURS, ""),
    "an old dump, that knows the spool's place before": (HERE, InstallationIdentity("a", THERE), OURS, ""),
    "a new database": (HERE, None, OURS, ""),
    "a moved spool": (replace(HERE, place="m:1:2:/elsewhere"), OURS, OURS, ""),
    "a spool that was put back": (replace(HERE, spool="9:900"), OURS, OURS, ""),
    "another spool": (THERE, OURS, None, EMPTY),
    "a copied spool": (THERE, OURS, OURS, ELSEWHERE),
    "copied, and the place says nothing": (
        InstallationSite("1:5", "8:200", ""), OURS, InstallationIdentity("a", replace(HERE, place="")), ELSEWHERE,
    ),
    "a new database and a copied spool": (THERE, None, OURS, ELSEWHERE),
    "another installation's spool": (HERE, OURS, THEIRS, OTHER),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_may_be_a_copy(case: str) -> None:
    here, database, spool, why = CASES[case]
    assert find_doubt(here, database, spool, has_launched=True) == why


def test_who_has_never_launched_has_nothing_to_lose() -> None:
    assert find_doubt(THERE, OURS, None, has_launched=False) == ""
