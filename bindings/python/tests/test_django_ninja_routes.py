"""Operations of Django Ninja in `boltguard_routes`, `boltguard_policy` and the system checks, and the import."""

import functools
import importlib
import io
import json
import sys

import pytest
from django.contrib.auth.decorators import login_required
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.urls import path
from ninja import NinjaAPI
from ninja.decorators import decorate_view
from ninja.operation import Operation
from ninja.security import django_auth

from boltguard.auth import AllowAny as Everybody
from boltguard.auth import APIKeyAuthentication, HasPermission, IsAuthenticated, IsStaff, JWTAuthentication, ViaBackend
from boltguard.ninja import BoltAuth
from boltguard.ninja.hooks import install

from support import assert_helpful, mount

KEYS = APIKeyAuthentication(api_keys={"a-key-of-the-tests-which-is-long"})


def view(request):
    return {}


async def aview(request, number: int):
    return {}


def site():
    api = NinjaAPI(auth=BoltAuth(auth=[JWTAuthentication()], guards=[IsAuthenticated()]))
    api.get("/notes")(view)
    api.api_operation(["PUT", "PATCH"], "/notes/{number}", auth=BoltAuth(auth=[KEYS], guards=[IsStaff()]))(aview)
    api.delete("/notes/{number}", auth=[BoltAuth(guards=[HasPermission("a")]), django_auth])(aview)
    api.get("/session", auth=django_auth)(lambda request: {})
    api.get("/open", auth=BoltAuth(guards=[Everybody()]))(lambda request: {})
    api.get("/public", auth=None)(lambda request: {})
    mount(path("api/", api.urls))


def output(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue()


def test_the_list_of_routes_has_the_operations_with_their_guards():
    site()
    listed = {
        f"{one['method']} {one['path']}": (one["guard"], one["backends"], one["others"], one["open"])
        for one in json.loads(output("boltguard_routes", "--json"))
    }
    jwt, key = [JWTAuthentication().label], [KEYS.label]
    # Ninja's own views of the documentation have no methods.
    assert {route: one for route, one in listed.items() if not route.startswith("ANY")} == {
        "GET /api/notes": ("authenticated", jwt, [], False),
        "PUT /api/notes/<number>": ("staff", key, [], False),
        "PATCH /api/notes/<number>": ("staff", key, [], False),
        "DELETE /api/notes/<number>": (None, [], ['Ninja: BoltAuth(perm("a")) | SessionAuth'], False),
        "GET /api/session": (None, [], ["Ninja: SessionAuth"], False),
        "GET /api/open": ("allow_any", jwt, [], True),
        "GET /api/public": (None, [], [], False),
    }


def test_a_weaker_operation_fails_the_comparison_with_the_file(tmp_path):
    site()
    lock = tmp_path / "routes.lock"
    output("boltguard_routes", "--write", str(lock))
    assert "None is weaker" in output("boltguard_routes", "--check", str(lock))
    api = NinjaAPI(auth=BoltAuth(auth=[JWTAuthentication()], guards=[Everybody()]))
    api.get("/notes")(view)
    api.delete("/notes/{number}", auth=django_auth)(aview)
    mount(path("api/", api.urls))
    with pytest.raises(CommandError) as failed:
        output("boltguard_routes", "--check", str(lock))
    assert "GET /api/notes is weaker" in str(failed.value)
    assert "DELETE /api/notes/<number> no longer requires Ninja: BoltAuth" in str(failed.value)


def test_the_policy_has_guarded_operations_and_denies_the_others():
    site()
    document = json.loads(output("boltguard_policy", "export", "--partial"))
    routes = {one["name"]: (one["guard"], one["backends"], one.get("omitted")) for one in document["routes"]}
    assert routes["GET /api/notes"] == ("authenticated", ["jwt"], None)
    assert routes["PATCH /api/notes/<number>"] == ("staff", ["api_key"], None)
    reason = (
        'The view has permissions of Django REST framework or Django Ninja: Ninja: BoltAuth(perm("a")) | SessionAuth.'
    )
    assert routes["DELETE /api/notes/<number>"] == ("deny_all", [], reason)
    assert routes["GET /api/public"] == ("deny_all", [], "The view has no guard of Boltguard.")


def own_decorator(function):
    @functools.wraps(function)
    def wrapper(*arguments, **named):
        return function(*arguments, **named)

    return wrapper


def new_view():
    """A new function, because Ninja's decorators change its attributes."""
    return lambda request: {}


class OwnOperation(Operation):
    pass


def change_class(api):
    for router in api._get_bound_routers():
        for operation in router.path_operations["/notes"].operations:
            operation.__class__ = OwnOperation


DJANGO, OWN = "a decorator or mixin of django.contrib.auth", f"defined in {__name__}"
RESTRICTED = {
    "a decorator of the function": (lambda api: api.get("/notes")(login_required(new_view())), DJANGO),
    "a decorator of the view": (lambda api: api.get("/notes")(decorate_view(login_required)(new_view())), DJANGO),
    "a decorator of the site": (lambda api: api.get("/notes")(decorate_view(own_decorator)(new_view())), OWN),
    "a decorator of all views": (
        lambda api: (api.add_decorator(own_decorator, mode="view"), api.get("/notes")(new_view())),
        OWN,
    ),
    "a decorator of all functions": (
        lambda api: (api.add_decorator(own_decorator), api.get("/notes")(new_view())),
        OWN,
    ),
    "another class": (lambda api: (api.get("/notes")(new_view()), change_class(api)), OWN),
}


@pytest.mark.parametrize("name", RESTRICTED)
def test_an_operation_that_other_code_may_restrict_is_not_exported(name):
    add, reason = RESTRICTED[name]
    api = NinjaAPI(auth=BoltAuth(auth=[JWTAuthentication()], guards=[Everybody()]))
    add(api)
    mount(path("api/", api.urls))
    document = json.loads(output("boltguard_policy", "export", "--partial"))
    (route,) = [one for one in document["routes"] if one["name"] == "GET /api/notes"]
    assert route["guard"] == "deny_all" and reason in route["omitted"]


# System checks


def messages(api):
    mount(path("api/", api.urls))
    return checked()


def checked(**options):
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[IsAuthenticated()], DEBUG=True, **options):
        found = [one for one in run_checks() if one.id in ("boltguard.E301", "boltguard.E701", "boltguard.W702")]
    for message in found:
        assert_helpful(message)
    return [(one.id, one.msg, one.obj) for one in found]


