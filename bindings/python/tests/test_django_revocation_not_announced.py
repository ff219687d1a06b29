"""Revocations that are stored, but of which other processes couldn't be told: `RevocationNotAnnounced`."""

import asyncio
import logging

import pytest
from django.contrib.auth import get_user_model
from django.db import connections, transaction
from django.http import HttpResponse
from django.urls import path

from boltguard import protect, signals
from boltguard.auth import (
    DjangoORMRevocation,
    IsAuthenticated,
    JWTAuthentication,
    ReplicatedRevocation,
    RevocationQuery,
    create_jwt_for_user,
    logout_everywhere,
)
from boltguard.auth.failures import Failures
from boltguard.exceptions import RevocationNotAnnounced, RevocationUnavailable
from boltguard.models import RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions
from test_django_revocation_caches import free_port
from test_django_revoke_on import CHANGES, _alone, by_default, change_password, deactivate, group, serve  # noqa: F401

from support import Levels, SingleTokens, Unavailable, bearer, call, claims_of, mount, wsgi

User = get_user_model()


class Unannounced(Levels):
    """A store that keeps entries, but can't tell the other processes."""

    def revoke(self, jti, ttl=None):
        super().revoke(jti, ttl)
        raise RevocationNotAnnounced("no server")

    def revoke_level(self, level, before, ttl=None):
        super().revoke_level(level, before, ttl)
        raise RevocationNotAnnounced("no server")


@pytest.fixture
def replicated():
    """A store whose server isn't running."""
    pytest.importorskip("redis")
    store = ReplicatedRevocation(f"redis://127.0.0.1:{free_port()}/0")
    yield store
    store.close()


# Changes of an account


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_an_account_is_saved(ada, group, change, caplog):  # noqa: F811
    store = Unannounced()
    auth, _ = serve(store)
    fields = User.objects.filter(pk=ada.pk).values("password", "is_active", "is_staff", "groups", "user_permissions")
    before, pk = list(fields), ada.pk
    with caplog.at_level(logging.WARNING, "boltguard"):
        CHANGES[change](ada)
    assert list(fields.filter(pk=pk)) != before
    assert "no server" in caplog.text and "doesn't apply yet" in caplog.text
    assert ("subject", str(pk)) in {level[:2] for level in store.levels}
    del auth


def test_password_is_changed_while_the_server_of_the_replicated_store_is_down(ada, replicated):
    auth, _ = serve(replicated)
    change_password(ada)
    assert User.objects.get(pk=ada.pk).check_password("a new password")
    assert RevocationWatermark.objects.exists() and replicated.describe()["unsent"]
    del auth


@pytest.mark.parametrize("error", [ConnectionError("gone"), RevocationNotAnnounced("gone")], ids=type)
def test_second_revocation_that_fails_is_logged(ada, caplog, error):
    store = Levels()
    auth, _ = serve(store)

    def fail(*args):
        raise error

    with transaction.atomic():
        deactivate(ada)
        store.revoke_level = fail
    assert not User.objects.get(pk=ada.pk).is_active
    assert "gone" in caplog.text and ("Traceback" in caplog.text) is isinstance(error, ConnectionError)
    del auth


def test_sessions_end_although_their_end_is_not_announced(ada):
    auth, _ = serve(Unannounced())
    sessions = TokenSessions(auth)
    sessions.create(ada)
    deactivate(ada)
    assert not User.objects.get(pk=ada.pk).is_active and not sessions.list(ada)


@pytest.mark.parametrize("others", [[Unannounced, Unavailable], [Unavailable, Unannounced]])
def test_change_is_not_saved_if_another_store_has_stored_nothing(ada, others):
    backends = [JWTAuthentication(revocation_store=store()) for store in others]
    with pytest.raises(RevocationUnavailable, match="BOLTGUARD_REVOKE_ON") as raised:
        deactivate(ada)
    assert not isinstance(raised.value, RevocationNotAnnounced)
    assert User.objects.get(pk=ada.pk).is_active
    del backends


@pytest.mark.parametrize("others", [[SingleTokens, Unavailable], [Unavailable, SingleTokens]])
def test_store_for_single_tokens_does_not_hide_another_that_fails(ada, by_default, others):  # noqa: F811
    backends = [JWTAuthentication(revocation_store=store()) for store in others]
    with pytest.raises(RevocationUnavailable, match="the server is gone"):
        deactivate(ada)
    assert User.objects.get(pk=ada.pk).is_active
    del backends


