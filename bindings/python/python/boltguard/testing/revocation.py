"""Tests for revocation stores.

`check_store` runs them all. With pytest or unittest, subclass `RevocationStoreTests` to run each one separately::

    class TestMyStore(RevocationStoreTests):
        def make_store(self):
            return MyStore()
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from boltguard import clock
from boltguard._rust import RevocationLevel, RevocationQuery
from boltguard.auth.revocation_arguments import ALL_TOKENS, ttl_seconds
from boltguard.auth.stores import RevocationStore
from boltguard.optional import open_connections
from boltguard.testing.claims import uuid7

__all__ = ["RevocationStoreTests", "check_store"]

HOUR = 3600


def check_store(make_store: Callable[[], RevocationStore], *, uses_threads: bool = True) -> None:
    """Runs all tests with stores that `make_store` returns. Raises `AssertionError` if one fails.

    The stores may have the same entries, and may have entries of others: the tests use random values. This takes about
    three seconds. With `uses_threads=False`, nothing is revoked concurrently, as for SQLite in memory.
    """
    tests = RevocationStoreTests()
    tests.make_store = make_store  # type: ignore[method-assign]
    tests.uses_threads = uses_threads
    for name in dir(tests):
        if name.startswith("test_"):
            getattr(tests, name)()


class RevocationStoreTests:
    """The contract of a revocation store, as test methods. Override `make_store`.

    A store without levels passes if its methods for levels raise `NotImplementedError`.
    """

    uses_threads = True

    def make_store(self) -> RevocationStore:
        """Returns the store to test."""
        raise NotImplementedError("Define make_store(self).")

    def test_revoked_token_is_revoked_and_others_are_not(self) -> None:
        store, jti = self.make_store(), f"a{uuid.uuid4()}"
        _revoke(store, jti, HOUR)
        for other, expected in ((jti, True), (jti.upper(), False), (jti + " ", False), (jti[:-1], False)):
            _require(_is_revoked(store, other) is expected, f"is_revoked({other!r}) must be {expected}.")
            _require(_check(store, RevocationQuery(other)) is expected, f"check must be {expected} for {other!r}.")

    def test_async_methods_agree(self) -> None:
        store, jti = self.make_store(), str(uuid.uuid4())

        async def revoke() -> list[bool]:
            await store.arevoke(jti, HOUR)
            query, other = RevocationQuery(jti), RevocationQuery(str(uuid.uuid4()))
            return [await store.ais_revoked(jti), await store.acheck(query), await store.acheck(other)]

        _require(asyncio.run(revoke()) == [True, True, False], "arevoke, ais_revoked and acheck must agree.")
        _require(_is_revoked(store, jti), "is_revoked must find what arevoke revoked.")

    def test_ids_of_any_form(self) -> None:
        store, unique = self.make_store(), str(uuid.uuid4())
        for form in ("{}", "ü {}", "x" * 300 + "{}", "sha256:{}", "boltguard:level:session:{}", "\n{}", "a\0{}"):
            jti = form.format(unique)
            _require(not _is_revoked(store, jti), f"A token with an id like {form[:40]!r} is revoked by another one.")
            _revoke(store, jti, HOUR)
            _require(_is_revoked(store, jti), f"A token with an id like {form[:40]!r} isn't revoked.")

    def test_wrong_arguments_are_refused(self) -> None:
        store = self.make_store()
        for jti in ("", None):
            _raises_value_error(lambda jti=jti: _revoke(store, jti), f"revoke({jti!r})")  # type: ignore[misc]
        for ttl in (float("nan"), float("inf"), "60", True):
            _raises_value_error(lambda ttl=ttl: _revoke(store, "a", ttl), f"revoke(ttl={ttl!r})")  # type: ignore[misc]
        for value in ("", None, 7):
            _raises_value_error(lambda value=value: store.revoke_session(value), f"revoke_session({value!r})")  # type: ignore[misc]
            _raises_value_error(lambda value=value: store.revoke_subject(value), f"revoke_subject({value!r})")  # type: ignore[misc]
        for before in (datetime(2030, 1, 1), 0, "now"):  # noqa: DTZ001
            _raises_value_error(lambda before=before: store.revoke_issuer("a", before), f"before={before!r}")  # type: ignore[misc]

    def test_revoking_again_never_shortens_an_entry(self) -> None:
        store = self.make_store()
        # Without the margin and the leeway, which are at least a minute.
        store.lifetime = ttl_seconds  # type: ignore[method-assign]
        queries: list[tuple[str, RevocationQuery]] = []
        for ttls in ((HOUR, 1), (1, HOUR), (None, 1), (1, None)):
            jti = str(uuid.uuid4())
            for ttl in ttls:
                _revoke(store, jti, ttl)
            queries.append((f"revoke with ttl={ttls}", RevocationQuery(jti)))
            for level, query in _levels() if _has_levels(store) else ():
                queries.append((f"{level.kind} with ttl={ttls}", query()))
                for ttl in ttls:
                    _revoke_level(store, level, _now(), ttl)
        time.sleep(1.6)
        for shown, token in queries:
            _require(_check(store, token), f"The second revocation has shortened the first one: {shown}.")

    def test_store_without_levels_says_so(self) -> None:
        store = self.make_store()
        if _has_levels(store):
            return
        for revoke in (store.revoke_session, store.revoke_subject, store.revoke_issuer, store.revoke_key):
            try:
                revoke("a")
            except NotImplementedError as error:
                _require(bool(str(error)), "NotImplementedError must say what to define.")
            else:
                raise AssertionError(f"{revoke.__name__} must raise NotImplementedError.")

    def test_revocation_and_new_token_within_one_second(self) -> None:
        store, second = self.make_store(), _now() // 1000 * 1000
        for level, query in self._supported(store):
            _revoke_level(store, level, second + 500, HOUR)
            for millis, expected in ((0, True), (499, True), (500, True), (501, False)):
                token = query(token_id=uuid7(second + millis), issued_at=second)
                _require(_check(store, token) is expected, f"{level.kind}: issued {millis} ms after the second began.")
            for seconds, expected in ((-1, True), (0, True), (1, False)):
                token = query(issued_at=second + seconds * 1000)
                _require(_check(store, token) is expected, f"{level.kind}: iat is {seconds} s after the second.")

    def test_new_token_after_revoking_everything_is_accepted(self) -> None:
        store, subject = self.make_store(), str(uuid.uuid4())
        if not _has_levels(store):
            return
        for _ in range(3):
            old = RevocationQuery(uuid7(_now()), subject=subject)
            _finish(store.revoke_subject(subject, ttl=HOUR))
            new = RevocationQuery(uuid7(_now()), subject=subject)
            _require(_check(store, old), "A token from before revoke_subject() must be revoked.")
            _require(not _check(store, new), "A token from after revoke_subject() must be accepted.")

    def test_latest_watermark_decides(self) -> None:
        store, start = self.make_store(), _now()
        for order in ([1, 2, 3], [3, 2, 1], [2, 3, 1]):
            for level, query in self._supported(store):
                for millis in order:
                    _revoke_level(store, level, start + millis, HOUR)
                found = [_check(store, query(token_id=uuid7(start + millis))) for millis in (3, 4)]
                _require(found == [True, False], f"{level.kind}: watermarks in the order {order}.")

    def test_token_of_unknown_age_is_revoked_by_any_watermark(self) -> None:
        store = self.make_store()
        for level, query in self._supported(store):
            _require(not _check(store, query(issued_at=None)), f"{level.kind}: nothing is revoked yet.")
            _revoke_level(store, level, 0, HOUR)
            _require(_check(store, query(issued_at=None)), f"{level.kind}: a token without iat must be revoked.")

    def test_session_is_revoked_regardless_of_time(self) -> None:
        store, sid = self.make_store(), str(uuid.uuid4())
        if not _has_levels(store):
            return
        _finish(store.revoke_session(sid, ttl=HOUR))
        for issued_at in (0, _now(), _now() + 10**6, None):
            token = RevocationQuery(str(uuid.uuid4()), session_id=sid, issued_at=issued_at)
            _require(_check(store, token), f"A token of a revoked session is accepted: iat={issued_at}.")
        _require(not _check(store, RevocationQuery("a", session_id=sid + "2")), "Another session is revoked.")

    def test_levels_with_the_same_value_are_independent(self) -> None:
        store = self.make_store()
        for level, _ in self._supported(store):
            _revoke_level(store, level, ALL_TOKENS, HOUR)
            value, issuer = level.value, level.subject_issuer or level.value
            queries = [
                RevocationQuery(value),
                RevocationQuery(level.storage_key),
                RevocationQuery("a", session_id=value),
                RevocationQuery("a", subject=value),
                RevocationQuery("a", subject=value, issuer=issuer + "2"),
                RevocationQuery("a", subject=issuer, issuer=value + "2"),
                RevocationQuery("a", issuer=value),
                RevocationQuery("a", key_id=value),
            ]
            for query in queries:
                expected = level in query.levels()
                kinds = [one.kind for one in query.levels()]
                _require(_check(store, query) is expected, f"{level.kind} is revoked: a token with the levels {kinds}.")

    def test_token_id_is_independent_of_levels(self) -> None:
        store = self.make_store()
        for level, query in self._supported(store):
            _revoke(store, level.storage_key, HOUR)
            _require(
                not _check(store, query()), f"A token ID like the name of a {level.kind} revokes the {level.kind}."
            )

    def test_concurrent_revocations_keep_the_latest_and_longest(self) -> None:
        store, start = self.make_store(), _now()
        store.lifetime = ttl_seconds  # type: ignore[method-assign]
        for level, query in self._supported(store) if self.uses_threads else ():
            marks = [(millis, 1 if millis % 3 else HOUR) for millis in range(40)]
            _in_threads(lambda mark, level=level: _revoke_level(store, level, start + mark[0], mark[1]), marks)  # type: ignore[misc]
            for millis, expected in ((39, True), (40, False)):
                token = query(token_id=uuid7(start + millis))
                _require(_check(store, token) is expected, f"{level.kind}: concurrent revocations, {millis} ms.")
        if self.uses_threads and _has_levels(store):
            subject = str(uuid.uuid4())
            level, token = RevocationLevel.subject(subject), RevocationQuery("a", subject=subject, issued_at=start)
            _in_threads(lambda ttl: _revoke_level(store, level, start, ttl), [1, 1, 1, HOUR, 1, 1, 1, 1])
            time.sleep(1.6)
            _require(_check(store, token), "Concurrent revocations must keep the longest lifetime.")

    def _supported(self, store: RevocationStore) -> Iterator[tuple[RevocationLevel, Callable[..., RevocationQuery]]]:
        return _levels() if _has_levels(store) else iter(())


def _levels() -> Iterator[tuple[RevocationLevel, Callable[..., RevocationQuery]]]:
    """Levels with new values, each with a function that makes a query of a token that belongs to it."""
    value, issuer = _value(), _value()
    yield RevocationLevel.session(value), _query(session_id=value)
    value = _value()
    yield RevocationLevel.subject(value), _query(subject=value)
    value = _value()
    yield RevocationLevel.subject(value, issuer), _query(subject=value, issuer=issuer)
    value = _value()
    yield RevocationLevel.issuer(value), _query(issuer=value)
    value = _value()
    yield RevocationLevel.key(value), _query(key_id=value)


def _value() -> str:
    return f"https://{uuid.uuid4()}.example/\u00c4"


def _query(**parts: str) -> Callable[..., RevocationQuery]:
    def query(**more: Any) -> RevocationQuery:
        return RevocationQuery(**{"token_id": str(uuid.uuid4()), "issued_at": _now() // 1000 * 1000, **parts, **more})

    return query


def _has_levels(store: RevocationStore) -> bool:
    try:
        _revoke_level(store, RevocationLevel.session(str(uuid.uuid4())), 0, 1)
    except NotImplementedError:
        return False
    return True


def _revoke(store: RevocationStore, jti: Any, ttl: Any = None) -> None:
    _finish(store.revoke(jti, ttl))


def _revoke_level(store: RevocationStore, level: RevocationLevel, before: int, ttl: Any) -> None:
    _finish(store.revoke_level(level, before, ttl))


def _is_revoked(store: RevocationStore, jti: str) -> bool:
    result: bool = _finish(store.is_revoked(jti))
    return result


def _check(store: RevocationStore, query: RevocationQuery) -> bool:
    """The result of `check`, which must be the one of `acheck`."""
    result: bool = _finish(store.check(query))
    _require(isinstance(result, bool), "check must return True or False.")
    return result


def _finish(result: Any) -> Any:
    """The result of a method, which may be async."""
    return asyncio.run(_awaited(result)) if asyncio.iscoroutine(result) else result


async def _awaited(result: Any) -> Any:
    return await result


def _in_threads(function: Callable[[Any], None], arguments: list[Any]) -> None:
    errors: list[BaseException] = []

    def run(part: list[Any]) -> None:
        try:
            for argument in part:
                function(argument)
        except BaseException as error:
            errors.append(error)
        finally:
            for connection in open_connections():
                connection.close()

    threads = [threading.Thread(target=run, args=(arguments[index::4],)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def _now() -> int:
    return clock.time_ms()


def _raises_value_error(call: Callable[[], Any], shown: str) -> None:
    try:
        _finish(call())
    except ValueError as error:
        _require(bool(str(error)), f"{shown}: ValueError must say what is wrong.")
    else:
        raise AssertionError(f"{shown} must raise ValueError.")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
