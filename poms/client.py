"""A client for scripts: ask, take what was meant or hear why not, listen."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2


class Refused(Exception):
    """POMS said no, and why."""


class Client:
    """POMS at an address, as the person of a token."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx2.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60
        )

    def ask(self, operation: str, **variables: Any) -> Any:
        """Run an operation of one root field, and return what that field answers."""
        answer = self.http.post("/graphql", json={"query": operation, "variables": variables})
        return only(answer.json())

    def do(self, operation: str, *fine: str, **variables: Any) -> Any:
        """Run a mutation; a problem is an exception, but for those types of it that are `fine`."""
        result = self.ask(operation, **variables)
        if "message" in result and result["__typename"] not in fine:
            findings = [f"{f['path']}: {f['message']}" for f in result.get("findings", ())]
            raise Refused(" ".join([f"{result['__typename']}: {result['message']}", *findings]))
        return result

    def listen(self, operation: str, **variables: Any) -> Iterator[Any]:
        """The results of a subscription, as they come, for as long as the connection lasts."""
        body = {"query": operation, "variables": variables}
        headers = {"accept": "text/event-stream"}
        with self.http.stream("POST", "/graphql", json=body, headers=headers) as events:
            for line in events.iter_lines():
                if line.startswith("data:") and line[5:].strip():
                    yield only(json.loads(line[5:]))


def only(answer: Any) -> Any:
    """What the one root field of an answer says; anything else that a server may send is a refusal."""
    if isinstance(answer, dict) and not answer.get("errors") and answer.get("data"):
        (result,) = answer["data"].values()
        return result
    errors = answer.get("errors") if isinstance(answer, dict) else answer
    said = [e.get("message", "?") for e in errors or () if isinstance(e, dict)]
    raise Refused("; ".join(map(str, said)) or "POMS gave no answer.")
