"""`APIKey`: creating, rotating and revoking keys, and what is stored."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import timezone as django_timezone

from boltguard import _rust
from boltguard.models import APIKey, APIKeyChanges

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_keys_stay():
    yield
    APIKey.objects.all().delete()


def create(**fields):
    return APIKey.objects.create_key(**{"name": "reports", **fields})


def version():
    return APIKeyChanges.objects.values_list("version", flat=True).first() or 0


def test_the_key_itself_is_not_stored(ada):
    row, key = create(owner=ada, permissions=["blog.view", "shop.*", "blog.view"], scopes=["read"], expires=DAY)
    row.refresh_from_db()
    assert key.startswith(f"bg_{row.id}_") and _rust.ApiKeyFormat("bg").parse(key) == row.id
    assert (row.name, row.owner, row.permissions, row.scopes) == ("reports", ada, ["blog.view", "shop.*"], ["read"])
    assert DAY - timedelta(seconds=9) < row.expires_at - row.created_at < DAY + timedelta(seconds=9)
    assert (row.revoked_at, row.last_used_at, row.status) == (None, None, "active")
    everything = repr([getattr(row, field.attname) for field in row._meta.fields]) + repr(row) + str(row)
    assert key not in everything and key.split("_")[2] not in everything
    assert len(row.digest) == 32


def test_every_key_is_another():
    assert len({create()[1] for _ in range(20)}) == 20


def test_async_code_makes_rotates_and_revokes(ada):
    async def use():
        row, key = await APIKey.objects.acreate_key(name="a", owner=ada)
        successor, other = await row.arotate(overlap=DAY)
        await successor.arevoke()
        assert await APIKey.objects.filter(pk=row.pk).arevoke() == 1
        return row, successor, {key, other}

    row, successor, keys = asyncio.run(use())
    assert len(keys) == 2
    assert {found.status for found in APIKey.objects.all()} == {"revoked"}
    assert {row.pk, successor.pk} == set(APIKey.objects.values_list("pk", flat=True))


def test_user_creates_their_own_keys(ada):
    row, _ = ada.boltguard_api_keys.create_key(name="mine")
    assert row.owner == ada and list(ada.boltguard_api_keys.active()) == [row]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "  "},
        {"name": None},
        {"name": "n" * 201},
        {"permissions": "blog.view"},
        {"permissions": {"blog.view": False}},
        {"scopes": {"read": False}},
        {"permissions": ["blog view"]},
        {"permissions": [""]},
        {"permissions": ["blog*"]},
        {"permissions": ["*.view"]},
        {"permissions": [7]},
        {"scopes": "read write"},
        {"scopes": ["read write"]},
        {"expires": timedelta(0)},
        {"expires": datetime(2020, 1, 1, tzinfo=timezone.utc)},
        {"expires": 3600},
    ],
)
def test_what_can_not_be_meant_is_refused(fields):
    with pytest.raises(ValueError):
        create(**fields)
    assert not APIKey.objects.exists()


def test_wildcards_are_granted_where_they_have_a_meaning():
    assert create(permissions=["*", "blog.*", "a:b"])[0].permissions == ["*", "blog.*", "a:b"]


def test_an_owner_who_is_not_in_the_database_is_refused():
    with pytest.raises((IntegrityError, ValueError)), transaction.atomic():
        create(owner=get_user_model()(username="unsaved"))


def test_a_naive_end_is_in_the_time_zone_of_the_site():
    end = datetime.now() + 3 * DAY
    with override_settings(TIME_ZONE="UTC"):
        assert create(expires=end)[0].expires_at == end.replace(tzinfo=timezone.utc)


def test_rotating_ends_the_old_key_after_the_overlap(ada):
    row, key = create(owner=ada, permissions=["a"], scopes=["b"], expires=90 * DAY)
    APIKey.objects.filter(pk=row.pk).update(created_at=row.created_at - 80 * DAY, expires_at=row.expires_at - 80 * DAY)
    successor, other = row.rotate(overlap=DAY)
    old, new = APIKey.objects.get(pk=row.pk), APIKey.objects.get(pk=successor.pk)
    assert other != key and (new.name, new.owner, new.permissions, new.scopes) == ("reports", ada, ["a"], ["b"])
    soon = timedelta(seconds=9)
    assert abs(old.expires_at - django_timezone.now() - DAY) < soon, "the overlap"
    assert abs(new.expires_at - django_timezone.now() - 90 * DAY) < soon, "the life that the old one was given"
    assert row.expires_at == old.expires_at


def test_rotating_never_lengthens_the_old_keys_life():
    row, _ = create(expires=DAY)
    end = row.expires_at
    row.rotate(overlap=30 * DAY)
    assert APIKey.objects.get(pk=row.pk).expires_at == end


def test_rotating_without_an_overlap_ends_the_old_key_at_once():
    row, _ = create()
    successor, _ = row.rotate()
    assert row.status == "expired" and successor.status == "active" and successor.expires_at is None


def test_a_key_that_is_over_is_not_rotated():
    row, _ = create()
    stale = APIKey.objects.get(pk=row.pk)
    row.revoke()
    for one in (row, stale):
        with pytest.raises(ValueError, match="is revoked. Create a new key instead"):
            one.rotate()
    with pytest.raises(ValueError, match="overlap"):
        row.rotate(overlap=-DAY)
    assert APIKey.objects.count() == 1


def test_what_was_revoked_stays_so():
    row, _ = create()
    row.revoke()
    when = APIKey.objects.get(pk=row.pk).revoked_at
    row.revoke()
    APIKey.objects.get(pk=row.pk).revoke()
    assert APIKey.objects.all().revoke() == 0
    assert APIKey.objects.get(pk=row.pk).revoked_at == when and row.status == "revoked"


def test_keys_are_found_by_their_state():
    active, expired, revoked = (create(name=name, expires=DAY)[0] for name in "aer")
    APIKey.objects.filter(pk=expired.pk).update(expires_at=django_timezone.now())
    revoked.revoke()
    keys = APIKey.objects
    assert (list(keys.active()), list(keys.expired()), list(keys.revoked())) == ([active], [expired], [revoked])


def test_the_keys_of_a_deleted_user_are_deleted():
    user = get_user_model().objects.create_user("gone")
    create(owner=user)
    user.delete()
    assert not APIKey.objects.exists()


@override_settings(BOLT_API_KEY_PREFIX="acme_live")
def test_the_prefix_is_a_setting():
    assert create()[1].startswith("acme_live_")


def test_each_way_to_change_keys_is_counted():
    row, _ = create()
    other, _ = create()

    def counted(change):
        before = version()
        change()
        return version() > before

    assert counted(row.save)
    assert counted(lambda: row.save(update_fields=["expires_at"]))
    assert counted(lambda: APIKey.objects.filter(pk=row.pk).update(permissions=["a"]))
    assert counted(lambda: APIKey.objects.bulk_update([row, other], ["scopes"]))
    assert counted(lambda: APIKey.objects.bulk_create([APIKey(id="x", name="x", digest=bytes(32))]))
    assert counted(lambda: APIKey.objects.update_or_create(pk=row.pk, defaults={"scopes": ["b"]}))
    assert counted(lambda: asyncio.run(row.asave()))
    assert counted(lambda: asyncio.run(APIKey.objects.filter(pk=row.pk).aupdate(scopes=[])))
    assert counted(row.revoke)
    assert counted(row.delete)
    assert counted(APIKey.objects.all().delete)
    assert not counted(lambda: other.pk and APIKey.objects.filter(pk=other.pk).update(name="b", last_used_at=None))


def test_a_change_that_is_rolled_back_is_not_counted():
    before = version()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        create()
        1 / 0  # noqa: B018
    assert version() == before


def test_the_migration_makes_the_models():
    call_command("makemigrations", "boltguard", "boltguard_api_keys", check=True, dry_run=True, verbosity=0)
