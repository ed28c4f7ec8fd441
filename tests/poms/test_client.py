"""The client for scripts: what it asks twice, what it never does, and streams that outlast the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from db import changes
from db.pool import Pool
from poms import Client, CursorLost, NotSignedIn, Refused, Unreachable, taken
from poms.generated.add_files import AddFilesAddFilesFilesAdded
from poms.generated.create_dataset import CreateDatasetCreateDatasetDataset
from poms.generated.fragments import ChangePart, LaunchPart
from poms.generated.input_types import FileInput, SetMembershipInput
from settings import Settings
from tests.conftest import free_port
from tests.poms.cutting import cutting
from tests.served import serving, token

TELL = """
    INSERT INTO change_inbox (experiment_id, kind, body)
    SELECT e.id, 'test.told', to_jsonb(n) FROM experiment e, generate_series($1::int, $2::int) n WHERE e.name = 'hypot'
"""


async def tell(db: Pool, first: int, last: int) -> None:
    """Changes with the bodies first … last, each with its position."""
    await db.execute(TELL, first, last)
    await changes.relay(db, 1000)


async def test_answers_are_typed(client: Client) -> None:
    me = (await client.me()).viewer
    assert (me.person.username, me.is_admin) == ("anna", False)
    assert [(m.experiment.name, m.role) for m in me.memberships] == [("hypot", "PRODUCTION")]


async def test_a_bad_token_says_that_nobody_is_signed_in(url: str) -> None:
    async with Client(url, "nonsense") as client:
        with pytest.raises(NotSignedIn):
            await client.me()


async def test_a_problem_is_refused_with_its_findings(client: Client) -> None:
    made = await client.create_dataset("hypot", "raw")
    dataset = taken(made.create_dataset, CreateDatasetCreateDatasetDataset)
    wrong = FileInput(name="a/b", size=1, location="/elsewhere")
    answer = await client.add_files(dataset.id, [wrong])
    with pytest.raises(Refused, match=r"InvalidFiles: .*\nfiles\[0\]\.name: "):
        taken(answer.add_files, AddFilesAddFilesFilesAdded)


async def test_what_was_done_but_not_answered_is_asked_again_and_done_once(
    url: str, db: Pool
) -> None:
    async with cutting(urlsplit(url).port or 0) as cutter:
        cutter.swallow = 2
        async with Client(f"http://127.0.0.1:{cutter.port}", token("anna")) as client:
            made = (await client.create_dataset("hypot", "raw")).create_dataset
        assert cutter.swallowed == 2
    assert taken(made, CreateDatasetCreateDatasetDataset).name == "raw"
    assert await db.fetchval("SELECT count(*) FROM dataset") == 1


async def test_what_can_not_be_told_apart_from_a_second_time_is_not_asked_again(
    url: str, db: Pool
) -> None:
    member = SetMembershipInput(experiment="hypot", username="sam", role=None)
    async with cutting(urlsplit(url).port or 0) as cutter:
        cutter.swallow = 1
        async with Client(f"http://127.0.0.1:{cutter.port}", token("sue")) as client:
            with pytest.raises(Unreachable):
                await client.set_membership(member)
        assert (cutter.swallow, cutter.swallowed) == (0, 1)


async def test_patience_ends() -> None:
    async with Client(f"http://127.0.0.1:{free_port()}", "x", patience_s=0.3) as client:
        with pytest.raises(Unreachable):
            await client.me()


async def test_changes_survive_servers_that_come_and_go(settings: Settings, db: Pool) -> None:
    port, heard = free_port(), list[int]()
    async with Client(f"http://127.0.0.1:{port}", token("anna")) as client:

        async def listen() -> None:
            async for change in client.changes(experiment="hypot", kinds=["test.told"]):
                heard.append(change.body)

        async with serving(settings, port):
            start = (await client.head()).head
            listening = asyncio.create_task(listen())
            first = 0
            while (
                not heard
            ):  # until the stream is there, each change may have been before its start
                first += 1
                await tell(db, first, first)
                await asyncio.sleep(0.05)
        await tell(db, first + 1, first + 5)
        async with serving(settings, port):
            await tell(db, first + 6, first + 10)
            async with asyncio.timeout(30):
                while heard[-1] < first + 10:
                    await asyncio.sleep(0.02)
            assert heard == list(range(heard[0], first + 11))
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            again = [c.body async for c in _until(client, start, first + 10)]
    assert again == list(range(1, first + 11))


async def _until(client: Client, after: str, last: int) -> AsyncIterator[ChangePart]:
    async for change in client.changes(after, experiment="hypot", kinds=["test.told"]):
        yield change
        if change.body == last:
            return


async def test_a_cursor_of_another_history_is_lost(client: Client, db: Pool) -> None:
    await tell(db, 1, 1)
    cursor = (await client.head()).head
    await db.execute("UPDATE change_head SET history_id = gen_random_uuid()")
    with pytest.raises(CursorLost):
        await anext(client.changes(cursor, patience_s=20))


async def test_a_thing_that_is_not_there_is_refused(client: Client) -> None:
    answer = await client.launch_campaign("campaign:12345")
    with pytest.raises(Refused, match="NotFound"):
        taken(answer.launch_campaign, LaunchPart)
