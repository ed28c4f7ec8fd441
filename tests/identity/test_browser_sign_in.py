"""Signing in with a browser: by code and PKCE at a real issuer, a session in a cookie, and what ends it."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from db.pool import Pool
from settings import Settings
from tests.application_server import serve_application
from tests.identity.conftest import VIEWER, read_refusal
from tests.identity.oidc_provider import OidcProvider

SESSION = "poms_session"
ACTION = re.compile(r'action="([^"]+)"')
OK, SEE_OTHER, FORBIDDEN, UNAUTHORIZED = 200, 303, 403, 401


@asynccontextmanager
async def open_browser() -> AsyncIterator[httpx2.AsyncClient]:
    """Something that keeps cookies and goes where it is sent."""
    async with httpx2.AsyncClient(follow_redirects=True, timeout=60) as http:
        yield http


async def request_callback(http: httpx2.AsyncClient, service: str, account: str) -> httpx2.URL:
    """Sign in at the issuer, and stop where it sends the browser back to us."""
    back: list[httpx2.URL] = []

    async def stop(request: httpx2.Request) -> None:
        if request.url.path == "/sign-in/callback":
            back.append(request.url)
            raise httpx2.RequestError("stopped", request=request)

    http.event_hooks["request"] = [stop]
    try:
        page = await http.get(f"{service}/sign-in", params={"issuer": "lab"})
        for given in (
            {"prompt": "login", "login": account, "password": "any"},
            {"prompt": "consent"},
        ):
            assert page.status_code == OK, page.text
            action = httpx2.URL(str(page.url)).join(html.unescape(ACTION.search(page.text)[1]))  # type: ignore[index]
            page = await http.post(action, data=given)
    except httpx2.RequestError:
        assert back
    finally:
        http.event_hooks["request"] = []
    return back[0]


async def sign_in(
    http: httpx2.AsyncClient, service: str, account: str = "s-anna"
) -> httpx2.Response:
    answer = await http.get(await request_callback(http, service, account), follow_redirects=False)
    if answer.status_code == SEE_OTHER:
        assert answer.headers["location"] == "/"
    return answer


async def ask_viewer(http: httpx2.AsyncClient, service: str, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post(f"{service}/graphql", json={"query": VIEWER}, headers=named)


async def test_a_browser_signs_in_and_out_and_its_session_ends(service: str, db: Pool) -> None:
    async with open_browser() as http:
        where = await request_callback(http, service, "s-ines")
        begun = http.cookies["poms_sign_in"]
        answer = await http.get(where, follow_redirects=False)
        kept = [each.lower() for each in answer.headers.get_list("set-cookie")]
        assert "httponly; max-age=43200; path=/; samesite=strict" in kept[0]
        assert (await ask_viewer(http, service, origin=service)).json()["data"]["viewer"][
            "person"
        ] == {"username": "ines"}
        told = await http.post(f"{service}/sign-in/session", headers={"origin": service})
        assert told.json() == {"issuers": [{"name": "lab", "title": "The lab"}], "username": "ines"}
        told = await http.post(
            f"{service}/sign-in/session", headers={"origin": "https://evil.test"}
        )
        assert told.json()["username"] is None
        token = http.cookies[SESSION]
        # It is a session, no token; and what began it is no session.
        assert "not valid here" in await read_refusal(service, token)
        assert "knows its issuer" in await read_refusal(service, begun)
        left = await http.post(f"{service}/sign-out", headers={"origin": service})
        assert left.json() == {"signedOut": True}
        assert SESSION not in http.cookies
        copied = {"origin": service, "cookie": f"{SESSION}={token}"}
        answer = await http.post(f"{service}/graphql", json={"query": VIEWER}, headers=copied)
        assert (answer.status_code, "revoked" in answer.text) == (UNAUTHORIZED, True)
        assert (await http.post(f"{service}/sign-out", headers=copied)).status_code == OK
    assert (
        await db.fetchval(
            "SELECT count(*) FROM revoked_token WHERE ends_at < now() + interval '9 days'"
        )
        == 1
    )


async def test_a_session_counts_for_pages_of_ours_only(service: str) -> None:
    async with open_browser() as http:
        await sign_in(http, service, "s-ines")
        for page in (
            {}, {"origin": "https://evil.test"}, {"origin": "null"}, {"origin": service + "1"},
            {"origin": service.replace("127.0.0.1", "localhost")}, {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "none"},
            {"origin": "https://evil.test", "sec_fetch_site": "same-origin"},
        ):  # fmt: skip
            assert (await ask_viewer(http, service, **page)).status_code == UNAUTHORIZED, page
            named = {name.replace("_", "-"): value for name, value in page.items()}
            assert (await http.post(f"{service}/sign-out", headers=named)).status_code == FORBIDDEN
            url = f"{service}/uploads/hypot/x.cfg"
            assert (await http.put(url, content=b"x", headers=named)).status_code in (
                FORBIDDEN,
                UNAUTHORIZED,
            )
        assert (await ask_viewer(http, service, sec_fetch_site="same-origin")).status_code == OK
        # A form of another page can't be JSON, which nothing else is taken for.
        form = {"origin": service, "content-type": "text/plain"}
        sent = await http.post(
            f"{service}/graphql", content=b'{"query": "{ viewer { isAdmin } }"}', headers=form
        )
        assert sent.status_code == 415
        # Whoever shows a token is who it says, and no one else.
        both = {"origin": service, "authorization": "Bearer nonsense"}
        assert (await ask_viewer(http, service, **both)).status_code == UNAUTHORIZED


async def open_socket(service: str, origin: str | None, cookie: str) -> Any:
    """What a socket is answered that shows a session's cookie."""
    async with connect(
        service.replace("http", "ws") + "/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers={"cookie": f"{SESSION}={cookie}"},
        origin=None if origin is None else Origin(origin),
    ) as ws:
        try:
            await ws.send('{"type":"connection_init"}')
            return await ws.recv()
        except ConnectionClosed as closed:
            return closed.rcvd and closed.rcvd.code


