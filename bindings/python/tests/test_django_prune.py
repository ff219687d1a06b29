"""`manage.py boltguard_prune`, on real databases."""

import threading
from datetime import datetime, timedelta
from io import StringIO
from itertools import count

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection, connections, models, transaction
from django.db.models.signals import pre_delete
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from boltguard.auth import DjangoORMRevocation, JWTAuthentication, leeways
from boltguard.management.commands import boltguard_prune
from boltguard.models import APIKey, RevocationWatermark, RevokedToken
from boltguard.sessions import TokenSessions
from boltguard.sessions.models import TokenSession

from databases import SERVERS, database_on

ALIAS = "pruned"
COUNT = count()
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Router:
    """Everything is in the other database."""

    def db_for_read(self, model, **hints):
        return ALIAS

    db_for_write = db_for_read


class Withdrawn(models.Model):
    """A custom table of revoked tokens."""

    jti = models.CharField(max_length=255, unique=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "prune_tests"


@pytest.fixture(scope="module", params=[pytest.param("", id="sqlite"), *SERVERS])
def vendor(request, database):
    options = {} if request.param else {"OPTIONS": {"timeout": 60}}
    with (
        database_on(request.param, ALIAS, **options) as pruned,
        override_settings(DATABASE_ROUTERS=[f"{__name__}.Router"]),
    ):
        with pruned.schema_editor() as editor:
            editor.create_model(Withdrawn)
        yield pruned.vendor


@pytest.fixture(autouse=True)
def _empty(vendor):
    yield
    for model in (RevokedToken, RevocationWatermark, Withdrawn, TokenSession, APIKey):
        model.objects.all().delete()


@pytest.fixture
def ada():
    # She stays: deleting her would delete rows of the test app `people`, which isn't migrated.
    return get_user_model().objects.create_user(f"ada-{next(COUNT)}")


def prune(*arguments, **options):
    """The standard output and the standard error of the command."""
    out, err = StringIO(), StringIO()
    call_command("boltguard_prune", *arguments, stdout=out, stderr=err, no_color=True, **options)
    return out.getvalue(), err.getvalue()


def revoked(jti, expires_at, model=RevokedToken):
    return model.objects.create(jti=jti, expires_at=expires_at)


def ago(age):
    return timezone.now() - age


def ids(model=RevokedToken, field="jti"):
    return sorted(model.objects.values_list(field, flat=True))


def test_expired_entries_are_deleted_and_others_stay():
    for model, field in ((RevokedToken, "jti"), (RevocationWatermark, "key")):
        more = {"before": 1} if model is RevocationWatermark else {}
        for name, expires_at in (("old", ago(DAY)), ("new", ago(-DAY)), ("forever", None)):
            model.objects.create(**{field: name}, expires_at=expires_at, **more)
    out, err = prune()
    assert ids() == ids(RevocationWatermark, "key") == ["forever", "new"]
    assert f"boltguard.RevokedToken ({ALIAS}): deleted 1 row.\n" in out
    assert f"boltguard.RevocationWatermark ({ALIAS}): deleted 1 row.\n" in out
    assert out.endswith("Deleted 2 rows in total.\n") and err == ""


def level(key, age, expires_at=None):
    before = (1 << 53) - 1 if age is None else int(ago(age).timestamp() * 1000)
    return RevocationWatermark.objects.create(key=key, before=before, expires_at=expires_at)


def test_levels_without_expiry_are_deleted_when_their_tokens_must_have_expired(monkeypatch):
    monkeypatch.setattr(leeways, "_bound", {})
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(), leeway=60)
    for key, age in (("old", 31 * DAY), ("within the leeway", 30 * DAY + MINUTE), ("new", 29 * DAY), ("session", None)):
        level(key, age)
    level("expires later", 31 * DAY, ago(-DAY))
    prune()
    assert RevocationWatermark.objects.count() == 5
    out, _ = prune("--longest-lifetime", "30d", "--dry-run")
    assert "would delete 1 row" in out
    prune("--longest-lifetime", "30d", "--older-than", "2d")
    assert RevocationWatermark.objects.count() == 5
    prune("--longest-lifetime", "30d")
    assert ids(RevocationWatermark, "key") == ["expires later", "new", "session", "within the leeway"] and backend


