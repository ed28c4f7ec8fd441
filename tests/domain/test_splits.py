"""Splits: POMS's own cases (facts §12), and what holds for all."""

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaigns.splits.kinds import KINDS
from domain.campaigns.splits.queries import SplitSource
from domain.campaigns.splits.reading import SplitError, parse_split
from tests.domain.memory_dataset import MemoryDataset, SplitFile, SplitStage

DAY = 86_400


def run_split(text: str, source: SplitSource, most: int = 10_000) -> SplitStage:
    return SplitStage(text, source=source).run(most)


def run_split_of_runs(text: str, runs: list[int | None]) -> SplitStage:
    return SplitStage(text, MemoryDataset([SplitFile(run=run) for run in runs])).run()


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("byrun(low=1,high=4)", [1, 2, 3]),
        ("byrun(low=1,high=3)", [1, 2]),
        ("byrun(1, 3)", [1, 2]),
        ("byrun(high=4)", [1, 2, 3]),
        ("byrun", [1, 2, 3, 4, 5]),
    ],
)
def test_facts_1_and_2_byrun_ends_before_high(text: str, runs: list[int]) -> None:
    stage = run_split_of_runs(text, [5, 1, 2, 2, 3, None, 4, 1])
    assert [taken.run for taken in stage.slices] == runs
    assert stage.ordinals[0] == [1, 7]


def test_fact_3_byrun_goes_on_from_its_cursor() -> None:
    stage = SplitStage(
        "byrun(high=4)", MemoryDataset([SplitFile(run=run) for run in range(6)]), cursor=3
    ).run()
    assert [taken.run for taken in stage.slices] == [3]


def test_byrun_skips_runs_without_files() -> None:
    assert run_split_of_runs("byrun(low=1,high=1000)", [900, 7, 900]).ordinals == [[1], [0, 2]]


@pytest.mark.parametrize("text", ["mod(3)", "mod( 3 )", "stride(3)", "mod(m=3)"])
def test_fact_4_mod_makes_so_many_buckets(text: str) -> None:
    assert run_split(text, SplitSource(head=8)).ordinals == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert run_split(text, SplitSource(head=2)).ordinals == [[0], [1]]


@pytest.mark.parametrize("lists", [[["a", "b", "c"]], [["a, b ,c,"]], [[" a", "b,c "]]])
def test_fact_5_list_takes_one_entry_each_time_without_blanks(lists: list[list[str]]) -> None:
    stage = run_split("list", SplitSource(generates=True, parameter_lists=lists))
    assert [taken.parameter for taken in stage.slices] == ["a", "b", "c"]


def test_fact_6_three_lists_the_first_fastest() -> None:
    source = SplitSource(generates=True, parameter_lists=[["a", "b"], ["c", "d"], ["e", "f"]])
    assert [t.parameter for t in run_split("multiparam()", source).slices] == [
        "a_c_e", "b_c_e", "a_d_e", "b_d_e", "a_c_f", "b_c_f", "a_d_f", "b_d_f"
    ]  # fmt: skip


def test_fact_7_two_lists() -> None:
    source = SplitSource(generates=True, parameter_lists=[["electron", "muon"], ["1GeV", "3GeV"]])
    parameters = [t.parameter for t in run_split("multiparam()", source).slices]
    assert parameters == ["electron_1GeV", "muon_1GeV", "electron_3GeV", "muon_3GeV"]


@pytest.mark.parametrize("text", ["nfiles(2)", "drainingn(2)", " NFILES ( n = 2 ) "])
def test_facts_8_and_9_five_files_by_two(text: str) -> None:
    taken = run_split(text, SplitSource(head=5)).slices
    assert [t.high - t.low for t in taken] == [2, 2, 1]
    assert [t.low for t in taken] == [0, 2, 4]


