"""How ssh reaches launch hosts: with the experiment's own keys, to addresses that were looked at."""

import shutil
from pathlib import Path

import pytest

from workers.ssh import NotReachable, find_options

pytestmark = pytest.mark.skipif(
    not shutil.which("ssh"), reason="no ssh: `apt-get install openssh-client`"
)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    own = tmp_path / "e1"
    own.mkdir()
    (own / "id").write_text("")
    (own / "known_hosts").write_text("")
    (own / "config").write_text(
        "Host far\n  HostName 127.0.0.1\nHost behind\n  ProxyCommand nc %h %p\n"
    )
    (tmp_path / "e2").mkdir()
    return tmp_path


async def test_without_keys_of_its_own_an_experiment_reaches_nothing(keys: Path) -> None:
    for folder, experiment_id in ((None, 1), (keys, 3)):
        with pytest.raises(NotReachable, match=f"e{experiment_id} of POMS_SSH_KEYS"):
            await find_options(folder, experiment_id, "10.0.0.1")


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost:22", "169.254.169.254", "0.0.0.0"])
async def test_ssh_goes_nowhere_near_the_service(keys: Path, address: str) -> None:
    with pytest.raises(NotReachable, match="of the service's own machine"):
        await find_options(keys, 1, address)


async def test_ssh_gets_the_address_that_was_looked_at_and_no_keys_but_the_experiments(
    keys: Path,
) -> None:
    options = await find_options(keys, 1, "10.0.0.1:2222")
    assert options[-4:] == ["-o", "HostName=10.0.0.1", "-o", "HostKeyAlias=[10.0.0.1]:2222"]
    assert {"ForwardAgent=no", "IdentityAgent=none", "ProxyCommand=none"} <= {*options}
    assert f"IdentityFile={keys / 'e1/id'}" in options
    other = await find_options(keys, 2, "10.0.0.1")
    assert other[:2] == ["-F", "none"]
    assert f"IdentityFile={keys / 'e2/id'}" in other
    assert not any("e1" in option for option in other)


async def test_what_the_operators_configuration_says_of_a_host_holds(keys: Path) -> None:
    for host in ("far", "behind"):
        options = await find_options(keys, 1, host)
        assert not any(option.startswith("HostName=") for option in options)
    assert "ProxyCommand=none" not in options
