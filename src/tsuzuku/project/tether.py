# SPDX-License-Identifier: Apache-2.0
"""A process that ends with its parent, even if the parent is killed.

As a program: `python tether.py PARENT COMMAND...` ties itself to the process numbered PARENT and becomes COMMAND. It
imports nothing of Tsuzuku, so that it costs a few milliseconds.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int) -> None:
    """Asks the kernel to kill this process when the thread that started it ends. Does nothing elsewhere than on Linux.

    `parent` is the number of the process that must be our parent still: it may have died before the kernel was asked.
    The request survives `exec`, but our own children do not inherit it.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refuses")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # a list of words, no shell
