"""Which web pages may open a socket: browsers ask nobody before they do."""

from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def parse_origin(url: SplitResult, scheme: str) -> tuple[str | None, int | None]:
    """Host and port, with the port that the scheme implies."""
    return url.hostname, url.port or PORTS.get(scheme)


def may_connect(origin: str | None, host: str | None) -> bool:
    """Programs without an origin, and pages of this host."""
    if origin is None:
        return True
    try:
        page, here = urlsplit(origin), urlsplit(f"//{host or ''}")
        return page.hostname is not None and parse_origin(page, page.scheme) == parse_origin(
            here, page.scheme
        )
    except ValueError:
        return False
