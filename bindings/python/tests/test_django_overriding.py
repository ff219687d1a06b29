"""Subclasses: members that they redefine are used, or rejected when the class is defined, but never ignored."""

import asyncio

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.http import HttpResponse
from rest_framework.response import Response
from rest_framework.views import APIView

from boltguard import BoltAPI, protect
from boltguard.auth import (
    APIKeyAuthentication,
    APIKeyStore,
    Authentication,
    Check,
    DjangoCacheRevocation,
    DjangoORMRevocation,
    Guard,
    HasPermission,
    InMemoryRevocation,
    IsAdminUser,
    IsAuthenticated,
    IsStaff,
    JWTAuthentication,
    ObjectCheck,
    Owner,
    RemoteKeySet,
    RevocationStore,
    create_jwt_for_user,
)
from boltguard.drf import BoltguardAuthentication, GuardPermission
from boltguard.exceptions import ConfigurationError
from boltguard.jwt import RemoteKeySet as PlainRemoteKeySet
from boltguard.middleware import BoltguardMiddleware

from support import bearer, call, get, mount, mount_view, wsgi


def method(self, *args, **kwargs):
    return False


async def amethod(self, *args, **kwargs):
    return False


GUARDS = [Guard, IsStaff, IsAuthenticated, HasPermission, Check, ObjectCheck, Owner]
OF_GUARDS = ["has_permission", "has_object_permission", "test_func", "__call__", "message", "custom_checks", "rust"]
BACKENDS = [JWTAuthentication, APIKeyAuthentication]
OF_BACKENDS = [
    *("authenticate", "aauthenticate", "authenticate_header", "authenticate_credentials", "get_user", "validate"),
    *("has_permission", "rust", "resume", "aresume", "label", "name", "_built", "get_validated_token", "header"),
]
IGNORED = [
    *((base, name) for base in GUARDS for name in [*OF_GUARDS, "__and__", "__invert__", "__eq__"]),
    *((base, name) for base in BACKENDS for name in OF_BACKENDS if name != "_built"),
    *((JWTAuthentication, name) for name in ("secret", "audience", "issuer", "algorithms", "leeway", "_build")),
    *((APIKeyAuthentication, name) for name in ("api_keys", "key_permissions", "store", "weak_keys")),
    *((APIKeyStore, name) for name in ("refresh", "arefresh", "snapshot", "prefix", "get_user")),
    *((BoltAPI, name) for name in ("auth", "guards", "namespace", "has_permission", "authenticate", "_endpoint")),
    *((BoltguardMiddleware, name) for name in ("process_request", "process_response", "get_user", "_attach")),
    *((BoltguardAuthentication, name) for name in ("authenticate_credentials", "get_user", "keyword", "_settle")),
    *((BoltguardAuthentication, name) for name in ("get_validated_token", "known_backends", "has_permission")),
    *((RemoteKeySet, name) for name in ("keys", "akeys_for", "refresh", "arefresh", "url", "ttl")),
]


@pytest.mark.parametrize(("base", "name"), IGNORED)
@pytest.mark.parametrize("value", [method, amethod, property(method), "text"])
def test_what_would_be_ignored_is_refused_at_the_definition(base, name, value):
    kind = ConfigurationError if base is RemoteKeySet else ImproperlyConfigured
    with pytest.raises(kind, match="never used|can't be a subclass") as refused:
        type("Mine", (base,), {name: value})
    assert "Mine" in str(refused.value) and str(refused.value).endswith(".")


def test_what_would_be_ignored_is_refused_in_a_mixin_too():
    class Mixin:
        def has_permission(self, request, view):
            return False

    for base in (IsStaff, JWTAuthentication):
        with pytest.raises(ImproperlyConfigured, match=r"Mine\.has_permission is never used"):
            type("Mine", (Mixin, base), {})
    middle = type("Middle", (IsStaff,), {})
    with pytest.raises(ImproperlyConfigured, match=r"Mine\.has_permission is never used"):
        type("Mine", (middle,), {"has_permission": method})


def test_a_subclass_of_guard_itself_is_refused_with_the_remedy():
    with pytest.raises(ImproperlyConfigured, match=r"Mine can't be a subclass of .*Check\(function\)"):
        type("Mine", (Guard,), {})


def test_a_backend_without_authenticate_is_refused_with_the_remedy():
    with pytest.raises(
        ImproperlyConfigured, match=r"Mine must define authenticate\(self, request\).*Check\(function\)"
    ):
        type("Mine", (Authentication,), {})


def test_guard_subclass_can_have_helpers_and_arguments():
    class CanPublish(HasPermission):
        permission = "blog.publish"

        def __init__(self):
            super().__init__(self.permission)

        def describe(self):
            return f"needs {self.permission}"

    guard = CanPublish()
    assert guard.describe() == "needs blog.publish" and guard == HasPermission("blog.publish")
    mount_view(protect(guards=[guard])(lambda request: HttpResponse()))
    assert get(**bearer(sub="1")).status_code == 403
    assert get(**bearer(sub="1", permissions=["blog.publish"])).status_code == 200