def test_fact_10_limitn_and_draining_give_the_same_for_ever() -> None:
    assert run_split("limitn(2)", SplitSource(head=5), most=50).ordinals == [[0, 1]] * 50
    assert run_split("draining", SplitSource(head=5), most=50).ordinals == [[0, 1, 2, 3, 4]] * 50
    assert (
        run_split("draining", SplitSource()).slices
        == run_split("limitn(1)", SplitSource()).slices
        == []
    )


OCTOBER = 1_475_280_000  # 2016-10-01 in UTC


def run_timed_split(
    text: str, times: list[float], now: int = OCTOBER + 90 * DAY, **more: str
) -> SplitStage:
    files = [SplitFile(time=time) for time in times]
    return SplitStage(text, MemoryDataset(files), SplitSource(now=now, zone=more.get("zone"))).run()


def test_facts_11_and_12_new_takes_whole_windows_that_are_over() -> None:
    times = [OCTOBER + hour * 3_600.0 for hour in range(1, 24 * 5)]
    one = run_timed_split(f"new(firsttime={OCTOBER},window=1d)", times)
    assert [taken.key for taken in one.slices[:2]] == [
        f"{OCTOBER}..{OCTOBER + DAY}", f"{OCTOBER + DAY}..{OCTOBER + 2 * DAY}"
    ]  # fmt: skip
    two = run_timed_split(f"new(firsttime={OCTOBER},window=1d,lasttime=1475539200)", times)
    assert two.slices == one.slices[:2]
    assert len(two.ordinals[0]) == 24
    now = run_timed_split(f"new(firsttime={OCTOBER},window=1d)", times, now=1_475_539_200)
    assert now.slices == two.slices


def test_new_begins_with_the_last_whole_window_and_rounds_it() -> None:
    now = OCTOBER + 10 * DAY + 5_000
    times = [float(OCTOBER + hour * 3_600) for hour in range(1, 24 * 12)]
    (taken,) = run_timed_split("new(window=1d,round=1d)", times, now=now).slices
    assert taken.key == f"{OCTOBER + 9 * DAY}..{OCTOBER + 10 * DAY}"
    assert parse_split("new").arguments["window"] == 7 * DAY
    assert run_timed_split("new(window=25h,round=1d)", times, now=now).slices[0].key == taken.key


def test_new_skips_windows_without_files_and_leaves_the_edges_where_they_were() -> None:
    text = f"new(firsttime={OCTOBER},window=1h)"
    stage = run_timed_split(
        text, [OCTOBER + 10.5, OCTOBER + 3_600.0, OCTOBER + 10 * DAY + 0.25, OCTOBER]
    )
    assert stage.ordinals == [[0, 1], [2]]
    assert stage.slices[1].key == f"{OCTOBER + 10 * DAY}..{OCTOBER + 10 * DAY + 3600}"


def test_new_local_cuts_at_the_midnights_of_its_zone_on_nights_that_are_longer_too() -> None:
    paris = ZoneInfo("Europe/Paris")
    first = int(datetime(2016, 10, 28, tzinfo=paris).timestamp())
    times = [first + 1_800.0 * step for step in range(1, 48 * 5)]
    text = f"new_local(firsttime={first},window=1d,round=1d)"
    stage = run_timed_split(text, times, zone="Europe/Paris")
    ends = [datetime.fromtimestamp(taken.cursor, paris) for taken in stage.slices]
    assert [(end.day, end.hour) for end in ends[:4]] == [(29, 0), (30, 0), (31, 0), (1, 0)]
    assert [len(found) for found in stage.ordinals[:4]] == [48, 48, 50, 48]
    same = text.replace("new_local(", "new(zone=Europe/Paris,")
    assert run_timed_split(same, times).ordinals == stage.ordinals
    utc = [
        t.cursor % DAY
        for t in run_timed_split(text.replace("_local", ""), times, zone="Europe/Paris").slices
    ]
    assert set(utc) == {first % DAY}
    assert datetime.fromtimestamp(first, UTC).hour == 22


