"""A SAM with an experiment of this test's own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from types import TracebackType
from typing import Any, Self

import httpx2

from catalogs import CatalogFile
from catalogs.http_calls import CatalogHttp
from catalogs.sam import AT_ONCE, SamAccount, SamCatalog, judge_answer
from lanes import CallLane
from tests.catalogs.faults import FAULTS_PATH, encode_faults


class SamBench:
    """See `CatalogBench`."""

    missing = "no_such_definition"

    def __init__(self, url: str, experiment: str) -> None:
        self.url, self.experiment, self.definition = url, experiment, f"all_{experiment}"
        self._tokens = count()
        self.base = f"{url}/sam/{experiment}/api"
        self.account = SamAccount(experiment)
        self.http = self._make_http(self.base)
        self.catalog = SamCatalog(self.http, self.account)
        self._plain = httpx2.AsyncClient(
            base_url=url, headers={"Authorization": "Bearer the-test"}, timeout=30
        )

    def _make_http(self, base: str) -> CatalogHttp:
        return CatalogHttp(
            base, CallLane("catalog:sam", 60, at_once=AT_ONCE), judge_answer, self._sign_in
        )

    async def _sign_in(self, _http: httpx2.AsyncClient) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.experiment}-{next(self._tokens)}"}

    async def __aenter__(self) -> Self:
        await self.call(
            "POST", "/definitions/create", data={"defname": self.definition, "dims": "file_name %"}
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.set_faults()
        await self.limit_queries(1000)
        await self.http.__aexit__(kind, error, trace)
        await self._plain.aclose()

    async def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """Ask the server itself, as somebody else."""
        answer = await self._plain.request(method, f"/sam/{self.experiment}/api{path}", **more)
        assert answer.is_success, answer.text
        return answer

    async def put_files(self, files: Sequence[CatalogFile]) -> None:
        given = [
            {
                "file_name": file.name,
                "file_size": file.size,
                "file_type": "unknown",
                "event_count": file.events,
                "runs": [[file.run, 1, "physics"]] if file.run is not None else [],
                "checksum": [file.checksum] if file.checksum else [],
                **file.metadata,
            }
            for file in files
        ]
        await self.call("POST", "/files", json=given)
        await self.call("PUT", "/locate_all")

    async def set_faults(self, **faults: object) -> None:
        await self._plain.put(FAULTS_PATH, content=encode_faults(**faults))

    async def limit_queries(self, number: int) -> None:
        """How many queries the server takes at once."""
        await self._plain.put("/query_limit", content=str(number))

    async def revoke_tokens(self) -> None:
        used = next(self._tokens)
        tokens = "\n".join(f"{self.experiment}-{n}" for n in range(used))
        await self._plain.put("/revoked", content=tokens)

    @asynccontextmanager
    async def open_at(self, url: str) -> AsyncIterator[SamCatalog]:
        async with self._make_http(url) as http:
            yield SamCatalog(http, self.account)

    def name_file(self, name: str) -> str:
        return name