def test_levels_without_expiry_stay_if_tokens_can_be_valid_for_longer():
    level("old", 300 * DAY)
    for text, longest in (("59m", "1:00:00"), ("0", "1:00:00")):
        with pytest.raises(CommandError, match=f"--longest-lifetime is too short: .* for {longest}"):
            prune("--longest-lifetime", text)
    sessions = TokenSessions(JWTAuthentication(revocation_store=DjangoORMRevocation()), access_lifetime=2 * DAY)
    with pytest.raises(CommandError, match="can be valid for 2 days"):
        prune("--longest-lifetime", "1d")
    backend = JWTAuthentication(required_claims=["iat"], name="eternal")
    with pytest.raises(CommandError, match=r"'eternal' accepts tokens without exp.*required_claims"):
        prune("--longest-lifetime", "30d")
    assert ids(RevocationWatermark, "key") == ["old"] and sessions and backend


def test_an_entry_stays_while_a_slow_clock_may_accept_its_token():
    revoked("a", ago(MINUTE / 2))
    revoked("b", ago(MINUTE * 2))
    prune()
    assert ids() == ["a"]


def test_an_entry_stays_for_a_leeway_that_was_increased_after_it_was_written():
    store = DjangoORMRevocation(f"{__name__}.Withdrawn")
    backend = JWTAuthentication(revocation_store=store, leeway=3600)
    revoked("a", ago(timedelta(minutes=55)), Withdrawn)
    revoked("b", ago(timedelta(minutes=65)), Withdrawn)
    prune()
    assert ids(Withdrawn) == ["a"] and backend.revocation_store is store


def test_an_entry_that_the_store_wrote_stays_until_its_token_has_expired():
    store = DjangoORMRevocation()
    store.revoke("a", 0.0)
    prune()
    assert store.is_revoked("a")


def test_a_custom_model_is_pruned_while_a_backend_uses_it():
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(f"{__name__}.Withdrawn"))
    revoked("old", ago(DAY), Withdrawn)
    revoked("new", None, Withdrawn)
    assert f"prune_tests.Withdrawn ({ALIAS}): deleted 1 row." in prune()[0]
    assert ids(Withdrawn) == ["new"] and backend is not None


def test_older_entries_can_be_kept_for_longer():
    revoked("month", ago(30 * DAY))
    revoked("week", ago(7 * DAY))
    prune("--older-than", "10d")
    assert ids() == ["week"]


def test_sessions_are_deleted_some_time_after_they_expired_or_ended(ada):
    sessions = TokenSessions(JWTAuthentication(), access_lifetime=timedelta(hours=1))
    rows = {name: sessions.create(ada).session_id for name in ("active", "ended", "just ended", "expired", "both")}
    change(rows["ended"], ended_at=ago(timedelta(hours=2)))
    change(rows["just ended"], ended_at=ago(timedelta(minutes=50)))
    change(rows["expired"], expires_at=ago(timedelta(days=2)))
    change(rows["both"], expires_at=ago(-DAY), ended_at=ago(2 * DAY))
    prune()
    assert ids(TokenSession, "id") == sorted([rows["active"], rows["just ended"]])
    assert sessions.end(rows["active"])


def change(session_id, **fields):
    TokenSession.objects.filter(pk=session_id).update(**fields)


def test_api_keys_are_deleted_only_on_request():
    keys = {name: APIKey.objects.create_key(name=name)[0] for name in ("active", "expired", "revoked", "just expired")}
    for name, changed in {
        "expired": {"expires_at": ago(91 * DAY)},
        "revoked": {"revoked_at": ago(91 * DAY)},
        "just expired": {"expires_at": ago(DAY)},
    }.items():
        APIKey.objects.filter(pk=keys[name].pk).update(**changed)
    prune()
    assert len(ids(APIKey, "name")) == 4
    prune("--api-keys", "90d")
    assert ids(APIKey, "name") == ["active", "just expired"]


def test_a_dry_run_deletes_nothing():
    revoked("old", ago(DAY))
    out, _ = prune("--dry-run")
    assert f"boltguard.RevokedToken ({ALIAS}): would delete 1 row." in out and "Would delete 1 row in total." in out
    assert ids() == ["old"]


def test_rows_are_deleted_in_batches_of_separate_transactions():
    RevokedToken.objects.bulk_create([RevokedToken(jti=str(one), expires_at=ago(DAY)) for one in range(25)])
    with CaptureQueriesContext(connections[ALIAS]) as queries:
        assert "deleted 25 rows" in prune("--batch-size", "10")[0]
    deletions = [one["sql"] for one in queries if one["sql"].startswith("DELETE") and "revokedtoken" in one["sql"]]
    assert len(deletions) == 3
    assert not RevokedToken.objects.exists()


