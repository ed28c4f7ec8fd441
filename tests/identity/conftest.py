"""The application with a real issuer beside it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from db.pool import Pool
from settings import Settings
from tests.application_server import SECRET, serve_application
from tests.identity.oidc_provider import OidcProvider, run_provider
from tests.resolvers.conftest import PEOPLE
from up.ports import find_free_port

AUDIENCE = "https://poms.test"
ACCOUNTS: dict[str, Any] = {
    "s-anna": {"preferred_username": "anna", "groups": ["/hypot/production"]},
    "s-ines": {"preferred_username": "ines", "name": "Ines", "groups": ["/hypot/analysis", "/x"]},
    "s-paul": {"preferred_username": "paul", "groups": ["/x"]},
}
FILE = """
service_url = "{service}"
trusted_hosts = ["{host}"]
[[issuer]]
name = "lab"
title = "The lab"
url = "{url}"
audience = "{audience}"
algorithms = ["RS256", "ES256"]
skew_s = 30
client_id = "poms-web"
client_secret_file = "{secret}"
role = [
  {{ claim = "groups", value = "/hypot/production", experiment = "hypot", role = "production" }},
  {{ claim = "groups", value = "/hypot/analysis", experiment = "hypot", role = "analysis" }},
  {{ claim = "scope", value = "poms.operate:/hypot", experiment = "hypot", role = "shifter" }},
]
"""
VIEWER = "{ viewer { isAdmin person { username } memberships { role experiment { name } } } }"
CLIENT_SECRET = "a secret: of +the client"


@pytest.fixture(scope="session")
def service_port() -> int:
    return find_free_port()


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory, service_port: int) -> Iterator[OidcProvider]:
    """One for all tests; who takes its keys or stops it gives it back as it was."""
    redirect = f"http://127.0.0.1:{service_port}/sign-in/callback"
    with run_provider(tmp_path_factory.mktemp("provider"), ACCOUNTS, redirect) as made:
        yield made


@pytest.fixture
async def settings(
    db: Pool,
    api_url: str,
    redis_url: str,
    tmp_path: Path,
    provider: OidcProvider,
    service_port: int,
) -> Settings:
    await db.execute(PEOPLE)
    (tmp_path / "client_secret").write_text(CLIENT_SECRET + "\n")
    text = FILE.format(
        service=f"http://127.0.0.1:{service_port}", host=provider.host, url=provider.url,
        audience=AUDIENCE, secret=tmp_path / "client_secret",
    )  # fmt: skip
    (tmp_path / "issuers.toml").write_text(text)
    folders = tmp_path / "spool", tmp_path / "store"
    return Settings(api_url, redis_url, *folders, SECRET, issuers=tmp_path / "issuers.toml")


@pytest.fixture
async def service(settings: Settings, service_port: int) -> AsyncIterator[str]:
    """The address of the application."""
    async with serve_application(settings, service_port) as host:
        yield f"http://{host}"


async def send_query(
    service: str, token: str, query: str = VIEWER, **variables: Any
) -> httpx2.Response:
    """The answer to whoever shows a token."""
    async with httpx2.AsyncClient() as http:
        return await http.post(
            f"{service}/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        )


async def read_viewer(service: str, token: str) -> tuple[str, dict[str, str]]:
    """Whom a token signs in, and with which roles; fails where it doesn't."""
    answer = await send_query(service, token)
    assert answer.status_code == httpx2.codes.OK, answer.text
    viewer = answer.json()["data"]["viewer"]
    roles = {one["experiment"]["name"]: one["role"] for one in viewer["memberships"]}
    return viewer["person"]["username"], roles


async def read_refusal(service: str, token: str) -> str:
    """Why a token signs nobody in."""
    answer = await send_query(service, token)
    assert answer.status_code == httpx2.codes.UNAUTHORIZED, answer.text
    message: str = answer.json()["errors"][0]["message"]
    return message
