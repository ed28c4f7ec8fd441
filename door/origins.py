"""Which web pages may open a socket: browsers ask nobody before they do."""

from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def place(url: SplitResult, scheme: str) -> tuple[str | None, int | None]:
    """Host and port, with the port that the scheme implies."""
    return url.hostname, url.port or PORTS.get(scheme)


def may_connect(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """Programs without an origin, pages of this host, and what was allowed by name."""
    if origin is None or origin.lower() in allowed:
        return True
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host or ''}")
        return page.hostname is not None and place(page, page.scheme) == place(here, page.scheme)
    except ValueError:
        return False