# Explicit calls


def test_explicit_revocation_raises_after_it_is_stored(replicated):
    for revoke, model in (
        (lambda: replicated.revoke("a", 600), RevokedToken),
        (lambda: replicated.revoke_subject("1"), RevocationWatermark),
        (lambda: asyncio.run(replicated.arevoke_session("s")), RevocationWatermark),
    ):
        with pytest.raises(RevocationNotAnnounced, match="couldn't be told"):
            revoke()
        assert model.objects.exists()


def test_revocation_that_is_not_stored_is_not_announced(replicated, monkeypatch):
    """The other processes would refuse the token until they are restarted, although the call has failed."""
    appended = []
    monkeypatch.setattr(replicated._stream, "append", lambda fields: appended.append(dict(fields)))
    with monkeypatch.context() as unavailable:
        for name in ("revoke", "revoke_level"):
            unavailable.setattr(replicated.truth, name, getattr(Unavailable(), name))
        for revoke in (lambda: replicated.revoke("a", 600), lambda: replicated.revoke_subject("1")):
            with pytest.raises(Exception, match="the server is gone"):
                revoke()
    assert appended == [] and replicated.describe()["entries"] == 0
    replicated.revoke("a", 600)
    assert [one["jti"] for one in appended] == ["a"]


def test_logging_out_everywhere_writes_to_every_store_and_raises(ada):
    stores = [Unannounced(), Levels(), Unannounced()]
    backends = [JWTAuthentication(revocation_store=store) for store in stores]
    with pytest.raises(RevocationNotAnnounced):
        logout_everywhere(ada)
    assert all(store.levels for store in stores)
    del backends


def test_token_that_is_issued_afterwards_is_accepted(ada, replicated):
    _, status = serve(replicated)
    with pytest.raises(RevocationNotAnnounced):
        replicated.revoke_subject(str(ada.pk))
    token = create_jwt_for_user(ada)
    with pytest.raises(RevocationNotAnnounced):
        asyncio.run(replicated.arevoke_subject(str(ada.pk)))
    assert status(token) == 401
    assert not replicated.truth.check(_query(create_jwt_for_user(ada)))


def _query(token):
    claims = claims_of(token)
    return RevocationQuery(claims["jti"], subject=claims["sub"], issued_at=claims["iat"])


def test_signal_is_sent_because_the_token_is_revoked():
    received = []

    def receive(sender, **kwargs):
        received.append(kwargs["jti"])

    signals.token_revoked.connect(receive)
    try:
        with pytest.raises(RevocationNotAnnounced):
            Unannounced().revoke("a")
        with pytest.raises(RevocationNotAnnounced):
            asyncio.run(Unannounced().arevoke("b"))
    finally:
        signals.token_revoked.disconnect(receive)
    assert received == ["a", "b"]


@pytest.mark.parametrize("is_async", [False, True])
def test_revocation_persists_although_the_view_fails_because_of_it(replicated, is_async):
    """The response is 503, and the transaction of the view is rolled back."""
    auth = [JWTAuthentication(revocation_store=DjangoORMRevocation())]

    def view(request):
        replicated.revoke("j", 600)
        return HttpResponse()

    mount(path("view", protect(auth=auth, guards=[IsAuthenticated()])(view)))
    settings = connections.settings["default"]
    settings["ATOMIC_REQUESTS"] = True
    try:
        send = call if is_async else wsgi
        refused = send("get", "/view", bearer(sub="1", jti="other"))
    finally:
        settings["ATOMIC_REQUESTS"] = False
    assert refused.status_code == 503 and refused.json()["code"] == "revocation_unavailable"
    assert RevokedToken.objects.filter(jti="j").exists()


def test_steps_after_a_failed_one_are_taken_and_the_worst_exception_is_raised():
    announced, single, real = RevocationNotAnnounced("a"), NotImplementedError("b"), ValueError("c")
    for raised, worst in (
        ([announced, single, real, OSError()], real),
        ([announced, single], single),
        ([announced, RevocationNotAnnounced("d")], announced),
    ):
        failures = Failures()
        for error in raised:
            assert failures.catch(_raise, error) is None
        assert failures.catch(lambda: 1) == 1
        with pytest.raises(type(worst)) as found:
            failures.raise_worst()
        assert found.value is worst
    Failures().raise_worst()


def _raise(error):
    raise error
