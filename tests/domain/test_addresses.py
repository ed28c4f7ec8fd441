"""Which addresses launch hosts have."""

import pytest

from domain.addresses import check_address, check_resolved


@pytest.mark.parametrize(
    "address",
    ["login.example.org", "login.example.org:2222", "10.1.2.3", "192.168.1.4:22", "131.225.1.2", "node1",
     "3com.example.org"],
)  # fmt: skip
def test_another_machine(address: str) -> None:
    assert check_address(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "", "-oProxyCommand=x", "a b", "u@host", "host:0", "host:70000", "host:x", "127.0.0.1", "127.8.8.8:22",
        "0.0.0.0",
        "169.254.169.254", "169.254.1.1", "100.100.100.200", "224.0.0.1", "255.255.255.255", "localhost", "LocalHost.",
        "a.localhost", "metadata.google.internal", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "::1", "[::1]:22",
        "host\n", "host%eth0", "h/../x",
    ],
)  # fmt: skip
def test_the_services_own_machine_and_network_or_no_address(address: str) -> None:
    assert check_address(address)


@pytest.mark.parametrize(
    "found",
    ["127.0.0.1", "::1", "::", "0.0.0.0", "fe80::1%eth0", "fe80::1", "ff02::1", "::ffff:127.0.0.1",
     "::ffff:169.254.169.254",
     "2002:7f00:1::", "64:ff9b::7f00:1", "fd00:ec2::254", "169.254.0.7"],
)  # fmt: skip
def test_what_a_name_stands_for_is_looked_at_too(found: str) -> None:
    assert check_resolved(["131.225.1.2", found])
    assert check_resolved(["131.225.1.2", "2001:db8::1"]) is None
