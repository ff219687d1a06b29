"""Forked processes."""

import os
import signal
import sys
import time
import traceback

TIMEOUT = 20.0


def in_child(function):
    """The result of `function` in a forked process, as a bool. A function that hangs or raises is a failure."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if function() else 1
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(code)
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            assert code in (0, 1), f"the child ended with {code}"
            return code == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("the child hangs")
