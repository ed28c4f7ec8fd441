"""The database's roles in tests: all have the superuser's password."""

from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from db.roles import make_roles
from domain.database_roles import OWNER, ROLES


def build_role_url(role: str, url: str) -> str:
    """The same address for a role."""
    parts = urlsplit(url)
    who, at, where = parts.netloc.rpartition("@")
    password = who.partition(":")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}{at}{where}"))


async def make_test_roles(superuser_url: str) -> None:
    """Make the roles on a server."""
    conn = await asyncpg.connect(superuser_url)
    try:
        password = unquote(urlsplit(superuser_url).password or "")
        await make_roles(conn, dict.fromkeys(ROLES, password))
        # Tests look at who waits, and end connections, as whoever watches a database.
        await conn.execute(f"GRANT pg_monitor, pg_signal_backend TO {OWNER}")
        # They put submissions where no single move leads (tests/forced_states.py).
        await conn.execute(f"GRANT SET ON PARAMETER session_replication_role TO {OWNER}")
    finally:
        await conn.close()