EXCLUSIVE = [
    "none", "nfiles(3)", "drainingn(2)", "nbytes(10)", "nevents(7)", "byexistingruns()",
    "stagedfiles(2)", "mod(3)", "byrun(0)", "new(firsttime=1, window=7s, fts=0)",
    "new_local(firsttime=1, window=13m, fts=0, zone=Europe/Paris)",
]  # fmt: skip
GROWING = [text for text in EXCLUSIVE if not text.startswith(("mod", "byrun", "new"))]
SPRING, AUTUMN = 1_459_040_400, 1_477_789_200  # when Paris changes its clocks
A_FILE = st.builds(
    SplitFile,
    run=st.integers(0, 6),
    time=st.one_of(
        st.floats(2, 60),
        st.floats(SPRING - 9_000, SPRING + 9_000),
        st.floats(AUTUMN - 9_000, AUTUMN + 9_000),
    ),
    bytes=st.integers(0, 25),
    events=st.integers(0, 5),
)


@pytest.mark.parametrize("text", EXCLUSIVE)
@given(files=st.lists(A_FILE, max_size=60))
@settings(deadline=None)
def test_every_file_is_in_exactly_one_slice(text: str, files: list[SplitFile]) -> None:
    shelf = MemoryDataset(files, staged=list(range(len(files))))
    stage = SplitStage(text, shelf, SplitSource(now=2 * AUTUMN)).run()
    assert sorted(stage.all) == list(range(len(files)))
    assert all(stage.ordinals)
    keys = [taken.key for taken in stage.slices if taken.key]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("text", GROWING)
