"""Making, listing and revoking tokens for scripts."""

from datetime import timedelta
from uuid import uuid4

import strawberry

from auth import LONGEST, MANAGE_TOKENS
from db.people import service_tokens
from db.people.service_tokens import ServiceToken as Row
from domain.names import check_name
from door.describe import declare_object_type
from door.pages import Connection as Page
from identity.service_tokens import hash_token, make_secret
from resolvers import nodes, tenants
from resolvers.mutations import add_after_commit, begin_change, declare_mutation
from resolvers.people.leaving import build_actor
from schema.context import Info
from schema.fields import declare_query
from schema.ids import parse_node_id
from schema.lists import ListPart, page_by_number
from schema.people.service_tokens import (
    CreateServiceTokenInput,
    CreateServiceTokenResult,
    RevokeServiceTokenResult,
    ServiceToken,
    ServiceTokenCreated,
    ServiceTokenRevoked,
)
from schema.problems import Invalid, NotFound, NotPermitted

MOST_GOOD = 50
"""So many of one person hold at once in an experiment."""


@declare_object_type
class ServiceTokenQueries:
    """Reading what is known of tokens for scripts."""

    @declare_query()
    async def service_tokens(
        self,
        info: Info,
        experiment: str,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[ServiceToken] | None:
        """Your tokens for scripts in an experiment, the newest first; its superusers see everybody's. Null where you
        don't see it."""
        row = await tenants.find_visible_experiment(info, experiment)
        if row is None:
            return None
        is_manager = info.context.allows("manage_members", row.id)
        whose = row.id, None if is_manager else info.context.viewer.person_id

        async def fetch(start: int, limit: int, backwards: bool) -> list[Row]:  # noqa: FBT001 - the page's contract
            db = info.context.db
            return await service_tokens.page(db, whose, start, limit, backwards=backwards)

        part = ListPart(first, after, last, before)
        return await page_by_number(
            part, fetch, ServiceToken.of, lambda each: each.id, falling=True
        )


@declare_object_type
class ServiceTokenMutations:
    """Making and revoking tokens for scripts."""

    @declare_mutation(MANAGE_TOKENS)
    async def create_service_token(
        self,
        info: Info,
        input: CreateServiceTokenInput,  # noqa: A002
    ) -> CreateServiceTokenResult:
        """Make a token for a script, in your name and in an experiment that you are in."""
        experiment = await tenants.find_experiment(info, input.experiment)
        if isinstance(experiment, NotFound | NotPermitted):
            return experiment
        person_id = info.context.viewer.person_id
        if wrong := _check_input(info, experiment.id, input):
            return wrong
        conn, token = await begin_change(), make_secret()
        if await service_tokens.count_good(conn, experiment.id, person_id) >= MOST_GOOD:
            said = f"{MOST_GOOD} tokens of yours hold in {experiment.name} already: revoke some."
            return Invalid(message=said, field="experiment")
        row = await service_tokens.create(
            conn,
            (experiment.id, person_id),
            input.name,
            list(dict.fromkeys(scope.value for scope in input.scopes)),
            (uuid4(), hash_token(token)),
            timedelta(days=input.days),
        )
        return ServiceTokenCreated.of(row, token)

    @declare_mutation(MANAGE_TOKENS)
    async def revoke_service_token(
        self, info: Info, id: strawberry.ID, reason: str
    ) -> RevokeServiceTokenResult:
        """Make a token for scripts good for nothing: yours, or as a superuser anybody's in the experiment."""
        key = parse_node_id(id, "service_token")
        row = None if key is None else await _find_seen_token(info, key)
        if row is None:
            return tenants.report_unknown("service token", id)
        by = build_actor(info, reason)
        if isinstance(by, Invalid):
            return by
        changed = await service_tokens.revoke_token(await begin_change(), row.id, by)
        add_after_commit(info.context.read_viewers_anew)
        now = await info.context.load.service_token.load(row.id)
        return ServiceTokenRevoked(service_token=ServiceToken.of(now or row), changed=changed)


def _check_input(info: Info, experiment_id: int, given: CreateServiceTokenInput) -> Invalid | None:
    checks = {
        "experiment": None
        if experiment_id in info.context.viewer.roles
        else "You have no role in it, and a token of yours had none.",
        "name": check_name(given.name),
        "scopes": None if given.scopes else "Say what it is for: one scope at least.",
        "days": None if 0 < given.days <= LONGEST.days else f"It is 1 to {LONGEST.days} days.",
    }
    field = next((field for field, said in checks.items() if said), None)
    return Invalid(message=str(checks[field]), field=field) if field else None


async def _find_seen_token(info: Info, key: int) -> Row | None:
    """Tokens are seen by their owners, and by who manages the experiment's members."""
    row = await info.context.load.service_token.load(key)
    if row is None or not info.context.allows("view", row.experiment_id):
        return None
    is_own = row.person_id == info.context.viewer.person_id
    return row if is_own or info.context.allows("manage_members", row.experiment_id) else None


async def _find_token_node(info: Info, key: int) -> ServiceToken | None:
    row = await _find_seen_token(info, key)
    return None if row is None else ServiceToken.of(row)


nodes.register_kind("service_token", _find_token_node)
