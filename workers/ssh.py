"""How ssh reaches a launch host: with the experiment's own keys, and only where it may."""

import asyncio
import socket
from pathlib import Path

from domain.addresses import check_resolved
from domain.launching.launch_scripts import split_address
from lanes import Lane, LaneUnavailable

LOOK_S = 20.0
KEYS = Lane("ssh:keys", 10.0, at_once=2)
FIRM = (
    "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no", "ControlMaster=no",
    "ControlPath=none", "IdentitiesOnly=yes", "IdentityAgent=none",
)  # fmt: skip
"""Whatever a configuration says: nothing of another experiment, nor of ours, comes with it."""


class NotReachable(Exception):
    """ssh is not started: the text says why, and what to do."""


async def find_options(keys: Path | None, experiment_id: int, address: str) -> list[str]:
    """The options with which ssh goes to an address now; raises NotReachable.

    What a name stands for is decided here and handed on, so that it can't be another address when ssh goes there.
    Where the configuration in the experiment's folder says of the host that it is another one, or that a proxy leads
    there, an operator has decided.
    """
    folder = None if keys is None else keys / f"e{experiment_id}"
    try:
        options = await KEYS.call(lambda: _find_experiment_options(folder)) if folder else None
    except LaneUnavailable as wrong:
        raise NotReachable(f"The folder of POMS_SSH_KEYS does not answer: {wrong}.") from wrong
    if options is None:
        said = "No keys of ssh lie here for the experiment: put them into the folder"
        raise NotReachable(f"{said} e{experiment_id} of POMS_SSH_KEYS.")
    host, port = split_address(address)
    told = await _read_host_configuration(options, host)
    if {"proxyjump", "proxycommand"} & told.keys():
        return options
    options += ["-o", "ProxyCommand=none"]
    if told.get("hostname", host).lower() != host.lower():
        return options
    found = await _resolve_host(host, port)
    if why := check_resolved(found):
        raise NotReachable(f"{host}: {why}")
    alias = host if port in ("", "22") else f"[{host}]:{port}"
    return [*options, "-o", f"HostName={found[0]}", "-o", f"HostKeyAlias={alias}"]


def _find_experiment_options(folder: Path) -> list[str] | None:
    """The options of an experiment's folder, None where there is none."""
    if not folder.is_dir():
        return None
    configuration, key, known = folder / "config", folder / "id", folder / "known_hosts"
    options = ["-F", str(configuration) if configuration.exists() else "none"]
    for option in FIRM:
        options += ["-o", option]
    # Named also where it isn't there: else ssh takes those of the workers' account.
    options += ["-o", f"IdentityFile={key}"]
    return [*options, "-o", f"UserKnownHostsFile={known}"] if known.exists() else options


async def _read_host_configuration(options: list[str], host: str) -> dict[str, str]:
    """What ssh's configuration says of a host."""
    process = await asyncio.create_subprocess_exec(
        "ssh", *options, "-G", "--", host,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LOOK_S):
            out, error = await process.communicate()
    except TimeoutError as late:
        process.kill()
        raise NotReachable("ssh doesn't read its configuration in time.") from late
    if process.returncode:
        raise NotReachable(
            f"ssh can't read its configuration: {error.decode(errors='replace')[:500]}"
        )
    lines = (line.partition(" ") for line in out.decode(errors="replace").splitlines())
    found = {name: value for name, _, value in lines}
    return {name: value for name, value in found.items() if value != "none"}


async def _resolve_host(host: str, port: str) -> list[str]:
    try:
        async with asyncio.timeout(LOOK_S):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port or "22", type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError) as error:
        raise NotReachable(f"{host} can't be resolved: {error}") from error
    return [str(each[4][0]) for each in found]
