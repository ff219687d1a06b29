"""`manage.py boltguard_apikey`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from boltguard import _rust
from boltguard.models import APIKey

from conftest import SECRET

FORMAT = _rust.ApiKeyFormat("bg")


@pytest.fixture(autouse=True)
def _no_keys_stay():
    yield
    APIKey.objects.all().delete()


def run(*args):
    """The standard output and the standard error of the command."""
    out, err = StringIO(), StringIO()
    call_command("boltguard_apikey", *args, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def create(*args):
    printed, said = run("create", *args)
    key = printed.strip()
    row = APIKey.objects.get(pk=FORMAT.parse(key))
    assert printed == key + "\n" and row.id in said and key not in said
    return row, key


def test_create_prints_the_key_alone_and_once(ada):
    arguments = ["nightly", "--owner", "ada", "--permission", "blog.view", "--permission", "shop.*", "--scope", "read"]
    row, key = create(*arguments, "--expires", "90d")
    assert (row.name, row.owner, row.permissions, row.scopes) == ("nightly", ada, ["blog.view", "shop.*"], ["read"])
    assert round((row.expires_at - row.created_at).total_seconds() / 86400) == 90
    assert key not in "".join(run("list"))


@pytest.mark.parametrize("end", ["2126-01-31", "2126-01-31T18:00", "2126-01-31 18:00+02:00", "30m", "12h", "2w"])
def test_an_end_is_a_span_or_a_moment(end):
    assert create("a", "--expires", end)[0].status == "active"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", " "], "must have a name"),
        (["create", "a", "--owner", "unknown"], "No user has the username 'unknown'"),
        (["create", "a", "--permission", "blog view"], "'blog view' can't be granted"),
        (["create", "a", "--scope", ""], "can't be granted"),
        (["create", "a", "--expires", "soon"], "'soon' is not a valid expiry time"),
        (["create", "a", "--expires", "2026-13-01"], "is not a valid expiry time"),
        (["create", "a", "--expires", "90"], "'90' is not a valid duration"),
        (["create", "a", "--expires", "2020-01-31"], "must be in the future"),
        (["revoke", "nothing"], "No API key has the ID 'nothing'"),
        (["revoke", "x" * 40], "No API key has this ID"),
        (["rotate", "nothing"], "No API key has the ID 'nothing'"),
        (["list", "--owner", "unknown"], "No user"),
        (["list", "--status", "lost"], "invalid choice"),
        ([], "required"),
    ],
)
def test_mistakes_are_named(arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        run(*arguments)
    assert not APIKey.objects.exists()


def test_an_inactive_owner_is_refused(ada):
    ada.is_active = False
    ada.save()
    with pytest.raises(CommandError, match="'ada' is inactive"):
        run("create", "a", "--owner", "ada")


def test_list_shows_all_but_the_secrets(ada):
    row, key = create("nightly", "--owner", "ada", "--permission", "blog.view", "--scope", "read", "--expires", "1d")
    other, _ = create("other")
    other.revoke()
    listed, _ = run("list")
    head, *lines = listed.splitlines()
    assert head.split() == ["ID", "NAME", "OWNER", "STATUS", "CREATED", "EXPIRES", "LAST", "USED", "GRANTED"]
    assert len(lines) == 2 and key.split("_")[2] not in listed
    (line,) = [line for line in lines if row.id in line]
    assert all(part in line for part in ("nightly", "ada", "active", "blog.view scope:read"))
    assert other.id in run("list", "--status", "revoked")[0] and row.id not in run("list", "--status", "revoked")[0]
    assert row.id in run("list", "--owner", "ada")[0] and other.id not in run("list", "--owner", "ada")[0]


def test_list_names_the_keys_that_need_an_old_secret_key():
    row, _ = create("old")
    another = "another secret key, which is long enough for this"
    with override_settings(SECRET_KEY=another, SECRET_KEY_FALLBACKS=[SECRET]):
        assert "active, old secret" in run("list")[0]
    with override_settings(SECRET_KEY=another):
        assert "active, lost secret" in run("list")[0]
    assert "secret" not in run("list")[0]


def test_revoke_takes_ids_and_whole_keys():
    (one, _), (two, key), (three, _) = create("a"), create("b"), create("c")
    printed, said = run("revoke", one.id, key)
    assert printed.count("Revoked API key") == 2 and key not in printed + said
    assert set(APIKey.objects.revoked()) == {one, two} and APIKey.objects.active().get() == three


def test_revoke_revokes_all_or_none():
    row, _ = create("a")
    with pytest.raises(CommandError):
        run("revoke", row.id, "nothing")
    assert APIKey.objects.active().get() == row


def test_rotate_prints_the_successor():
    row, key = create("a", "--permission", "blog.view")
    printed, said = run("rotate", row.id, "--overlap", "7d")
    successor = APIKey.objects.get(pk=FORMAT.parse(printed.strip()))
    assert successor.permissions == ["blog.view"] and printed.strip() not in said
    row.refresh_from_db()
    assert row.status == "active" and row.expires_at is not None
    run("rotate", successor.id)
    successor.refresh_from_db()
    assert successor.status == "expired"
    for arguments, complaint in [
        ([successor.id], "is expired"),
        ([row.id, "--overlap", "long"], "not a valid"),
    ]:
        with pytest.raises(CommandError, match=complaint):
            run("rotate", *arguments)


@pytest.mark.parametrize("escape", ["\x1b[2J\x1b[1;1H", "\x1b]0;title\x07", "\r", "\x9b31m", "\u202e", "\n"])
def test_names_can_not_steer_the_terminal(escape):
    from django.contrib.auth import get_user_model

    user = get_user_model().objects.create(username=f"ada{escape}")
    try:
        row, _ = APIKey.objects.create_key(name=f"reports{escape}x", owner=user)
        APIKey.objects.filter(pk=row.pk).update(permissions=[f"a{escape}b"])
        printed = "".join([*run("list"), *run("revoke", row.id)])
    finally:
        user.delete()
    assert all(line.isprintable() for line in printed.split("\n"))
    assert "reports" + escape.encode("unicode_escape").decode() in printed


def test_keys_of_another_database_use_its_alias():
    row, _ = create("a", "--database", "default")
    assert row.id in run("list", "--database", "default")[0]
    for action in (["list"], ["create", "a"], ["revoke", row.id], ["rotate", row.id]):
        with pytest.raises(CommandError, match="'nowhere' is not an alias of DATABASES"):
            run(*action, "--database", "nowhere")
