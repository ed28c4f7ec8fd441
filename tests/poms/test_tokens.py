"""`poms token`: made, used by a script, listed and revoked over HTTP."""

from poms.command.console import ExitCode
from tests.poms.command_runner import Poms


async def test_a_token_is_made_used_listed_and_revoked(poms: Poms) -> None:
    made = await poms("token", "create", "hypot", "nightly", "--scope", "launch", "--days", "7")
    token = made.out.strip()
    assert token.startswith("poms_")
    told = await poms("--json", "whoami", POMS_TOKEN=token)
    assert told.json["viewer"]["person"]["username"] == "anna"
    denied = await poms("token", "create", "hypot", "another", POMS_TOKEN=token)
    assert (denied.code, "may not manage tokens" in denied.err) == (ExitCode.REFUSED, True)
    listed = (await poms("--json", "token", "list", "hypot")).json
    assert [(each["name"], each["scopes"], bool(each["lastUsedAt"])) for each in listed] == [
        ("nightly", ["LAUNCH"], True)
    ]
    gone = await poms("token", "revoke", listed[0]["id"], "--reason", "a laptop is lost")
    assert gone.out.strip() == "nightly is revoked."
    assert (await poms("whoami", POMS_TOKEN=token)).code == ExitCode.NOT_SIGNED_IN
    assert "was already" in (await poms("token", "revoke", listed[0]["id"], "--reason", "r")).out
    assert (await poms("token", "create", "hypot", "n", "--scope", "admin")).code == 2
    assert (await poms("token", "list", "nowhere")).code == ExitCode.REFUSED
