"""The walk: every field of the roots x everybody x objects of all owners, another experiment's and unknown ones.

What isn't yours to see is answered as what isn't there; what you see but may not do changes nothing.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

import auth
from auth import may_act
from db.clock import read_time
from db.launching import slices
from db.launching.slice_claims import LaunchRequest
from db.pool import Pool
from domain.permissions import Role
from schema.context import AppState, Context
from tests.factories import CAMPAIGN, HOST, SETUP, Factory
from tests.forced_states import force_state
from tests.resolvers.conftest import SECRET
from tests.resolvers.test_permissions import (
    REQUEST,
    ROOTS,
    SERVED,
    ask_root_field,
    build_question,
)

Make = Callable[[str], Awaitable[Context]]

OWNED = {
    **dict.fromkeys(
        ("changeLoginSetup", "changeJobType", "refreshDataset", "decideListing",
         "renameCampaign", "renameStage", "setCampaignTags",
         "setCampaignActive", "resetStage", "moveCursor", "setSchedule", "setLaunchLimits", "saveCampaign",
         "deleteCampaign", "checkDatasetFiles", "saveRequest", "submitRequest", "cancelRequest",
         "finishRequest"),
        "modify",
    ),
    **dict.fromkeys(("addFiles", "markFiles"), "report"),
    **dict.fromkeys(("launchStage", "launchCampaign", "launchRecovery", "launchLate", "checkLaunchFiles"), "launch"),
    **dict.fromkeys(
        ("repairDiscrepancy", "dismissDiscrepancy", "holdLaunches", "releaseLaunches", "setPriority",
         "cancelSubmission", "holdSubmission", "releaseSubmission", "kickSubmission", "waiveInputs"),
        "operate",
    ),
    **dict.fromkeys(("changeCredential", "removeCredential"), "own"),
}  # fmt: skip
"""Mutations of one object → what its owner and owning role have to let somebody do to it."""
OF_EXPERIMENT = {
    "setMembership": "manage_members", "handOver": "manage_members", "createLaunchHost": "manage_members",
    "saveCatalog": "manage_members", "setExperimentFolders": "admin", "setExperimentLinks": "manage_members",
    "setExperimentSummaries": "manage_members", "setApprovalRules": "manage_members",
}  # fmt: skip
"""Mutations of an experiment → what somebody has to be allowed in it."""
OF_SERVICE = {
    "addPerson", "setPersonActive", "setPersonAdmin", "createExperiment", "pauseBatchSystem", "resumeBatchSystem",
    "confirmInstallation",
}  # fmt: skip
"""Mutations for service admins."""
OWN = {
    "revokeTokens", "createCredential", "createLoginSetup", "createJobType", "createDataset", "importCampaign",
    "cloneCampaign", "repairDiscrepancies", "dismissDiscrepancies", "allowAccounts", "changeLaunchHost",
    "setBatchAllowance", "removeUpload", "createRequest", "setDelegate", "approveRequest", "returnRequest",
    "rejectRequest", "withdrawDecision",
    "createServiceToken", "revokeServiceToken",
}  # fmt: skip
"""Mutations of what is the viewer's own, or of what they may among what a filter finds."""
SEEN = {
    "node", "viewer", "experiments", "experiment", "launchHosts", "credentials", "credentialsInNeed",
    "loginSetups", "jobTypes", "catalogs", "catalog",
    "datasets", "dataset", "file", "discrepancies", "stage", "campaign", "campaigns",
    "previewSplit", "previewLaunch", "previewJoin", "effectiveParameters", "submission", "job", "submissions",
    "launchQueue", "launchHolds", "planRecovery", "campaignProgress", "launchOutput", "head", "submissionTriage",
    "stageTriage", "batchSystems", "installation", "batchAllowances", "uploads", "datasetNamed",
    "request", "requestNamed", "requests", "requestRevisions", "approvalRules",
    "serviceTokens",
}  # fmt: skip
WATCHED = {"changes", "submissionChanged", "campaignProgress", "launchOutput"}
WALK = {
    "query": SEEN,
    "mutation": {*OWNED, *OF_EXPERIMENT, *OF_SERVICE, *OWN},
    "subscription": WATCHED,
}


@pytest.mark.parametrize("kind", ROOTS)
def test_the_walk_knows_every_field(kind: str) -> None:
    """Who adds a field says here whom it is for, and it is walked with all others."""
    assert set(ROOTS[kind].fields) == WALK[kind]


