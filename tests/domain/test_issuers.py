"""The file of issuers: what is wrong in it is named by its place, and which roles claims stand for."""

import tomllib
from typing import Any

import pytest

from auth import Viewer, may_act, may_at_all
from domain.people.issuers import Issuer, WrongIssuers, read_issuer_file
from domain.people.token_bounds import SCOPE_ACTIONS, TokenBounds, TokenScope, bound_service_token
from domain.permissions import GRANTS, Role, check_grants

GOOD = """
service_url = "https://poms.test"
[[issuer]]
name = "lab"
url = "https://issuer.test"
audience = "https://poms.test"
role = [
  { claim = "groups", value = "/nova/super", experiment = "nova", role = "superuser" },
  { claim = "groups", value = "/nova", experiment = "nova", role = "analysis" },
  { claim = "scope", value = "compute.create", experiment = "dune", role = "production" },
]
"""


def read_issuer(text: str) -> Issuer:
    (issuer,) = read_issuer_file(tomllib.loads(text)).issuers
    return issuer


WRONG = [
    ('url = "https://issuer.test"', 'url = "http://issuer.test"', "issuer 1: url: .*https"),
    ('url = "https://issuer.test"', 'url = "https://127.0.0.1"', "issuer 1: url: .*own machine"),
    ('url = "https://issuer.test"', 'url = "https://issuer.test"\nkeys_url = "https://[::1]/"', "issuer 1: keys_url"),
    ('url = "https://issuer.test"', 'url = "poms"', "issuer 1: name|issuer 1: url"),
    ('name = "lab"', 'name = "poms"', "issuer 1: name"),
    ('name = "lab"', 'name = "lab"\nalgorithms = ["HS256"]', "issuer 1: algorithms: 'HS256'"),
    ('name = "lab"', 'name = "lab"\nalgorithms = ["none"]', "issuer 1: algorithms: 'none'"),
    ('name = "lab"', 'name = "lab"\nskew_s = 3000', "issuer 1: skew_s"),
    ('name = "lab"', 'name = "lab"\nskew_s = "5"', "issuer 1: skew_s has to be a whole number"),
    ('name = "lab"', 'name = "lab"\nclient_id = "https://poms.test"', "issuer 1: audience: It is the client_id"),
    ('name = "lab"', 'name = "lab"\nadopt = true', "issuer 1: there is no 'adopt'"),
    ('audience = "https://poms.test"', "", "issuer 1: audience"),
    ('role = "superuser"', 'role = "boss"', "issuer 1: role 1: role: 'boss'"),
    ('experiment = "dune"', 'experiment = "No Name"', "issuer 1: role 3: experiment"),
    ('service_url = "https://poms.test"', "session_hours = 0", "session_hours"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), WRONG)
def test_what_is_wrong_in_the_file_is_named_by_its_place(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(WrongIssuers, match=said):
        read_issuer(GOOD.replace(old, new))


def test_two_issuers_are_told_apart_and_browsers_need_a_place_to_come_back_to() -> None:
    with pytest.raises(WrongIssuers, match="same name"):
        read_issuer_file(
            tomllib.loads(GOOD + GOOD.partition("[[issuer]]")[1] + GOOD.partition("[[issuer]]")[2])
        )
    with pytest.raises(WrongIssuers, match="service_url"):
        read_issuer('[[issuer]]\nname = "a"\nurl = "https://issuer.test"\nclient_id = "c"')


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"groups": ["/nova", "/nova/super"]}, {"nova": Role.SUPERUSER}),
        ({"groups": ["/nova"], "scope": "openid compute.create"}, {"nova": Role.ANALYSIS, "dune": Role.PRODUCTION}),
        ({"groups": "/nova/other /nov"}, {}),
        ({"groups": {"/nova": 1}, "scope": 5}, {}),
        ({"scope": "compute.create:/"}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_claims_stand_for_the_roles_of_the_table_alone(claims: Any, roles: Any) -> None:
    assert read_issuer(GOOD).find_roles(claims) == roles


ALL = [
    (action, owning, owns)
    for action in GRANTS
    for owning in (None, *Role)
    for owns in (True, False)
]  # fmt: skip


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("said", Role)
def test_a_token_is_good_for_what_both_roles_allow(role: Role, said: Role) -> None:
    bounds = TokenBounds(mapped=frozenset({1, 2}), said=frozenset({(1, said)}))
    roles = bounds.bound_roles({1: role, 2: role, 3: role})
    assert roles == {1: role, 3: role}
    viewer = Viewer(1, "me", roles=roles, bounds=bounds)
    for action, owning, owns in ALL:
        owner = None if action == "create" else (1 if owns else 9)
        both = all(
            check_grants(action, each, owning, owns=owns or action == "create")
            for each in (role, said)
        )
        assert may_act(viewer, action, 1, owner, owning) is both, (action, owning, owns)
        assert not may_act(viewer, action, 2, owner, owning)
        assert not both or may_at_all(viewer, action)


def test_a_service_token_is_good_for_its_scopes_in_its_experiment() -> None:
    service = bound_service_token(1, ["launch"])
    assert service.bound_roles({1: Role.PRODUCTION, 2: Role.SUPERUSER}) == {1: Role.PRODUCTION}
    assert [action for action in GRANTS if service.allows(action)] == ["view", "launch"]
    scoped = set().union(*SCOPE_ACTIONS.values())
    assert not scoped & {"admin", "manage_members", "manage_tokens", "create", "modify"}
    assert set(SCOPE_ACTIONS) == set(TokenScope)
