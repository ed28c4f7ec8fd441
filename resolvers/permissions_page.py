"""`docs/permissions.md`: who may do what, written from the tables that decide it."""

import re
from collections.abc import Iterator, Sequence

from strawberry.types.base import get_object_definition

from auth import ANYBODYS
from domain.people.token_bounds import SCOPE_ACTIONS, TokenScope
from domain.permissions import GRANTS, Role
from door.rules import RULE

INTRODUCTION = """# Who may do what

Written by `python -m app schema` from `domain/permissions.py`, `domain/people/token_bounds.py` and the rules of the
fields: change those, not this page. `tests/resolvers/test_walk.py` asks every field as everybody, for objects of every
owner, of another experiment and of nobody, and compares.

What is not here is denied. Service admins may do everything, in every experiment, unless their token has bounds. What
somebody may not see is answered as what is not there. Campaigns, job types, login setups and datasets have an owner and
an owning role; what a campaign launches and has launched is its owner's. Credentials and service tokens are changed by
their owners and by superusers.

## Role, action, owning role
"""
SCOPES = """
## Scopes of service tokens

A service token is good in one experiment, for these actions, as far as its owner may there. `read` belongs to each. No
token that has bounds (service tokens, tokens of issuers outside) is good for service admins' work or for
`manage_tokens`.
"""
FIELDS = """
## Action, noun, field

The action has to be allowed in the experiment of what the field is about, and for its owner and owning role. `sign_in`
and `manage_tokens` everybody may, of their own things. What is shown of others is only what one sees.
"""


def render_permissions_page(roots: Sequence[type]) -> str:
    """The page, of the fields of these: queries, mutations, subscriptions."""
    parts = (
        INTRODUCTION,
        *_list_grant_rows(),
        SCOPES,
        *_list_scope_rows(),
        FIELDS,
        *_list_field_rows(roots),
    )
    return "\n".join(parts) + "\n"


def _list_grant_rows() -> Iterator[str]:
    yield f"| action | {' | '.join(Role)} | service admin |"
    yield "|---" * (len(Role) + 2) + "|"
    for action in GRANTS:
        cells = (_describe_grants(action, role) for role in Role)
        yield f"| `{action}` | {' | '.join(cells)} | all |"
    for action in sorted(ANYBODYS):
        yield f"| `{action}` | {' | '.join('own' for _ in Role)} | {'all' if action != 'sign_in' else 'own'} |"


def _describe_grants(action: str, role: Role) -> str:
    said = []
    for grant in (each for each in GRANTS[action] if each.role is role):
        whose = "all" if grant.owning_role is None else f"of {grant.owning_role}"
        said.append(f"{whose}, if own" if grant.own else whose)
    return "; ".join(said) or "no"


def _list_scope_rows() -> Iterator[str]:
    yield "| scope | actions |"
    yield "|---|---|"
    for scope in TokenScope:
        yield f"| `{scope}` | {', '.join(f'`{action}`' for action in sorted(SCOPE_ACTIONS[scope]))} |"


def _list_field_rows(roots: Sequence[type]) -> Iterator[str]:
    yield "| action | noun | fields |"
    yield "|---|---|---|"
    found: dict[tuple[str, str], dict[str, None]] = {}
    for kind in roots:
        for noun, name, action in _list_fields(kind):
            found.setdefault((action, noun), {})[f"`{name}`"] = None
    order = [*sorted(ANYBODYS), *GRANTS]
    for action, noun in sorted(found, key=lambda key: (order.index(key[0]), key[1])):
        yield f"| `{action}` | {noun} | {', '.join(found[action, noun])} |"


def _list_fields(kind: type) -> Iterator[tuple[str, str, str]]:
    """Noun, name and action of each field of a root: the class that declares it has the noun in its name."""
    own = {field.python_name: field for field in get_object_definition(kind, strict=True).fields}
    for declaring in kind.__mro__[1:]:
        definition = get_object_definition(declaring)
        noun = re.sub(r"(Queries|Mutations|Subscriptions)$", "", declaring.__name__)
        words = re.sub(r"(?<!^)([A-Z])", r" \1", noun).lower()
        for field in definition.fields if definition else ():
            if field.python_name in own:
                del own[field.python_name]
                first, *rest = field.python_name.split("_")
                yield words, first + "".join(map(str.capitalize, rest)), field.metadata[RULE]