@given(
    steps=st.lists(st.lists(A_FILE, max_size=12), max_size=12),
    random=st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_a_growing_dataset_loses_and_doubles_nothing(
    text: str, steps: list[list[SplitFile]], random: Random
) -> None:
    stage, waiting = SplitStage(text), list[int]()
    for files in steps:
        waiting += range(len(stage.shelf.files), len(stage.shelf.files) + len(files))
        stage.shelf.files += files
        random.shuffle(waiting)
        marked, waiting = waiting[: len(waiting) // 2], waiting[len(waiting) // 2 :]
        stage.shelf.staged += marked
        stage.launch()
    stage.shelf.staged += waiting
    stage.run()
    assert sorted(stage.all) == list(range(len(stage.shelf.files)))


def test_of_a_late_file_byrun_knows_nothing_and_byexistingruns_takes_its_run_again() -> None:
    for text, late in (("byrun", []), ("byexistingruns", [[3]])):
        stage = run_split_of_runs(text, [7, 8, 7])
        assert stage.ordinals == [[0, 2], [1]]
        stage.shelf.files.append(SplitFile(run=7))
        stage.slices.clear()
        assert stage.run().ordinals == late


def test_files_without_a_run_are_in_no_slice_by_runs() -> None:
    runs = [None, 3, None, 3, None]
    assert (
        run_split_of_runs("byrun", runs).all
        == run_split_of_runs("byexistingruns", runs).all
        == [1, 3]
    )
    assert run_split_of_runs("byexistingruns", runs).cursor == 5


def test_slices_by_weight_take_what_fits_and_one_file_at_least() -> None:
    files = [
        SplitFile(bytes=b, events=e) for b, e in [(4, 0), (6, 9), (1, 0), (30, 1), (2, 0), (8, 0)]
    ]
    assert SplitStage("nbytes(10)", MemoryDataset(files)).run().ordinals == [
        [0, 1],
        [2],
        [3],
        [4, 5],
    ]
    assert SplitStage("nevents(9)", MemoryDataset(files)).run().ordinals == [[0, 1, 2], [3, 4, 5]]


def test_nevents_of_a_generator_starts_as_many_jobs_as_fit_into_it() -> None:
    source = SplitSource(generates=True, jobs_per_slice=10, events_per_job=100)
    assert [t.files for t in run_split("nevents(450)", source, most=3).slices] == [4, 4, 4]
    assert [
        t.files for t in run_split("nevents(1e9)".replace("1e9", "9999"), source, 2).slices
    ] == [
        10,
        10,
    ]
    assert [t.files for t in run_split("nevents(1)", source, most=2).slices] == [1, 1]


@given(
    lists=st.lists(st.lists(st.text("ab", min_size=1), min_size=1, max_size=4), max_size=4),
    jobs=st.integers(1, 9),
)
def test_generator_slices_never_overlap_and_have_no_gap(lists: list[list[str]], jobs: int) -> None:
    source = SplitSource(generates=True, parameter_lists=lists, jobs_per_slice=jobs)
    stage = run_split("multiparam()", source)
    size = 1
    for values in lists:
        size *= len(values)
    assert len(stage.slices) == (size if lists else 0)
    assert stage.all == list(range(len(stage.slices) * jobs))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("nfiles", 6), ("nfiles()", 7), ("nfiles(0)", 7), ("nfiles(-1)", 7), ("nfiles(two)", 7),
        ("nfiles(1,2)", 9), ("nfiles(1", 0), ("nosuch(1)", 0), ("nfiles(1); rm -rf /", 0),
        ("nfiles(n=1, n=2)", 11), ("nfiles(m=1)", 7), ("nfiles(99999999999)", 7),
        ("nfiles(\u0663)", 7), ("byrun(low=1,high=1)", 6), ("byrun(low=1,high=x)", 12),
        ("new(window=1y)", 4), ("new(round=1d,window=1h)", 4), ("new(window=0s)", 4),
        ("new(window=1d,zone=Mars/Olympus)", 14), ("new(zone=../../etc/passwd)", 4),
        ("new(window=99999999w)", 4), ("nbytes", 6), ("nbytes(10 parsecs)", 7), ("nbytes(0.1)", 7),
        ("nbytes(1.5.2GB)", 7), ("nbytes(GB)", 7), ("nbytes(2EB)", 7), ("draining(1)", 9),
        ("mod", 3), ("stagedfiles()", 12), ("nevents(0)", 8), ("new(lasttime=yesterday)", 4),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(SplitError) as caught:
        parse_split(text)
    assert caught.value.position == position
    assert caught.value.message


def test_times_and_sizes_are_read_once_into_seconds_and_bytes() -> None:
    given = parse_split("new( window = 2d, round=1h, fts=0, firsttime=5, lasttime=now )").arguments
    assert given == {
        "window": 2 * DAY, "round": 3600, "fts": 0, "localtime": 0, "firsttime": 5, "lasttime": None,
        "zone": None,
    }  # fmt: skip
    assert parse_split("new(1w,1d,30m)").arguments["fts"] == 1800
    sizes = {"10GB": 10**10, "1.5 TiB": 3 * 2**39, "5000000": 5_000_000, "2kb": 2000}
    assert {text: parse_split(f"nbytes({text})").arguments["b"] for text in sizes} == sizes
    assert parse_split("byrun").arguments == {"low": 1, "high": 999_999}


def test_there_may_be_more_later_only_where_time_or_staging_brings_it() -> None:
    assert [n for n in KINDS if n == "stagedfiles" or n.startswith("new")] == [
        name for name in KINDS if KINDS[name].waits
    ]
    assert parse_split("new").waits
    assert not parse_split("new(lasttime=5)").waits


@given(st.text(max_size=40))
def test_any_text_is_a_split_or_a_split_error(text: str) -> None:
    said: SplitError | None = None
    try:
        assert parse_split(text).name in KINDS
    except SplitError as e:
        said = e
    assert said is None or 0 <= said.position <= len(text)


@given(
    name=st.sampled_from(sorted(KINDS)),
    inside=st.text("0123456789=,.wdhmGBielnortwzk ", max_size=30),
)
def test_any_arguments_are_read_or_refused(name: str, inside: str) -> None:
    text = f"{name}({inside})"
    said: SplitError | None = None
    stage = SplitStage(
        text, MemoryDataset([SplitFile(run=1, time=50, bytes=1)]), SplitSource(now=100)
    )
    try:
        stage.launch()
    except SplitError as e:
        said = e
    assert said is None or 0 <= said.position <= len(text)
    assert stage.all in ([], [0])