@dataclass
class Belongings:
    """One of everything that somebody has in an experiment, as values of arguments."""

    known: dict[str, str]
    nodes: dict[str, str] = field(default_factory=dict)
    experiment_id: int = 0
    owner_id: int = 0
    owning_role: Role | None = None


PEOPLE = """
    WITH p AS (
        INSERT INTO person (username) VALUES ('pia'), ('abe'), ('olga'), ('nemo'), ('pat') RETURNING id, username
    )
    INSERT INTO membership (person_id, experiment_id, role)
    SELECT p.id, e.id, m.role::role
      FROM (VALUES ('pia', 'hypot', 'production'), ('abe', 'hypot', 'analysis'), ('olga', 'other', 'superuser'),
                   ('pat', 'hypot', 'production')) AS m (username, experiment, role)
      JOIN p USING (username) JOIN experiment e ON e.name = m.experiment
"""
OWNERS = {
    "anna": ("hypot", Role.PRODUCTION), "pia": ("hypot", Role.PRODUCTION), "sam": ("hypot", Role.SHIFTER),
    "alan": ("hypot", Role.ANALYSIS), "abe": ("hypot", Role.ANALYSIS), "otto": ("other", Role.PRODUCTION),
}  # fmt: skip
ROLES = """
    WITH job AS (UPDATE job_type SET owning_role = $2 WHERE owner_id = $1),
         setup AS (UPDATE login_setup SET owning_role = $2 WHERE owner_id = $1),
         dataset AS (UPDATE dataset SET owning_role = $2 WHERE owner_id = $1),
         request AS (UPDATE request SET owning_role = $2 WHERE owner_id = $1)
    UPDATE campaign SET owning_role = $2 WHERE owner_id = $1
"""
CREDENTIAL = """
    INSERT INTO credential (experiment_id, owner_id, name, kind, owning_role)
    SELECT $1, $2, $3, 'token',
           coalesce((SELECT role FROM membership WHERE experiment_id = $1 AND person_id = $2), 'production')
    RETURNING id
"""
OUTSIDE = """
    INSERT INTO catalog (experiment_id, name, kind, url) VALUES ($1, $2, 'sam', 'https://topsecret') RETURNING id
"""
TOKEN = """
    INSERT INTO service_token (experiment_id, person_id, name, scopes, token_id, token_hash, expires_at)
    VALUES ($1, $2, $3, '{read}', gen_random_uuid(), $3::text::bytea, now() + interval '1 day') RETURNING id
"""
HOLD = """
    INSERT INTO launch_hold (experiment_id, campaign_id, reason, held_by) VALUES ($1, $2, 'topsecret', $3)
    RETURNING id
"""


async def make_belongings(db: Pool, username: str, number: int) -> Belongings:
    """Give somebody one of everything."""
    experiment, role = OWNERS[username]
    person = await db.fetchval("SELECT id FROM person WHERE username = $1", username)
    where = await db.fetchval("SELECT id FROM experiment WHERE name = $1", experiment)
    host = await db.fetchval(HOST.replace("'here'", "$2"), where, f"host-{username}")
    setup = await db.fetchval(SETUP.replace("'setup'", "$4"), where, host, person, f"s-{username}")
    campaign = await db.fetchval(CAMPAIGN, where, f"campaign-{username}", person)
    plant = Factory(db, where, person, setup, campaign, number * 1000)
    dataset = await plant.dataset(f"data-{username}")
    await plant.rows(dataset, 5)
    stage = await plant.stage(f"work-{username}", ["true"], dataset_id=dataset, split="nfiles(2)")
    request = await db.fetchval(REQUEST, where, person)
    await db.execute(ROLES, person, role)
    made = await slices.launch_next(db, stage, LaunchRequest(person))
    assert made.submission
    id = made.submission.id
    await force_state(db, "running", "id = $1", id)
    credential = await db.fetchval(CREDENTIAL, where, person, f"token-{username}")
    catalog = await db.fetchval(OUTSIDE, where, f"catalog-{username}")
    token = await db.fetchval(TOKEN, where, person, f"script-{username}")
    hold = await db.fetchval(HOLD, where, campaign, person)
    found = await db.fetchval(FOUND, id, where, f"mark-{username}")
    job_type = await db.fetchval("SELECT job_type_id FROM stage WHERE id = $1", stage)
    file = await db.fetchval("SELECT min(file_id) FROM dataset_file WHERE dataset_id = $1", dataset)
    nodes = {
        "experiment": where, "campaign": campaign, "stage": stage, "submission": id, "dataset": dataset,
        "file": file, "job_type": job_type, "login_setup": setup, "launch_host": host,
        "request": request,
        "credential": credential, "catalog": catalog, "launch_hold": hold, "discrepancy": found, "person": person,
        "service_token": token,
    }  # fmt: skip
    names = {
        "experiment": experiment, "name": f"campaign-{username}", "username": username, "to": username,
    }  # fmt: skip
    return Belongings(
        names | build_arguments(nodes),
        {k: f"{k}:{v}" for k, v in nodes.items()},
        where,
        person,
        role,
    )


