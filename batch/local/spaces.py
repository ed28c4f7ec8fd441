"""Namespaces of jobs: files, processes and users of their own, by the kernel's calls (Linux 5.12 or newer)."""

import ctypes
import os
import platform
import signal
from collections.abc import Iterable
from contextlib import suppress

_libc = ctypes.CDLL(None, use_errno=True)

_NEWNS, _NEWIPC, _NEWUSER, _NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 0x1000, 0x4000, 1 << 18
_DETACH, _AT_FDCWD, _AT_RECURSIVE, _NO_NEW_PRIVS = 2, -100, 0x8000, 38
_MOUNT_SETATTR, _ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 442, 1, 2, 4
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys", "/cvmfs")
DEVICES = ("null", "zero", "full", "random", "urandom")
SETTINGS = (
    "passwd", "group", "nsswitch.conf", "hosts", "host.conf", "resolv.conf", "services", "protocols", "localtime",
    "timezone", "machine-id", "os-release", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "ssl", "pki",
    "ca-certificates", "crypto-policies", "grid-security", "krb5.conf", "krb5.conf.d", "profile", "profile.d",
    "bash.bashrc", "bashrc", "locale.alias", "mime.types", "terminfo",
)  # fmt: skip
"""What of /etc programs need: elsewhere in it a service may have its keys, as an account that can read them."""


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user")]


def _check_result(result: int, what: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def _mount_filesystem(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = [os.fsencode(each) for each in (source, target, kind)]
    _check_result(_libc.mount(*words, ctypes.c_ulong(flags), options.encode()), target)


def _restrict_mount(path: str, attributes: int, flags: int = _AT_RECURSIVE) -> None:
    told = _MountAttributes(set=attributes)
    args = _AT_FDCWD, os.fsencode(path), flags, ctypes.byref(told), ctypes.c_size_t(32)
    _check_result(_libc.syscall(_MOUNT_SETATTR, *args), path)


def forbid_new_privileges() -> None:
    """From now on no program gives this process, or what it starts, more rights than it has."""
    _check_result(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def separate_processes() -> None:
    """Have what this process starts in a process space of its own, in which it itself is not.

    An ordinary user gets a user space as well, where he is who he is outside, and root is nobody.
    """
    if os.geteuid() == 0:
        _check_result(_libc.unshare(_NEWPID | _NEWIPC), "unshare")
        return
    uid, gid = os.geteuid(), os.getegid()
    _check_result(_libc.unshare(_NEWUSER | _NEWPID | _NEWIPC), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def become_first_process() -> None:
    """Be the first process of the space, with which the kernel ends all others; takes leave of those that end.

    It expects SIGCHLD to be blocked, and is killed when it is not needed any more.
    """
    while True:
        signal.sigwait({signal.SIGCHLD})
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


class FileSpace:
    """A file system that is put together of what a job may see, and is then all that there is."""

    def __init__(self, root: str) -> None:
        """`root`: an empty folder."""
        self._root, self._frames = root, [root]
        _check_result(_libc.unshare(_NEWNS), "unshare")
        _mount_filesystem("none", "/", "", _REC | _PRIVATE)
        _mount_filesystem("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755,size=16m")

    def show(self, path: str, *, writable: bool = False) -> None:
        """What is there, read only or not; nothing where there is nothing. Links on the way lead to the same place."""
        real = os.path.realpath(path)
        if not os.path.exists(real):
            return
        self._bind(real, real, writable=writable)
        if not os.path.lexists(self._root + path):
            os.makedirs(os.path.dirname(self._root + path), exist_ok=True)
            os.symlink(real, self._root + path)

    def _bind(self, source: str, place: str, *, writable: bool = False) -> None:
        target = self._root + place
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        elif not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o644))
        _mount_filesystem(source, target, "", _BIND | _REC)
        is_device = source.startswith("/dev/")
        limits = _ATTR_NOSUID | (0 if is_device else _ATTR_NODEV)
        _restrict_mount(target, limits | (0 if writable or is_device else _ATTR_RDONLY))

    def show_system(self) -> None:
        """Programs, libraries, devices and those settings of the machine that are everybody's."""
        for path in SYSTEM:
            if os.path.islink(path):
                os.symlink(os.readlink(path), self._root + path)
            elif os.path.isdir(path):
                self._bind(path, path)
        for name in SETTINGS:
            if os.path.exists(real := os.path.realpath(f"/etc/{name}")):
                self._bind(real, f"/etc/{name}")
        for name in DEVICES:
            self._bind(f"/dev/{name}", f"/dev/{name}")
        for name, to in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            os.symlink(f"/proc/self/fd{to}", f"{self._root}/dev/{name}")
        shared = f"{self._root}/dev/shm"  # noqa: S108 - of this space alone
        os.mkdir(shared)
        _mount_filesystem("tmpfs", shared, "tmpfs", _NOSUID | _NODEV, "mode=1777,size=256m")

    def hide(self, paths: Iterable[str]) -> None:
        """Have nothing in folders but what is shown later, though they lie in something that is shown."""
        hidden: list[str] = []
        for path in sorted(map(os.path.realpath, paths), key=len):
            if not any(f"{path}/".startswith(f"{each}/") for each in hidden):
                self._hide(self._root + path)
                hidden.append(path)

    def _hide(self, target: str) -> None:
        try:
            os.makedirs(target, exist_ok=True)
        except OSError:
            if os.path.lexists(target):
                raise
            return
        _mount_filesystem("tmpfs", target, "tmpfs", _NOSUID | _NODEV, "mode=755,size=16m")
        self._frames.append(target)

    def show_temporary(self, path: str) -> None:
        """A folder for what is only for now, under its usual names, too."""
        self.show(path, writable=True)
        for place in ("/tmp", "/var/tmp"):  # noqa: S108 - they become the job's own
            if not os.path.ismount(self._root + place):
                self._bind(os.path.realpath(path), place, writable=True)

    def enter(self) -> None:
        """Leave what there was: only this is there from now on, with the processes of our own space."""
        os.mkdir(f"{self._root}/proc")
        _mount_filesystem("proc", f"{self._root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
        for frame in self._frames:
            _restrict_mount(frame, _ATTR_RDONLY, 0)
        os.chdir(self._root)
        number = _PIVOT_ROOT.get(platform.machine())
        if number is None:
            raise OSError(f"not on {platform.machine()}")
        _check_result(_libc.syscall(number, b".", b"."), "pivot_root")
        _check_result(_libc.umount2(b".", _DETACH), "umount")
        os.chdir("/")
