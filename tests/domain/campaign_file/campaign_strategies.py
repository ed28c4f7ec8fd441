"""Campaigns of all kinds, for properties of the campaign file."""

from typing import Any
from unicodedata import normalize

from hypothesis import strategies as st

from domain.campaigns.campaign_file.keys import LAUNCH_SCRIPT
from domain.campaigns.campaign_file.reading import CampaignFile, FileSetup
from domain.campaigns.plans import CampaignPlan, PlanEdge, StagePlan
from domain.campaigns.stages import Completion, StageKind
from domain.setup.job_types import JobKind, JobTypeDefinition, LoginSetupDefinition

TEXT = st.one_of(
    st.sampled_from(["", "None", "a b", " a ", "x\n[campaign]\n", "# no", "a;b", "%(x)s", '["[]"]', "é\u2028", "\t\r"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)  # fmt: skip
NAME = st.one_of(
    st.sampled_from(["gen", "reco", "a b", "x]", "[y", "#z", "None", "stage: 1", "@"]),
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=8).map(
        lambda text: normalize("NFC", text).strip() or "x"
    ),
)
PAIRS = st.lists(st.tuples(TEXT, TEXT).map(list), max_size=3)
RECOVERIES = st.lists(
    st.builds(
        lambda overrides, rounds, more: {
            "type": "pending_files", "overrides": overrides, "rounds": rounds, "factors": {}, "least_share": 0,
            "most_share": 100, "patterns": [], "depth": 1, **more,
        },
        PAIRS.map(lambda found: [pair for pair in found if any(pair)]), st.integers(1, 3),
        st.sampled_from([{}, {"factors": {"cpus": 2.0}}, {"patterns": ["*.root"], "depth": 2}, {"most_share": 50}]),
    ), max_size=2,
)  # fmt: skip
PATTERNS = st.lists(st.sampled_from(["*.root", "a_b*", "[[]x", "[ab]*", "a,b", "x y"]), max_size=2)
SPLIT = st.sampled_from(["none", "nfiles(2)", "multiparam()", "list", "List()", "odd"])
EDGE_PATTERNS = PATTERNS | st.lists(st.sampled_from(["%?", "a%%b", "%.root", "a_%"]), max_size=2)
KEYWORDS = st.dictionaries(st.sampled_from(["pot", "x", "dataset"]), TEXT, max_size=2)
STAGE = st.fixed_dictionaries(
    {
        "job_type": st.sampled_from(["reco", "fife launch", ""]),
        "login_setup": NAME,
        "kind": st.sampled_from(StageKind),
        "dataset": st.one_of(st.none(), NAME),
        "parameter_lists": st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=2),
        "split": SPLIT | st.just(""),
        "test_split": st.one_of(st.none(), st.just("nfiles(1)")),
        "software_version": TEXT,
        "parameters": PAIRS,
        "test_parameters": PAIRS,
        "files_per_job": st.integers(0, 9),
        "bytes_per_job": st.sampled_from([None, 10**10]),
        "events_per_job": st.one_of(st.none(), st.integers(1, 2**40)),
        "completion": st.sampled_from(Completion),
        "completion_pct": st.sampled_from([95, 100, 500, -1]),
        "recoveries": st.one_of(st.none(), RECOVERIES),
        "resources": st.dictionaries(st.sampled_from(["cpus", "memory_mb"]), st.integers(1, 9), max_size=2),
        "batch_options": st.sampled_from([{}, {"container": "sl7"}, {"attributes": [["A", "1"]]}]),
        "most_unfinished": st.one_of(st.none(), st.just(3)),
        "most_jobs": st.one_of(st.none(), st.just(500)),
        "merge_overrides": st.booleans(),
        "output_ancestor_depth": st.sampled_from([1, 2, 0]),
        "until_exhausted": st.sampled_from([None, True, False]),
    }
)  # fmt: skip


def draw_job_type(
    words: list[str], kind: dict[str, Any], more: dict[str, Any]
) -> JobTypeDefinition:
    return JobTypeDefinition(name="reco", command=words, **kind, **more)


JOB_TYPE = st.builds(
    draw_job_type,
    st.lists(TEXT, max_size=3).map(lambda words: ["fife_launch", *words])
    | st.sampled_from(["setup x; run -c y", "run %% (z)", "'"]).map(
        lambda script: ["bash", "-c", f'{script} "$@"', "launch"]
    ),
    st.sampled_from([{}, {"kind": JobKind.SCRIPT}, LAUNCH_SCRIPT]),
    st.fixed_dictionaries({
        "parameters": PAIRS.map(lambda found: [pair for pair in found if any(pair)]),
        "output_check": st.lists(TEXT, max_size=2),
        "patterns": PATTERNS,
        "recoveries": RECOVERIES,
        "resources": st.sampled_from([{}, {"cpus": 2}]),
    }),
)  # fmt: skip
SETUP = st.builds(
    lambda name, lines, host: FileSetup(LoginSetupDefinition(name=name, account="prod", setup=lines), host),
    NAME, st.lists(TEXT, max_size=2), st.sampled_from(["", "node1.example.org"]),
)  # fmt: skip


@st.composite
def draw_campaign(draw: st.DrawFn) -> CampaignFile:
    """A campaign with dependencies in the order of its stages, sound or not."""
    names = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    ends = st.tuples(NAME | st.sampled_from(names), st.sampled_from([*names, "not there"]))
    found = draw(st.lists(ends, max_size=4, unique=True))
    order = {name: n for n, name in enumerate(names)}
    found.sort(key=lambda edge: order.get(edge[1], len(order)))
    kept = draw(st.booleans())
    defaults = {
        "cs_split_type": draw(SPLIT),
        "dataset_or_split_data": "a, b",
        "software_version": "v1",
    }
    plan = CampaignPlan(
        name=draw(NAME),
        description=draw(TEXT),
        parameters=draw(PAIRS),
        keywords=[list(pair) for pair in draw(KEYWORDS).items()],
        stages=[StagePlan(name=name, **draw(STAGE)) for name in names],
        dependencies=[PlanEdge(*edge, draw(EDGE_PATTERNS)) for edge in found],
        verbatim={
            f"campaign_stage {names[0]}": {"vo_role": "Analysis"},
            "campaign_defaults": defaults,
        }
        if kept
        else {},
    )
    return CampaignFile(
        plan=plan,
        job_types=draw(st.lists(JOB_TYPE, max_size=1)),
        login_setups=draw(st.lists(SETUP, max_size=1)),
        active=draw(st.sampled_from([None, True, False])),
        experiment="hypot",
    )