FOUND = """
    INSERT INTO discrepancy (kind, batch_system, native_id, mark, submission_id, experiment_id, jobs, started,
                             details, repair)
    VALUES ('duplicate_cluster', 'local', $3, $3, $1, $2, 1, false, 'topsecret', 'remove') RETURNING id
"""


def build_arguments(nodes: dict[str, int]) -> dict[str, str]:
    """Ids by the names of arguments."""
    found = {re.sub("_(.)", lambda m: m[1].upper(), k) + "Id": f"{k}:{v}" for k, v in nodes.items()}
    job, submission = f"job:{nodes['submission']}.1", found["submissionId"]
    more = {"job": job, "id": submission, "reason": "because"}
    # Launch hosts by ssh: local ones are for service admins.
    return found | more | {"createdBy": found["personId"], "HostKind": "SSH"}


@pytest.fixture
async def all_of(db: Pool, hypot: int) -> dict[str, Belongings]:
    """What each owner has."""
    assert hypot
    await db.execute(PEOPLE)
    return {name: await make_belongings(db, name, n) for n, name in enumerate(OWNERS)}


@pytest.fixture
def unknown(all_of: dict[str, Belongings]) -> Belongings:
    """Ids and names of nothing."""
    kinds = dict.fromkeys(all_of["otto"].nodes, 777_777_777)
    names = dict.fromkeys(("experiment", "name", "username", "to"), "nowhere")
    return Belongings(names | build_arguments(kinds), {k: f"{k}:{v}" for k, v in kinds.items()})


@pytest.fixture
async def fed(app_state: AppState, redis: Redis) -> AsyncIterator[AppState]:
    async with app_state.feed.running(redis):
        yield app_state


