"""Which media type a client wants its answer in."""

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"
HTML = "text/html"

MEANT = {
    RESPONSE: RESPONSE,
    JSON: JSON,
    EVENTS: EVENTS,
    "*/*": JSON,
    "application/*": JSON,
    "text/*": EVENTS,
}


def parse_quality(params: list[str]) -> float:
    """The weight that the client gave to one media range; nonsense counts as the default."""
    for param in params:
        name, _, value = param.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 1.0
    return 1.0


def parse_accept(header: str) -> list[str]:
    """The types we speak that the client takes, best first; JSON when it doesn't care."""
    if not header.strip():
        return [JSON]
    best: dict[str, float] = {}
    for part in header.split(","):
        kind, *params = (piece.strip().lower() for piece in part.split(";"))
        meant = MEANT.get(kind)
        if meant and (weight := parse_quality(params)) > best.get(meant, 0.0):
            best[meant] = weight
    return sorted(best, key=lambda kind: -best[kind])


def is_page_request(header: str) -> bool:
    """Whether a browser asks for something to look at."""
    return any(part.split(";")[0].strip().lower() == HTML for part in header.split(","))
