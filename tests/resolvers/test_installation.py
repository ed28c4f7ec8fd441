"""The question whether an installation was moved or copied: who sees it, who answers."""

import pytest

from db.batch import installations
from db.pool import Pool, open_pool
from domain.batch.installations import (
    ELSEWHERE,
    InstallationAnswer,
    InstallationIdentity,
    InstallationSite,
)
from resolvers.health import check_readiness
from tests.resolvers.conftest import Ask

HERE = InstallationSite("1:5", "7:100", "")
SHOW = "{ installation { doubt { why answerable answer } } }"
ANSWER = """
    mutation ($answer: InstallationAnswer!) {
      confirmInstallation(answer: $answer) {
        __typename ... on Installation { doubt { answer } } ... on Invalid { field } } }
"""


async def answer_doubt(ask: Ask, answer: str, as_: str) -> str:
    found = await ask(ANSWER, {"answer": answer}, as_=as_)
    return str(found["confirmInstallation"]["__typename"])


@pytest.mark.usefixtures("hypot")
async def test_a_doubt_is_shown_to_all_and_answered_by_admins(
    db: Pool, ask: Ask, database_url: str
) -> None:
    assert (await ask(SHOW))["installation"] == {"doubt": None}
    assert await answer_doubt(ask, "COPY", "ada") == "Invalid", "no worker has ever been here"
    await installations.record_doubt(db, ELSEWHERE, HERE, is_answerable=True)
    doubt = {"why": ELSEWHERE, "answerable": True, "answer": None}
    assert (await ask(SHOW))["installation"] == {"doubt": doubt}
    assert await answer_doubt(ask, "MOVED", "sue") == "NotPermitted"
    assert (await ask(SHOW))["installation"] == {"doubt": doubt}
    pool = await open_pool(database_url, most=1)
    ready, said = await check_readiness(pool, "here")
    await pool.close()
    assert (ready, said["degraded"], said["doubt"]) == (True, True, ELSEWHERE)
    assert await answer_doubt(ask, "MOVED", "ada") == "Installation"
    recorded = await installations.read_record(db)
    assert recorded.answer_for(HERE) is InstallationAnswer.MOVED
    assert recorded.answer_for(InstallationSite("1:5", "8:100", "")) is None
    await installations.record_doubt(
        db, ELSEWHERE, InstallationSite("1:5", "8:100", ""), is_answerable=True
    )
    assert (await ask(SHOW))["installation"] == {"doubt": doubt}, "it was about another place"


@pytest.mark.usefixtures("hypot")
async def test_what_is_no_question_is_not_answered(db: Pool, ask: Ask) -> None:
    await installations.record_doubt(db, "its spool is away", HERE, is_answerable=False)
    assert await answer_doubt(ask, "MOVED", "ada") == "Invalid"
    assert await answer_doubt(ask, "COPY", "ada") == "Invalid"


@pytest.mark.usefixtures("hypot")
async def test_that_it_is_a_copy_can_be_said_before_anybody_asks(db: Pool, ask: Ask) -> None:
    await installations.record_identity(
        db, InstallationIdentity("00000000-0000-0000-0000-000000000001", HERE)
    )
    assert await answer_doubt(ask, "MOVED", "ada") == "Invalid"
    assert await answer_doubt(ask, "COPY", "ada") == "Installation"
    recorded = await installations.read_record(db)
    assert recorded.answer_for(HERE) is InstallationAnswer.COPY


async def test_a_doubt_ends_with_its_place_its_database_or_its_worker(db: Pool) -> None:
    async def is_left(place: InstallationSite, age: str = "0 s") -> bool:
        await installations.record_doubt(db, ELSEWHERE, place, is_answerable=True)
        await db.execute(
            "UPDATE installation_doubt SET last_seen = now() - $1::text::interval", age
        )
        await installations.end_doubt(db, HERE)
        return bool(await db.fetchval("SELECT count(*) FROM installation_doubt"))

    assert not await is_left(HERE)
    assert not await is_left(InstallationSite("1:5", "", "")), "the spool was away"
    assert not await is_left(InstallationSite("2:9", "8:100", "")), "it came with a dump"
    assert await is_left(InstallationSite("1:5", "8:100", "")), "a worker has another spool"
    assert not await is_left(InstallationSite("1:5", "8:100", ""), "3 min"), "and is gone"
