"""Writers of watermarks in a cache, in every order of their commands: none overwrites a later time or lifetime."""

import random
import threading
import time
from contextlib import suppress

import pytest

from boltguard.auth import DjangoCacheRevocation, RevocationLevel, RevocationQuery, cache_levels
from boltguard.auth.cache_levels import RESERVED, keys_of, raise_level
from boltguard.exceptions import RevocationUnavailable


class Stepped:
    """A cache whose commands are executed one by one, when the schedule chooses the writer."""

    def __init__(self):
        self.values, self.turns, self.waiting = {}, {}, threading.Semaphore(0)

    def _turn(self):
        turn = self.turns.get(threading.get_ident())
        if turn is not None:
            self.waiting.release()
            turn.acquire()

    def add(self, key, value, timeout):
        self._turn()
        is_new = key not in self.values
        self.values.setdefault(key, value)
        return is_new

    def get(self, key):
        self._turn()
        return self.values.get(key)

    def set(self, key, value, timeout):
        self._turn()
        self.values[key] = value

    def delete(self, key):
        self._turn()
        self.values.pop(key, None)


class WithoutReservations(Stepped):
    """What a lock that expires amounts to: two writers have it at once."""

    def add(self, key, value, timeout):
        self._turn()
        return True


# Times and lifetimes. The first one is there before.
FIRST = (10, 1000)
WRITES = [(20, 100), (15, 5000), (30, 50)]


def run(cache, writes, choose):
    """Runs writers in the order that `choose` determines, and checks after each command what was acknowledged."""
    raise_level(cache, "k", *FIRST)
    acknowledged, done = [FIRST], set()

    def write(number):
        cache.turns[threading.get_ident()] = turns[number]
        cache._turn()
        with suppress(RevocationUnavailable):
            raise_level(cache, "k", *writes[number])
            acknowledged.append(writes[number])
        done.add(number)
        cache.waiting.release()

    turns = [threading.Semaphore(0) for _ in writes]
    threads = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(len(writes))]
    for thread in threads:
        thread.start()
        cache.waiting.acquire()
    while running := [number for number in range(len(writes)) if number not in done]:
        turns[running[choose(len(running))]].release()
        cache.waiting.acquire()
        assert_kept(cache, acknowledged)
    for thread in threads:
        thread.join()


def assert_kept(cache, acknowledged):
    held = [cache_levels._parse(cache.values[key]) for key in keys_of(cache, "k") if key in cache.values]
    now = time.time()
    for before, lifetime in acknowledged:
        assert any(b >= before and end >= now + lifetime - 5 for b, end in held), (acknowledged, held)


def every_order(make, writes):
    """Runs all orders: after each run, the last choice that has an alternative is changed."""
    runs, choices = 0, []
    while True:
        taken = []

        def choose(count, taken=taken, choices=choices):
            chosen = choices[len(taken)] if len(taken) < len(choices) else 0
            taken.append((chosen, count))
            return chosen

        run(make(), writes, choose)
        runs += 1
        while taken and taken[-1][0] + 1 >= taken[-1][1]:
            taken.pop()
        if not taken:
            return runs
        choices = [chosen for chosen, _ in taken[:-1]] + [taken[-1][0] + 1]


@pytest.mark.parametrize("writes", [WRITES[:2], WRITES[1:], [WRITES[1], WRITES[0]]], ids=str)
def test_no_order_of_two_writers_loses_a_later_time_or_lifetime(writes):
    assert every_order(Stepped, writes) > 200


def test_no_order_of_three_writers_loses_a_later_time_or_lifetime():
    for seed in range(300):
        chooser = random.Random(seed)
        run(Stepped(), WRITES, chooser.randrange)


def test_the_orders_would_show_an_overwritten_time():
    with pytest.raises(AssertionError, match="20, 100"):
        every_order(WithoutReservations, WRITES[:2])


# Writers that fail


class Failing(Stepped):
    """A cache that raises an exception on the next command of a kind."""

    fails = None

    def _fail(self, name):
        if self.fails == name:
            self.fails = None
            raise ConnectionError(name)

    def get(self, key):
        self._fail("get")
        return super().get(key)

    def set(self, key, value, timeout):
        self._fail("set")
        super().set(key, value, timeout)


def reserved(cache):
    return [key for key in cache.values if key.endswith(RESERVED)]


def test_slot_is_free_again_if_nothing_was_written():
    cache = Failing()
    cache.fails = "get"
    with pytest.raises(ConnectionError):
        raise_level(cache, "k", 1, None)
    assert reserved(cache) == []


def test_slot_stays_reserved_if_the_write_may_still_arrive():
    cache = Failing()
    raise_level(cache, "k", 10, None)
    cache.fails = "set"
    with pytest.raises(ConnectionError):
        raise_level(cache, "k", 15, None)
    assert reserved(cache) == ["k" + RESERVED]
    assert raise_level(cache, "k", 20, None) == "k:1"
    cache.values["k"] = "15:0"
    assert cache_levels.latest([cache.values[key] for key in keys_of(cache, "k") if key in cache.values]) == 20


def test_without_a_free_slot_nothing_is_revoked_and_the_error_says_why(monkeypatch):
    monkeypatch.setattr(cache_levels, "LONGEST_WAIT", 0)
    cache = Stepped()
    for key in keys_of(cache, "k"):
        assert cache.add(key + RESERVED, 1, None)
    with pytest.raises(RevocationUnavailable, match="delete the keys k:reserved, k:1:reserved, k:2:reserved"):
        raise_level(cache, "k", 1, None)


def test_a_check_reads_each_slot_with_one_command():
    store, level = DjangoCacheRevocation(key_prefix="slots:"), RevocationLevel.subject("1")
    store.check(RevocationQuery("a"))
    key = store._level_key(level)
    try:
        for slot in keys_of(store.cache, key):
            store.revoke_level(level, 1000, 60)
            store.cache.set(slot, "2000:0", timeout=None)
            assert store.check(RevocationQuery("a", subject="1", issued_at=2000))
            assert not store.check(RevocationQuery("a", subject="1", issued_at=2001))
            store.cache.delete(slot)
    finally:
        store.cache.clear()


@pytest.mark.parametrize("size", [1, 60, 90, 91, 92, 100, 130])
def test_keys_of_slots_fit_into_memcached(size):
    store = DjangoCacheRevocation(key_prefix="p" * size)
    key = store._level_key(RevocationLevel.subject("1", issuer="i"))
    assert all(len(store.cache.make_key(slot + RESERVED)) <= 250 for slot in keys_of(store.cache, key))
