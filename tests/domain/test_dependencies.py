"""Which files go on: by globs, and by LIKE where a pattern has a `%`."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaigns.dependencies import convert_pattern_to_regex, match_patterns
from domain.names import check_pattern


@pytest.mark.parametrize(
    ("pattern", "takes", "leaves"),
    [
        ("%.root", ["a.root", ".root"], ["a.roots", "aroot"]),
        ("reco_%", ["reco_", "recoXa"], ["reco", "a_reco_1"]),
        ("%[a]*", ["x[a]*"], ["xa", "x[a]b"]),
        (r"50\%_%", ["50%x", "50%xy"], ["500x"]),
        ("*_reco.root", ["a_reco.root"], ["a_reco_root", "aXreco.root"]),
        ("reco_?.[rt]*", ["reco_1.root", "reco_x.txt"], ["reco_12.root"]),
    ],
)
def test_a_pattern_with_a_percent_sign_is_like_and_every_other_one_a_glob(
    pattern: str, takes: list[str], leaves: list[str]
) -> None:
    assert not check_pattern(pattern)
    for name in takes:
        assert match_patterns(name, [pattern])
        assert re.search(convert_pattern_to_regex(pattern), name)
    for name in leaves:
        assert not match_patterns(name, [pattern])
        assert not re.search(convert_pattern_to_regex(pattern), name)


def test_without_patterns_every_output_goes_on_and_one_of_several_is_enough() -> None:
    assert match_patterns("x", [])
    assert match_patterns("x.root", ["%.json", "*.root"])


LIKES = st.text("ab%_\\.", min_size=1, max_size=6).filter(lambda p: "%" in p)


@given(LIKES, st.text("ab%_\\.", max_size=5))
def test_like_takes_a_name_exactly_when_its_expression_does(pattern: str, name: str) -> None:
    assert match_patterns(name, [pattern]) is (
        re.search(convert_pattern_to_regex(pattern), name) is not None
    )
