"""The drawing of a request's states is the table that holds."""

import re

from domain.requests.requests import REQUEST_TRANSITIONS
from tests.sources import ROOT


def test_the_drawing_has_the_moves_of_the_table() -> None:
    text = (ROOT / "docs" / "requests.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^    (\w+) --> (\w+)$", text, re.MULTILINE)
    moves = [(old.value, new.value) for old, news in REQUEST_TRANSITIONS.items() for new in news]
    assert sorted(drawn) == sorted(moves)
