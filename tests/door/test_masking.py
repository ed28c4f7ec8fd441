"""Bugs are told to the log, and only their id to the client."""

import pytest

from tests.door.log_service import LogService, LogViewer, make_schema


async def test_a_bug_is_masked_with_an_id_that_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    viewer = LogViewer(LogService(), "boss")
    result = await make_schema().execute("{ crash hello }", None, viewer)
    assert result.data == {"crash": None, "hello": "hello world"}
    assert result.errors is not None
    [error] = result.errors
    assert error.message == "Unexpected error."
    assert error.path == ["crash"]
    assert error.extensions == {"code": "INTERNAL", "requestId": viewer.request_id}
    assert "hunter2" not in str(error.formatted)
    [record] = caplog.records
    assert viewer.request_id in record.getMessage()
    assert "hunter2" in caplog.text


async def test_what_we_say_on_purpose_passes_and_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    result = await make_schema().execute(
        "{ complain nothing }", None, LogViewer(LogService(), "boss")
    )
    assert result.errors is not None
    assert "nothing" in result.errors[0].message
    result = await make_schema().execute("{ complain }", None, LogViewer(LogService(), "boss"))
    assert result.errors is not None
    assert result.errors[0].message == "Ask me otherwise."
    assert not caplog.records
