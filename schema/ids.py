"""Ids as clients give them: `kind:key`. Another kind, or no number, is simply not found."""

import strawberry

MOST_KEY = 2**63 - 1


def parse_node_id(id: strawberry.ID, kind: str) -> int | None:
    """`submission:42` → 42, or None for what can't be the id of one."""
    found, colon, key = id.partition(":")
    if found != kind or not colon or not (key.isascii() and key.isdecimal()) or len(key) > 19:
        return None
    value = int(key)
    return value if 0 < value <= MOST_KEY else None


def parse_job_id(id: strawberry.ID) -> tuple[int, int] | None:
    """`job:42.17` → (42, 17)."""
    kind, _, rest = id.partition(":")
    submission, dot, key = rest.partition(".")
    first = parse_node_id(strawberry.ID(f"{kind}:{submission}"), "job")
    second = parse_node_id(strawberry.ID(f"job:{key}"), "job") if dot else None
    return (first, second) if first and second and second < 2**31 else None


def node_id(kind: str, key: int | str) -> strawberry.ID:
    """The id of something."""
    return strawberry.ID(f"{kind}:{key}")