def test_the_receivers_of_a_custom_model_are_called():
    deleted = []
    receiver = lambda instance, **kwargs: deleted.append(instance.jti)  # noqa: E731
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(f"{__name__}.Withdrawn"))
    revoked("old", ago(DAY), Withdrawn)
    pre_delete.connect(receiver, Withdrawn)
    try:
        prune()
    finally:
        pre_delete.disconnect(receiver, Withdrawn)
    assert deleted == ["old"] and backend is not None


def test_long_runs_report_progress(monkeypatch):
    monkeypatch.setattr(boltguard_prune, "REPORT_INTERVAL", 0.0)
    for name in "abc":
        revoked(name, ago(DAY))
    _, err = prune("--batch-size", "2")
    assert err.splitlines() == [
        f"boltguard.RevokedToken ({ALIAS}): deleted 2 of about 3 rows so far.",
        f"boltguard.RevokedToken ({ALIAS}): deleted 3 of about 3 rows so far.",
    ]


def test_nothing_is_printed_at_verbosity_0(monkeypatch):
    monkeypatch.setattr(boltguard_prune, "REPORT_INTERVAL", 0.0)
    revoked("a", ago(DAY))
    assert prune(verbosity=0) == ("", "") and ids() == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--database", "other"], "'other' is not an alias of DATABASES"),
        (["--batch-size", "0"], "'0' is not a number between 1 and 100000"),
        (["--batch-size", "many"], "'many' is not a number"),
        (["--older-than", "soon"], "'soon' is not a valid duration"),
        (["--api-keys", "-1d"], "expected one argument"),
    ],
)
def test_mistakes_are_named(arguments, problem):
    with pytest.raises(CommandError, match=problem):
        prune(*arguments)


def test_the_database_can_be_chosen():
    revoked("old", ago(DAY))
    RevokedToken.objects.using("default").create(jti="other", expires_at=ago(DAY))
    prune("--database", "default")
    assert ids() == ["old"] and not RevokedToken.objects.using("default").filter(jti="other").exists()


def test_a_missing_table_names_the_remedy():
    backend = JWTAuthentication(revocation_store=DjangoORMRevocation(f"{__name__}.Withdrawn"))
    with pytest.raises(
        CommandError, match=r"Withdrawn \(default\) doesn't exist. Run `python manage.py migrate prune_tests"
    ):
        prune("--database", "default")
    assert backend is not None


def test_dates_without_time_zones():
    with override_settings(USE_TZ=False):
        connection.close()
        revoked("old", datetime.now() - DAY)
        revoked("new", datetime.now() + DAY)
        prune()
        assert ids() == ["new"]


# Other processes


def test_an_entry_that_is_extended_meanwhile_is_never_lost(vendor):
    store, stop = DjangoORMRevocation(), threading.Event()
    problems, written = [], 0

    def prune_repeatedly():
        try:
            while not stop.is_set():
                prune("--batch-size", "3")
        except Exception as error:
            problems.append(error)
        finally:
            connections[ALIAS].close()

    thread = threading.Thread(target=prune_repeatedly)
    thread.start()
    try:
        for number in range(60):
            for name in "abcde":
                # An expired entry, which the writer extends while the command deletes it.
                RevokedToken.objects.filter(jti=name).delete()
                revoked(name, ago(DAY))
                store.revoke(name, 600)
                written += 1
                assert store.is_revoked(name), (number, name)
    finally:
        stop.set()
        thread.join()
    assert problems == [] and written == 300 and ids() == ["a", "b", "c", "d", "e"]


def test_simultaneous_runs_delete_everything_once(vendor):
    RevokedToken.objects.bulk_create([RevokedToken(jti=str(one), expires_at=ago(DAY)) for one in range(400)])
    barrier, results = threading.Barrier(3), []

    def run():
        try:
            barrier.wait()
            results.append(prune("--batch-size", "20")[0])
        except Exception as error:
            results.append(str(error))
        finally:
            connections[ALIAS].close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    totals = [int(result.split("Deleted ")[1].split()[0]) for result in results]
    prune()
    assert sum(totals) <= 400 and not RevokedToken.objects.exists()


def test_a_locked_row_is_not_waited_for(vendor):
    if not connections[ALIAS].features.has_select_for_update_skip_locked:
        pytest.skip("the database locks no single rows")
    revoked("held", ago(DAY))
    done = []

    def run():
        try:
            done.append(prune()[0])
        finally:
            connections[ALIAS].close()

    with transaction.atomic(using=ALIAS):
        RevokedToken.objects.filter(jti="held").update(expires_at=ago(-DAY))
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(60)
        assert len(done) == 1
    assert ids() == ["held"]