async def test_sockets_have_sessions_of_pages_of_ours_only(service: str) -> None:
    async with open_browser() as http:
        await sign_in(http, service, "s-ines")
        session = http.cookies[SESSION]
    assert await open_socket(service, service, session) == '{"type":"connection_ack"}'
    assert await open_socket(service, None, session) == 4403


async def test_a_sign_in_ends_in_the_browser_that_began_it_once(
    service: str, provider: OidcProvider
) -> None:
    async with open_browser() as http, open_browser() as other:
        where = await request_callback(http, service, "s-ines")
        asked = parse_qs(urlsplit(str(where)).query)
        assert asked["iss"] == [provider.url]
        # Somebody else's link signs nobody in: not without a sign-in that was begun, and not within another one.
        assert "not begun here" in (await other.get(where)).text
        await request_callback(other, service, "s-anna")
        stolen = await other.get(where)
        assert (stolen.status_code, "not begun in this browser" in stolen.text) == (FORBIDDEN, True)
        assert SESSION not in other.cookies
        for changed in ({"iss": "https://else.test"}, {"code": "made up"}, {"state": "x"}):
            answer = await http.get(where.copy_merge_params(changed), follow_redirects=False)
            assert answer.status_code == FORBIDDEN, changed
        assert SESSION not in http.cookies
        refused = where.copy_remove_param("code").copy_merge_params({"error": "<b>access_denied"})
        assert "&lt;b&gt;access_denied" in (await http.get(refused)).text
        assert (await http.get(f"{service}/sign-in?issuer=nowhere")).status_code == FORBIDDEN


async def test_who_is_nobody_here_gets_no_session_and_groups_that_are_lost_take_their_roles(
    service: str, db: Pool
) -> None:
    roles = """SELECT array_agg(role::text ORDER BY role::text) FROM membership
        WHERE person_id = (SELECT id FROM person WHERE username = 'ines')"""
    async with open_browser() as http:
        answer = await sign_in(http, service, "s-paul")
        assert (answer.status_code, "You are not known here" in answer.text) == (FORBIDDEN, True)
    async with open_browser() as http:
        # There is an anna already, who is not this one as far as anybody has said.
        assert "somebody else called anna" in (await sign_in(http, service)).text
    async with open_browser() as http:
        await sign_in(http, service, "s-ines")
        assert await db.fetchval(roles) == ["analysis"]
        other = await db.fetchval("SELECT id FROM experiment WHERE name = 'other'")
        # As if the issuer had said more before.
        await db.execute(
            "UPDATE membership SET role = 'production' WHERE person_id = (SELECT person_id FROM identity)"
        )
        await db.execute(
            "INSERT INTO membership SELECT person_id, $1, 'shifter' FROM identity", other
        )
        await db.execute('UPDATE identity SET mapped = mapped || \'{"1": "production"}\'')
    async with open_browser() as http:
        await sign_in(http, service, "s-ines")
        assert await db.fetchval(roles) == ["analysis", "shifter"]


async def test_an_issuer_that_gives_our_user_names_signs_in_who_is_here(
    settings: Settings, service_port: int, db: Pool
) -> None:
    assert settings.issuers
    file = Path(settings.issuers)
    text = file.read_text()
    file.write_text(text.replace("skew_s = 30", "skew_s = 30\nadopts = true"))
    async with serve_application(settings, service_port) as host, open_browser() as http:
        assert (await sign_in(http, f"http://{host}")).status_code == SEE_OTHER
        shown = (await ask_viewer(http, f"http://{host}", origin=f"http://{host}")).json()["data"][
            "viewer"
        ]
        assert (shown["person"]["username"], shown["memberships"][0]["role"]) == (
            "anna",
            "PRODUCTION",
        )
        await db.execute("UPDATE person SET active = false WHERE username = 'anna'")
    async with serve_application(settings, service_port) as host, open_browser() as http:
        await sign_in(http, f"http://{host}")
        assert (
            await ask_viewer(http, f"http://{host}", origin=f"http://{host}")
        ).status_code == UNAUTHORIZED
