"""Splits: POMS's own cases (facts §12), and what holds for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.splits import KINDS, Source, SplitError, Taken, next_slice, parse


def walk(text: str, source: Source, most: int = 10_000) -> list[Taken]:
    split, cursor = parse(text), 0
    taken: list[Taken] = []
    while (found := next_slice(split, cursor, source)) is not None and len(taken) < most:
        taken.append(found)
        cursor = found.cursor
    return taken


def test_fact_6_three_lists_the_first_fastest() -> None:
    source = Source(generates=True, parameter_lists=[["a", "b"], ["c", "d"], ["e", "f"]])
    assert [t.parameter for t in walk("multiparam()", source)] == [
        "a_c_e", "b_c_e", "a_d_e", "b_d_e", "a_c_f", "b_c_f", "a_d_f", "b_d_f"
    ]  # fmt: skip


def test_fact_7_two_lists() -> None:
    source = Source(generates=True, parameter_lists=[["electron", "muon"], ["1GeV", "3GeV"]])
    parameters = [t.parameter for t in walk("multiparam()", source)]
    assert parameters == ["electron_1GeV", "muon_1GeV", "electron_3GeV", "muon_3GeV"]


@pytest.mark.parametrize("text", ["nfiles(2)", "drainingn(2)", " NFILES ( n = 2 ) "])
def test_facts_8_and_9_five_files_by_two(text: str) -> None:
    taken = walk(text, Source(head=5))
    assert [t.high - t.low for t in taken] == [2, 2, 1]
    assert [t.low for t in taken] == [0, 2, 4]


@given(head=st.integers(0, 500), n=st.integers(1, 60))
def test_every_file_is_in_exactly_one_slice(head: int, n: int) -> None:
    taken = walk(f"nfiles({n})", Source(head=head))
    assert [o for t in taken for o in range(t.low, t.high)] == list(range(head))


@given(steps=st.lists(st.integers(0, 40), max_size=12), n=st.integers(1, 15))
def test_a_growing_dataset_loses_and_doubles_nothing(steps: list[int], n: int) -> None:
    split, cursor, head = parse(f"drainingn({n})"), 0, 0
    seen: list[int] = []
    for step in steps:
        head += step
        found = next_slice(split, cursor, Source(head=head))
        if found:
            seen += range(found.low, found.high)
            cursor = found.cursor
    while found := next_slice(split, cursor, Source(head=head)):
        seen += range(found.low, found.high)
        cursor = found.cursor
    assert seen == list(range(head))


@given(
    lists=st.lists(st.lists(st.text("ab", min_size=1), min_size=1, max_size=4), max_size=4),
    jobs=st.integers(1, 9),
)
def test_generator_slices_never_overlap_and_have_no_gap(lists: list[list[str]], jobs: int) -> None:
    source = Source(generates=True, parameter_lists=lists, jobs_per_slice=jobs)
    taken = walk("multiparam()", source)
    size = 1
    for values in lists:
        size *= len(values)
    assert len(taken) == (size if lists else 0)
    assert [i for t in taken for i in range(t.low, t.high)] == list(range(len(taken) * jobs))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("nfiles", 6), ("nfiles()", 7), ("nfiles(0)", 7), ("nfiles(-1)", 7), ("nfiles(two)", 7),
        ("nfiles(1,2)", 9), ("nfiles(1", 0), ("nosuch(1)", 0), ("nfiles(1); rm -rf /", 0),
        ("nfiles(n=1, n=2)", 11), ("nfiles(m=1)", 7), ("nfiles(99999999999)", 7),
        ("nfiles(\u0663)", 7),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(SplitError) as caught:
        parse(text)
    assert caught.value.position == position
    assert caught.value.message


@given(st.text(max_size=40))
def test_any_text_is_a_split_or_a_split_error(text: str) -> None:
    said: SplitError | None = None
    try:
        assert parse(text).name in KINDS
    except SplitError as e:
        said = e
    assert said is None or 0 <= said.position <= len(text)