def test_backend_subclass_can_have_helpers_and_arguments(ada):
    class Shop(JWTAuthentication):
        audience = "shop"

        def __init__(self, **options):
            super().__init__(audience=self.audience, **options)

        def mint(self, user):
            return create_jwt_for_user(user, audience=self.audience)

    shop = Shop()
    mount_view(protect(auth=[shop], guards=[IsAuthenticated()])(lambda request: HttpResponse()))
    assert get(Authorization=f"Bearer {shop.mint(ada)}").status_code == 200
    assert get(**bearer(sub="1", aud="other")).status_code == 401


def test_other_classes_may_be_extended_where_python_calls_them():
    class Api(BoltAPI):
        def get(self, route, **options):
            return super().get(f"/v1{route}", **options)

    class Identify(BoltguardMiddleware):
        def __call__(self, request):
            response = super().__call__(request)
            response["X-Seen"] = "1"
            return response

    class Keys(PlainRemoteKeySet):
        def fetch(self):
            return super().fetch()

    api = Api(guards=[IsAuthenticated()])
    api.get("/view")(lambda: {})
    mount(api=api)
    assert get("/v1/view", **bearer(sub="1")).status_code == 200
    assert Identify(lambda request: HttpResponse())  # when it is created
    assert Keys("https://id.example/keys").fetch


@pytest.mark.parametrize("base", [IsStaff, HasPermission, Owner])
def test_an_init_that_builds_no_guard_is_refused_where_it_is_used(base):
    mine = type("Mine", (base,), {"__init__": lambda self: None})
    for use in (lambda: protect(guards=[mine()]), lambda: mine() & IsStaff(), lambda: IsStaff() | mine()):
        with pytest.raises(ImproperlyConfigured, match=r"Mine.__init__ doesn't call super"):
            use()


@pytest.mark.parametrize("base", BACKENDS)
def test_an_init_that_builds_no_backend_is_refused_where_it_is_used(base):
    mine = type("Mine", (base,), {"__init__": lambda self: None})
    with pytest.raises(ImproperlyConfigured, match=r"Mine.__init__ doesn't call super"):
        protect(auth=[mine()])


# Django REST framework calls these


def drf_view(authentication, permission):
    class View(APIView):
        authentication_classes = [authentication]
        permission_classes = [permission]

        def get(self, request):
            return Response({})

    mount_view(View.as_view())


def test_what_django_rest_framework_calls_may_be_redefined():
    class Known(BoltguardAuthentication):
        def authenticate(self, request):
            return super().authenticate(request) if "let" in request.query_params else None

    class Staff(GuardPermission):
        guard = IsStaff()

        def has_permission(self, request, view):
            return "open" in request.query_params or super().has_permission(request, view)

    drf_view(Known, Staff)
    staff = bearer(sub="1", is_staff=True)
    responses = [wsgi("get", f"/view{query}", staff).status_code for query in ("?let", "", "?open")]
    assert responses == [200, 401, 200]


@pytest.mark.parametrize("attributes", [{"guards": [IsAdminUser()]}, {"guards": IsAdminUser()}, {"x": (IsStaff,)}])
def test_guards_of_a_permission_under_another_name_are_refused(attributes):
    staff = GuardPermission.of(IsStaff())
    (name,) = attributes
    with pytest.raises(ImproperlyConfigured, match=rf"Mine\.{name} is never used"):
        type(staff)("Mine", (staff,), attributes)


@pytest.mark.parametrize("where", ["class", "base", "object"])
def test_backends_that_are_changed_later_allows_no_one(where):
    """The previous backends of the class would decide, without the store of the new one."""

    class Known(BoltguardAuthentication):
        backends = [JWTAuthentication()]

        def __init__(self):
            if where == "object":
                self.backends = stored

    class Derived(Known):
        pass

    store = InMemoryRevocation()
    store.revoke("j")
    stored = [JWTAuthentication(revocation_store=store)]
    drf_view(Derived if where == "base" else Known, GuardPermission.of(IsStaff()))
    if where != "object":
        Known.backends = stored
    assert wsgi("get", "/view", bearer(sub="1", jti="j", is_staff=True)).status_code == 500


def test_a_guard_of_a_permission_that_is_changed_later_is_refused():
    staff = GuardPermission.of(IsStaff())
    with pytest.raises(ImproperlyConfigured, match="guard can't be changed"):
        staff.guard = IsAdminUser()


def test_the_message_of_a_permission_is_the_one_that_is_sent():
    class Staff(GuardPermission):
        guard = IsStaff()
        message = "Only the staff publishes."
        code = "not_staff"

    drf_view(BoltguardAuthentication, Staff)
    refused = get(**bearer(sub="1"))
    assert refused.status_code == 403
    assert refused.json() == {"detail": "Only the staff publishes.", "code": "not_staff"}


