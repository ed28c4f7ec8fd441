"""Addresses of launch hosts, catalogs and monitors: which are refused, as written and as what a name stands for."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from domain.names import ADDRESS, check_form, check_text

MOST_URL = 500

METADATA = frozenset({
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254",
})  # fmt: skip
"""Where clouds tell their machines secrets."""
NAT64 = ip_network("64:ff9b::/96")
LOCAL_NAMES = (
    "localhost",
    "localhost.localdomain",
    "metadata",
    "metadata.google.internal",
    "ip6-localhost",
)


def check_address(address: str) -> str | None:
    """What is wrong with a host's name or address as it is written, or nothing."""
    if said := check_form(address, ADDRESS, "login3.example.org:22"):
        return said
    host, _, port = address.partition(":")
    if port and not 0 < int(port) < 65536:
        return f"There is no port {port}."
    name = host.lower().rstrip(".")
    if name in LOCAL_NAMES or name.endswith(".localhost"):
        return f"{host} is the service itself or its machine's own: nothing of ours goes there."
    # What a resolver takes for a number is one: 2130706433, 0x7f.1.
    if name.rpartition(".")[2][:1].isdigit() and not _is_address(name):
        return f"{host} is no name and no address with four numbers."
    return check_resolved([name]) if _is_address(name) else None


def check_resolved(found: Iterable[str]) -> str | None:
    """Why nothing of ours goes to these addresses, or None: each must be one of another machine."""
    for text in found:
        at = ip_address(text.partition("%")[0])
        plain = _unwrap_address(at)
        if str(plain) in METADATA or _is_special(plain):
            return f"{text} is an address of the service's own machine or network link: nothing of ours goes there."
    return None


def parse_hosts(text: str) -> frozenset[str]:
    """The hosts, with their ports, that a deployment trusts: HOST:PORT, with commas."""
    return frozenset(host.strip().lower() for host in text.split(",") if host.strip())


def is_trusted(url: str, hosts: frozenset[str]) -> bool:
    """Whether a URL leads to one of these hosts, for which the deployment vouches."""
    return urlsplit(url).netloc.lower() in hosts


def check_outside_url(url: str, hosts: frozenset[str]) -> str | None:
    """What is wrong with the address of a catalog or monitor: https to another machine, or a host that is trusted."""
    if len(url) > MOST_URL or check_text(url):
        return f"An address has at most {MOST_URL} characters."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is written like https://catalog.example.org:8443/path."
    if wrong := _check_url_form(parts):
        return wrong
    if is_trusted(url, hosts):
        return None
    if parts.scheme != "https":
        return "It is asked by https; others only where a service admin trusts the host (POMS_CATALOG_HOSTS)."
    return check_address(f"{parts.hostname}:{port}" if port else str(parts.hostname))


def _check_url_form(parts: SplitResult) -> str | None:
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "This is written like https://catalog.example.org:8443/path."
    if parts.username or parts.password or parts.query or parts.fragment:
        return (
            "An address has no user, password, query or fragment: who asks is said by a credential."
        )
    if any(character.isspace() for character in parts.geturl()):
        return "An address has no blanks."
    return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _unwrap_address(at: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(at, IPv6Address):
        if at in NAT64:
            return IPv4Address(int(at) & 0xFFFFFFFF)
        return at.ipv4_mapped or at.sixtofour or (at.teredo[1] if at.teredo else at)
    return at


def _is_special(at: IPv4Address | IPv6Address) -> bool:
    reserved = at.is_reserved and at.version == 4
    return at.is_loopback or at.is_link_local or at.is_unspecified or at.is_multicast or reserved
