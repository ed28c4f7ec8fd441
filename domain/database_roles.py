"""As whom processes use the database: its owner brings it up to date; nobody is a superuser."""

OWNER, API, WORKER = "poms_owner", "poms_api", "poms_worker"
ROLES = (OWNER, API, WORKER)
