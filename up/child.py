"""Become another program that dies with its parent: run as a script between fork and exec.

A script rather than a hook in the fork, because a fork may not run Python safely when there are
threads. Arguments: the parent's pid, the signal to get when it dies, uid and gid (-1: stay who we
are), and the program with its own.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Tie our life to the parent's, drop root if asked to, and become the program."""
    parent, death, uid, gid = (int(word) for word in argv[:4])
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After setuid, which clears it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        # execv, not execvp: once root is dropped, Python's own library may be out of reach.
        os.execv(argv[4], argv[4:])  # noqa: S606  # no shell is what is wanted
    except OSError as error:
        os.write(2, f"{argv[4]}: {error.strerror}\n".encode())
        os._exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
