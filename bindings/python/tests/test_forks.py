"""Forks while other threads hold locks: the child continues without them."""

import gc
import os
import threading

import pytest

from boltguard import forks

from children import in_child

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


class Locked:
    def __init__(self):
        self.reset_after_fork()
        forks.reset_in_child(self)

    def reset_after_fork(self):
        self.lock = threading.Lock()


class Broken(Locked):
    def reset_after_fork(self):
        if hasattr(self, "lock"):
            raise ValueError("a bug")
        super().reset_after_fork()


@pytest.mark.parametrize("other", [Locked, Broken])
def test_a_lock_that_another_thread_holds_is_free_in_a_child(other):
    things = [other(), Locked(), other()]
    held, go_on = threading.Event(), threading.Event()

    def hold():
        with things[1].lock:
            held.set()
            go_on.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert things[1].lock.locked()
        assert in_child(lambda: things[1].lock.acquire(blocking=False))
    finally:
        go_on.set()
        thread.join()


def test_what_is_gone_is_not_reset():
    def remembered():
        gc.collect()
        return sum(type(thing) is Locked for thing in forks._things)

    before = remembered()
    things = [Locked() for _ in range(3)]
    assert remembered() == before + 3
    del things
    assert remembered() == before