def test_an_operation_without_auth_beside_guarded_ones_is_a_warning():
    api = NinjaAPI()
    api.get("/notes", auth=BoltAuth())(view)
    api.get("/forgotten")(aview)
    api.get("/public", auth=None)(lambda request: {})
    ((found, message, named),) = messages(api)
    assert found == "boltguard.W702" and named == f"{__name__}.aview"
    assert message.startswith(f"{__name__}.aview has no auth, so it is public")


def test_an_api_without_boltguard_is_not_reported():
    api = NinjaAPI()
    api.get("/notes")(view)
    assert messages(api) == []


def test_a_complete_api_is_not_reported():
    site()
    assert checked() == []


def test_values_that_ninja_cannot_use_are_errors_if_the_module_was_not_imported():
    api = NinjaAPI()
    api.get("/notes", auth=None)(view)
    mount(path("api/", api.urls))
    (bound,) = [one for router in api._get_bound_routers() for one in router.path_operations.values()]
    # As if the URLs had been created before the import.
    bound.operations[0].auth_callbacks = [JWTAuthentication()]
    ((found, message, named),) = checked()
    assert (found, named) == ("boltguard.E701", f"{__name__}.view")
    assert "contains JWTAuthentication, which Ninja can't use. Use BoltAuth(auth=[...])." in message


def test_a_guard_whose_backend_the_site_lacks_is_an_error(own_registry):
    api = NinjaAPI(auth=BoltAuth(guards=[ViaBackend("api_key")]))
    api.get("/notes")(view)
    ((found, message, named),) = messages(api)
    assert (found, named) == ("boltguard.E301", f"{__name__}.view") and "api_key" in message


def test_a_guard_without_backends_is_an_error(own_registry):
    api = NinjaAPI(auth=BoltAuth(guards=[IsStaff()]))
    api.get("/notes")(view)
    mount(path("api/", api.urls))
    found = checked(BOLTGUARD_AUTHENTICATION_CLASSES=[])
    assert ("boltguard.E301", f"{__name__}.view") in [(one, named) for one, _, named in found]
    assert any("Every caller would be anonymous" in message for _, message, _ in found)


# The import


def test_installing_again_has_no_effect():
    run = Operation.run
    install()
    assert Operation.run is run


def test_without_the_framework_the_import_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("boltguard.ninja", "ninja"))]:
        monkeypatch.delitem(sys.modules, name)

    class Nowhere:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "ninja":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Nowhere, *sys.meta_path])
    with pytest.raises(ImportError, match=r"boltguard\[ninja\]"):
        importlib.import_module("boltguard.ninja")


def test_other_import_errors_are_not_hidden(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("boltguard.ninja")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ninja.operation", None)
    with pytest.raises(ImportError, match=r"ninja\.operation"):
        importlib.import_module("boltguard.ninja")
