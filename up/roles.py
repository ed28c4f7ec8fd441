"""How commands are told of the database's roles."""

from domain.database_roles import API, OWNER, WORKER

OWNER_URL = "POMS_DATABASE_OWNER_URL"
WORKER_URL = "POMS_DATABASE_WORKER_URL"
SUPERUSER_URL = "POMS_DATABASE_SUPERUSER_URL"
PASSWORDS = {OWNER: "POMS_OWNER_PASSWORD", API: "POMS_API_PASSWORD", WORKER: "POMS_WORKER_PASSWORD"}
"""What says the password of each role that `up roles` makes."""