# Stores


def site(store):
    api = BoltAPI(auth=[JWTAuthentication(revocation_store=store)], guards=[IsAuthenticated()])

    @api.get("/sync")
    def sync():
        return {}

    @api.get("/async")
    async def asynchronous():
        return {}

    @api.get("/awaits")
    async def awaits(request):
        await store.arevoke(request.GET["jti"])

    @api.get("/calls")
    def calls(request):
        store.revoke(request.GET["jti"])

    mount(api=api)


def overriding_store(base, name, is_async):
    """A store that redefines the sync or the async variant of a method, and calls `super()`."""
    heard = []

    class Sync(base):
        pass

    def sync_method(self, jti, *rest):
        heard.append(jti)
        return getattr(super(Store, self), name)(jti, *rest) or (name == "is_revoked" and jti.startswith("old"))

    async def async_method(self, jti, *rest):
        heard.append(jti)
        response = await getattr(super(Store, self), f"a{name}")(jti, *rest)
        return response or (name == "is_revoked" and jti.startswith("old"))

    members = {f"a{name}": async_method} if is_async else {name: sync_method}
    Store = type("Store", (Sync,), members)
    return Store(), heard


CONCRETE = [InMemoryRevocation, DjangoCacheRevocation, DjangoORMRevocation]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("base", CONCRETE)
def test_an_overridden_method_is_used_by_sync_and_async_code(base, is_async):
    caches["default"].clear()
    store, heard = overriding_store(base, "is_revoked", is_async)
    site(store)
    for path in ("/sync", "/async"):
        heard.clear()
        assert call("get", path, bearer(sub="1", jti="old-1")).status_code == 401
        assert call("get", path, bearer(sub="1", jti="new-1")).status_code == 200
        assert heard == ["old-1", "old-1", "new-1", "new-1"]


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("base", CONCRETE)
def test_a_revoke_of_a_stores_own_is_called_by_sync_and_async_code(base, is_async):
    caches["default"].clear()
    store, heard = overriding_store(base, "revoke", is_async)
    site(store)
    for number, path in enumerate(("/awaits", "/calls")):
        jti = f"t-{base.__name__}-{is_async}-{number}"
        assert wsgi("get", f"{path}?jti={jti}", bearer(sub="1", jti="other")).status_code == 204
        assert heard[-1] == jti
        assert call("get", "/sync", bearer(sub="1", jti=jti)).status_code == 401


def test_sync_and_async_overrides_do_not_recurse():
    class First(InMemoryRevocation):
        def is_revoked(self, jti):
            return jti == "first" or super().is_revoked(jti)

    class Second(First):
        async def ais_revoked(self, jti):
            return jti == "second" or await super().ais_revoked(jti)

    class Third(Second):
        def is_revoked(self, jti):
            return jti == "third" or super().is_revoked(jti)

    store = Third()
    store.revoke("memory")
    names = ["first", "second", "third", "memory", "none"]
    assert [store.is_revoked(name) for name in names] == [True, True, True, True, False]
    assert [asyncio.run(store.ais_revoked(name)) for name in names] == [True, True, True, True, False]


def test_a_store_that_is_async_alone_serves_sync_views():
    class Store(RevocationStore):
        def __init__(self):
            self.ids = set()

        async def arevoke(self, jti, ttl=None):
            self.ids.add(jti)

        async def ais_revoked(self, jti):
            return jti in self.ids

    store = Store()
    store.revoke("old-1")
    site(store)
    assert call("get", "/sync", bearer(sub="1", jti="old-1")).status_code == 401
    assert call("get", "/async", bearer(sub="1", jti="new-1")).status_code == 200

    async def waits():
        store.revoke("x")

    with pytest.raises(SynchronousOnlyOperation, match="await arevoke"):
        asyncio.run(waits())


def test_a_revoke_that_returns_a_coroutine_is_awaited():
    class Store(InMemoryRevocation):
        def revoke(self, jti, ttl=None):
            return self.later(jti)

        async def later(self, jti):
            self.memory.revoke(jti, None)

    store = Store()
    asyncio.run(store.arevoke("old-1"))
    assert store.is_revoked("old-1")


def test_unusable_store_is_an_error():
    class Store(RevocationStore):
        def revoke(self, jti, ttl=None):
            return None

    with pytest.raises(ImproperlyConfigured, match="Store doesn't define is_revoked or ais_revoked"):
        JWTAuthentication(revocation_store=Store())


def test_the_base_classes_say_what_a_subclass_lacks():
    with pytest.raises(NotImplementedError, match="Authentication doesn't define authenticate"):
        Authentication().authenticate(None)
    with pytest.raises(ImproperlyConfigured, match="must define authenticate"):
        protect(auth=[Authentication()])
