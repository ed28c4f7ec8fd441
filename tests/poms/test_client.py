"""The client for scripts: what it asks twice, what it never does, and streams that outlast the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from db import changes
from db.pool import Pool
from poms import (
    Client,
    CursorLost,
    OperationRefused,
    ServiceUnreachable,
    TokenRejected,
    expect_result,
)
from poms.changes import make_readable
from poms.generated.add_files import AddFilesAddFilesFilesAdded
from poms.generated.create_dataset import CreateDatasetCreateDatasetDataset
from poms.generated.enums import ChangeKind
from poms.generated.fragments import LaunchPart, PriorityChangePart
from poms.generated.input_types import FileInput
from poms.generated.watch_changes import WatchChanges
from poms.transport import check_answer
from settings import Settings
from tests.application_server import make_token, serve_application
from tests.poms.cutting_proxy import run_cutting_proxy
from up.ports import find_free_port

TELL = """
    INSERT INTO change_inbox (experiment_id, kind, part, body)
    SELECT e.id, 'launches.preferred', 'watch', jsonb_build_object('priority', n)
      FROM experiment e, generate_series($1::int, $2::int) n WHERE e.name = 'hypot'
"""


async def commit_changes(db: Pool, first: int, last: int) -> None:
    """Changes with the priorities first … last, each with its position."""
    await db.execute(TELL, first, last)
    await changes.relay_batch(db, 1000)


async def read_head_behind(client: Client, db: Pool, first: int, last: int) -> str:
    """Commit changes; the cursor behind them, once the service has read them all."""
    before = (await client.head()).head
    await commit_changes(db, first, last)
    while (head := (await client.head()).head) == before:
        await asyncio.sleep(0.02)
    return head


async def test_answers_are_typed(client: Client) -> None:
    me = (await client.me()).viewer
    assert (me.person.username, me.is_admin) == ("anna", False)
    assert [(m.experiment.name, m.role) for m in me.memberships] == [("hypot", "PRODUCTION")]


async def test_a_bad_token_says_that_nobody_is_signed_in(url: str) -> None:
    async with Client(url, "nonsense") as client:
        with pytest.raises(TokenRejected):
            await client.me()


async def test_a_problem_is_refused_with_its_findings(client: Client) -> None:
    made = await client.create_dataset("hypot", "raw")
    dataset = expect_result(made.create_dataset, CreateDatasetCreateDatasetDataset)
    wrong = FileInput(name="a/b", size=1, location="/elsewhere")
    answer = await client.add_files(dataset.id, [wrong])
    with pytest.raises(OperationRefused, match=r"InvalidFiles: .*\nfiles\[0\]\.name: "):
        expect_result(answer.add_files, AddFilesAddFilesFilesAdded)


async def test_what_was_done_but_not_answered_is_asked_again_and_done_once(
    url: str, db: Pool
) -> None:
    async with run_cutting_proxy(urlsplit(url).port or 0) as cutter:
        cutter.swallow = 2
        async with Client(f"http://127.0.0.1:{cutter.port}", make_token("anna")) as client:
            made = (await client.create_dataset("hypot", "raw")).create_dataset
        assert cutter.swallowed == 2
    assert expect_result(made, CreateDatasetCreateDatasetDataset).name == "raw"
    assert await db.fetchval("SELECT count(*) FROM dataset") == 1


async def test_patience_ends() -> None:
    async with Client(f"http://127.0.0.1:{find_free_port()}", "x", patience_s=0.3) as client:
        with pytest.raises(ServiceUnreachable):
            await client.me()


async def test_changes_survive_servers_that_come_and_go(settings: Settings, db: Pool) -> None:
    port, heard = find_free_port(), list[int]()
    async with Client(f"http://127.0.0.1:{port}", make_token("anna")) as client:

        async def listen() -> None:
            async for change in client.changes(
                experiment="hypot", kinds=[ChangeKind.LAUNCHES_PREFERRED]
            ):
                assert isinstance(change, PriorityChangePart)
                heard.append(change.priority)

        async with serve_application(settings, port):
            start = (await client.head()).head
            listening = asyncio.create_task(listen())
            first = 0
            while (
                not heard
            ):  # until the stream is there, each change may have been before its start
                first += 1
                await commit_changes(db, first, first)
                await asyncio.sleep(0.05)
        await commit_changes(db, first + 1, first + 5)
        async with serve_application(settings, port):
            await commit_changes(db, first + 6, first + 10)
            async with asyncio.timeout(30):
                while heard[-1] < first + 10:
                    await asyncio.sleep(0.02)
            assert heard == list(range(heard[0], first + 11))
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            again = [n async for n in _read_changes_until(client, start, first + 10)]
    assert again == list(range(1, first + 11))


async def _read_changes_until(client: Client, after: str, last: int) -> AsyncIterator[int]:
    async for change in client.changes(
        after, experiment="hypot", kinds=[ChangeKind.LAUNCHES_PREFERRED]
    ):
        assert isinstance(change, PriorityChangePart)
        yield change.priority
        if change.priority == last:
            return


@pytest.mark.parametrize("kind", ["DRAGONS_SEEN", "SUBMISSION_RUNNING", None])
def test_a_change_of_a_type_that_the_client_does_not_know_says_what_every_change_says(
    kind: str | None,
) -> None:
    told = {
        "__typename": "DragonChange", "cursor": "c", "kind": kind, "at": "2030-01-31T12:00:00Z", "actor": None,
        "part": "LAIR", "reason": "hungry", "experimentId": "experiment:1", "campaignId": None, "submissionId": None,
        "subjectId": "dragon:7",
    }  # fmt: skip
    change = WatchChanges.model_validate({"changes": make_readable(told)}).changes
    assert change.typename__ == "OtherChange"
    known = {"SUBMISSION_RUNNING": ChangeKind.SUBMISSION_RUNNING}
    assert (change.kind, change.part) == (known.get(kind or ""), None)
    assert (change.reason, change.subject_id) == ("hungry", "dragon:7")
    beat = {"__typename": "Heartbeat", "cursor": "c"}
    assert make_readable(beat) == beat


async def test_a_cursor_of_another_history_is_lost(client: Client, db: Pool) -> None:
    cursor = await read_head_behind(client, db, 1, 1)
    await db.execute("UPDATE change_head SET history_id = gen_random_uuid()")
    with pytest.raises(CursorLost):
        await anext(client.changes(cursor, patience_s=20))


async def test_after_a_cursor_that_has_expired_the_kept_changes_come(
    client: Client, db: Pool
) -> None:
    cursor = (await client.head()).head
    await read_head_behind(client, db, 1, 6)
    await db.execute("DELETE FROM change WHERE position <= 4")
    await db.execute("UPDATE change_head SET dropped_to = 4")
    with pytest.raises(CursorLost) as lost:
        await anext(client.changes(cursor, patience_s=20))
    found = [number async for number in _read_changes_until(client, lost.value.cursor, 6)]
    assert found == [5, 6]


async def test_a_thing_that_is_not_there_is_refused(client: Client) -> None:
    answer = await client.launch_campaign("campaign:12345")
    with pytest.raises(OperationRefused, match="NotFound"):
        expect_result(answer.launch_campaign, LaunchPart)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"launchStage": {"__typename": "TryAgainLater", "message": "no room"}}},
        {
            "data": None,
            "errors": [{"message": "no room", "extensions": {"code": "TRY_AGAIN_LATER"}}],
        },
    ],
)
def test_what_is_to_be_tried_again_is_as_if_poms_were_away(answer: dict[str, Any]) -> None:
    with pytest.raises(ServiceUnreachable, match="no room"):
        check_answer(answer)