DIGESTS = """
    SELECT coalesce(string_agg(format('SELECT %L, count(*), sum(hashtext(x::text)) FROM %I x', c.relname, c.relname),
                               ' UNION ALL '), '')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


async def read_contents(db: Pool) -> set[tuple[Any, ...]]:
    """What is in every table, in short."""
    return {tuple(row) for row in await db.fetch(await db.fetchval(DIGESTS))}


def mask_answer(answer: Any, known: dict[str, str]) -> str:
    """An answer without what was asked for, and without times, which pass meanwhile."""
    text = json.dumps(answer, default=str)
    for value in sorted({*known.values()}, key=len, reverse=True):
        text = re.sub(rf"(?<![\w:]){re.escape(value)}(?!\w)", "…", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[^\"]*", "time", text)


async def list_differences(
    context: Callable[[], Awaitable[Context]], there: Belongings, not_there: Belongings
) -> list[tuple[str, str, str]]:
    """Fields that answer otherwise where something is than where nothing is."""
    found = []
    for kind, root in ROOTS.items():
        for name in root.fields:
            answers = [
                mask_answer(await ask_root_field(await context(), kind, name, one.known), one.known)
                for one in (there, not_there)
            ]
            if answers[0] != answers[1]:
                found.append((name, *answers))
    for noun in there.nodes:
        query = "query ($id: ID!) { node(id: $id) { __typename id } }"
        asked = [
            await SERVED.execute(query, {"id": one.nodes[noun]}, await context())
            for one in (there, not_there)
        ]
        told = [f"{(one.data or {}).get('node')} {one.errors}" for one in asked]
        if told[0] != told[1] or not told[0].startswith("None"):
            found.append((f"node {noun}", *told))
    return found


STRANGERS = [
    *((who, "otto") for who in ("nemo", "alan", "sam", "anna", "sue")),
    *((who, of) for who in ("nemo", "olga", "otto") for of in ("anna", "alan")),
]


@pytest.mark.usefixtures("fed")
@pytest.mark.parametrize(("who", "of"), STRANGERS)
async def test_what_is_not_yours_to_see_is_answered_as_what_is_not_there(
    context: Make, db: Pool, all_of: dict[str, Belongings], unknown: Belongings, who: str, of: str
) -> None:
    before = await read_contents(db)
    found = await list_differences(lambda: context(who), all_of[of], unknown)
    assert found == []
    assert await read_contents(db) == before


@pytest.mark.usefixtures("fed")
@pytest.mark.parametrize("how", ["inactive", "revoked"])
async def test_whose_rights_are_gone_is_a_stranger_on_open_sockets_and_not_let_in(
    app_state: AppState, db: Pool, all_of: dict[str, Belongings], unknown: Belongings, how: str
) -> None:
    token = auth.LocalTokens(SECRET).issue("pat", timedelta(hours=1), await read_time(db))
    viewer = await app_state.viewers.of(token)
    fresh = asyncio.create_task(app_state.viewers.keep_fresh())
    sets = {"inactive": "active = false", "revoked": "tokens_since = clock_timestamp()"}
    await db.execute(f"UPDATE person SET {sets[how]} WHERE username = 'pat'")
    app_state.viewers.reload_viewers()
    async with asyncio.timeout(10):
        while app_state.viewers.now(viewer).roles:
            await asyncio.sleep(0.01)
    fresh.cancel()

    async def context() -> Context:
        return Context(app_state, viewer)

    before = await read_contents(db)
    assert await list_differences(context, all_of["anna"], unknown) == []
    assert await read_contents(db) == before
    with pytest.raises(auth.AuthError):
        await app_state.viewers.of(token)


def is_allowed(viewer: auth.Viewer, name: str, of: Belongings) -> bool:
    """Whether somebody may do this to these belongings, by the table."""
    if name in OF_SERVICE:
        return viewer.is_admin
    if name in OF_EXPERIMENT:
        return may_act(viewer, OF_EXPERIMENT[name], of.experiment_id)
    if name in OWN:
        return True
    if OWNED[name] == "own":
        superuser = viewer.roles.get(of.experiment_id) is Role.SUPERUSER
        return viewer.is_admin or superuser or viewer.person_id == of.owner_id
    return may_act(viewer, OWNED[name], of.experiment_id, of.owner_id, of.owning_role)


MEMBERS = ["alan", "sam", "anna", "sue", "ada"]
LAST = (
    "removeCredential",
    "deleteCampaign",
    "setMembership",
    "setPersonActive",
    "setPersonAdmin",
    "handOver",
)


@pytest.mark.parametrize("who", MEMBERS)
async def test_what_you_see_and_may_not_do_is_not_permitted_and_changes_nothing(
    context: Make, db: Pool, all_of: dict[str, Belongings], who: str
) -> None:
    viewer = (await context(who)).viewer
    pairs = [
        (name, of)
        for name in sorted(WALK["mutation"] - OWN, key=lambda name: (name in LAST, name))
        for of in OWNERS
        if OWNERS[of][0] == "hypot"
    ]
    denied = [(name, of) for name, of in pairs if not is_allowed(viewer, name, all_of[of])]
    before, wrong = await read_contents(db), []
    for name, of in denied:
        answer = await ask_root_field(await context(who), "mutation", name, all_of[of].known)
        if (answer or {}).get("__typename") != "NotPermitted":
            wrong.append((name, of, answer, build_question("mutation", name, all_of[of].known)[1]))
    assert wrong == []
    assert await read_contents(db) == before
    assert bool(denied) is not viewer.is_admin
    for name, of in [pair for pair in pairs if pair not in denied and pair[0] not in LAST]:
        if name in OF_SERVICE:
            continue
        answer = await ask_root_field(await context(who), "mutation", name, all_of[of].known)
        if (answer or {}).get("__typename") in ("NotPermitted", "NotFound"):
            wrong.append((name, of, answer, build_question("mutation", name, all_of[of].known)[1]))
    assert wrong == []


@pytest.mark.parametrize("who", MEMBERS)
async def test_members_see_what_strangers_do_not(
    context: Make, all_of: dict[str, Belongings], who: str
) -> None:
    """Otherwise the walk would prove nothing."""
    for of in ("anna", "abe"):
        for noun, id in all_of[of].nodes.items():
            query = "query ($id: ID!) { node(id: $id) { id } }"
            result = await SERVED.execute(query, {"id": id}, await context(who))
            assert not result.errors, result.errors
            is_seen = noun != "service_token" or who in (
                of,
                "sue",
                "ada",
            )  # superusers see everybody's
            assert (result.data or {})["node"] == ({"id": id} if is_seen else None), noun
