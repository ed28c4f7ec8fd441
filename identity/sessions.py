"""Sessions of browsers: a local token in a cookie that no script reads, and that counts for pages of ours only."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from auth import LocalTokens, TokenClaim, TokenUse

SAFE = frozenset({"same-origin"})


class Sessions:
    """The cookies of this service, at its address."""

    def __init__(self, tokens: LocalTokens, service_url: str, hours: int) -> None:
        self._tokens, self._valid = tokens, timedelta(hours=hours)
        parts = urlsplit(service_url)
        self.origin = f"{parts.scheme}://{parts.netloc}".lower()
        self.is_secure = parts.scheme == "https"
        # Browsers take a cookie of this name from no other host, and over https alone.
        self.name = "__Host-poms_session" if self.is_secure else "poms_session"

    def find_token(self, connection: HTTPConnection) -> str | None:
        """The token in its cookie, of what a page of ours has sent; None of anything else.

        Browsers send cookies with what other pages ask for, too, so that `SameSite` alone is not relied on.
        """
        token = connection.cookies.get(self.name)
        return token if token and self.is_ours(connection) else None

    def is_ours(self, connection: HTTPConnection) -> bool:
        """Whether a page of this service has sent it, as its browser says."""
        origin = connection.headers.get("origin")
        if origin is not None:
            return origin.lower() == self.origin
        return connection.headers.get("sec-fetch-site") in SAFE

    def check(self, token: str, now: datetime) -> TokenClaim:
        """What a session's token says; raises AuthError."""
        return self._tokens.check_token(token, now, TokenUse.SESSION)

    def begin(self, response: Response, username: str, now: datetime) -> None:
        """Give the browser a session."""
        token = self._tokens.issue(username, self._valid, now, TokenUse.SESSION)
        self._set_cookie(response, token, int(self._valid.total_seconds()))

    def end(self, response: Response) -> None:
        """Have the browser forget it."""
        self._set_cookie(response, "", 0)

    def _set_cookie(self, response: Response, value: str, seconds: int) -> None:
        response.set_cookie(
            self.name,
            value,
            seconds,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="strict",
        )
