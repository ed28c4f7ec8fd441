"""The example campaign with a real Rucio as its catalog, as `make run` starts it by one setting."""

import json
import signal
from pathlib import Path

import pytest

from tests.catalogs import test_rucio
from tests.catalogs.catalog_servers import CatalogServer
from tests.catalogs.opened_catalogs import open_rucio
from tests.test_make_run import start_house


@pytest.mark.xdist_group("rucio")
@pytest.mark.timeout(500)
async def test_the_example_is_exactly_right_in_rucio_too(
    rucio_server: CatalogServer, service_home: Path
) -> None:
    async with open_rucio(rucio_server) as rucio:
        await test_rucio.prepare_storages(rucio)
        await test_rucio.ask_quietly(rucio, "/accounts/root/scopes/hypot")
        home = service_home / "in_rucio"
        home.mkdir()
        access = {
            "url": rucio_server.url, "account": "root", "user": "poms", "password": "secret", "scope": "hypot",
            "storage": test_rucio.CHOSEN, "prefix": f"root://store.test:1094//{test_rucio.CHOSEN}",
        }  # fmt: skip
        file = home / "rucio.json"
        file.write_text(json.dumps(access))
        service = start_house(
            home,
            POMS_EXAMPLE_RUCIO=str(file),
            POMS_EXAMPLE_JOBS="4",
            POMS_EXAMPLE_FAULTS="0.2",
        )
        assert service.stdout is not None
        said = list[str]()
        try:
            for line in service.stdout:
                said.append(line)
                if line.startswith("It runs until"):
                    break
        finally:
            service.send_signal(signal.SIGINT)
            rest = service.communicate(timeout=60)[0]
        text = "".join(said) + rest
        assert "agree exactly" in text, text
        assert "Rucio has just these files, where they lie." in text, text
        assert "exit code" not in text, text
