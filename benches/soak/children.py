"""Processes that end with this one, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# Kills its process group when its standard input ends, which is when this process closes it or ends. A process that is
# stopped is killed, too.
GUARD = "cat >/dev/null; kill -KILL 0"
# Enters the group of the guard, and becomes the program, as another user if one is given. If the parent has ended
# before, so may have the guard.
ENTER = """
import os, sys
os.setpgid(0, int(sys.argv[1]))
if os.getppid() == int(sys.argv[2]):
    if sys.argv[3]:
        os.setgroups([])
        os.setgid(int(sys.argv[3]))
        os.setuid(int(sys.argv[3]))
    os.execvp(sys.argv[4], sys.argv[4:])
"""
LEAD = "import os, sys; os.setpgid(0, 0); print(flush=True); os.execvp(sys.argv[1], sys.argv[1:])"


class Children:
    """The child processes: in a process group that Ctrl-C doesn't reach, so that this process ends them."""

    def __init__(self) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-IS", "-c", LEAD, "sh", "-c", GUARD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._guard.stdout is not None
        self._guard.stdout.readline()
        self._children: list[subprocess.Popen[str]] = []

    def start(self, *command: str, log: Path, user: int | None = None, **options: Any) -> subprocess.Popen[str]:
        """Starts a program, which appends its errors to `log`, and waits until it is in the group.

        `user` is the number of the user that runs it, and of the group.
        """
        become = "" if user is None else str(user)
        enter = [sys.executable, "-IS", "-c", ENTER, str(self._guard.pid), str(os.getpid()), become, *command]
        with log.open("a") as errors:
            child = subprocess.Popen(enter, stdin=subprocess.DEVNULL, stderr=errors, text=True, **options)
        self._children.append(child)
        while child.poll() is None and os.getpgid(child.pid) != self._guard.pid:
            time.sleep(0.005)
        return child

    def close(self) -> None:
        """Ends all processes, and waits until they have ended."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()
        for child in self._children:
            child.wait()
