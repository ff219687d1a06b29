"""The system checks of views of Django REST framework."""

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django.urls import path
from django.views.decorators.cache import cache_page
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from boltguard import auth
from boltguard.auth import APIKeyAuthentication, IsStaff, JWTAuthentication, ViaBackend
from boltguard.drf import BoltguardAuthentication, GuardPermission

from support import assert_helpful, mount

STAFF = GuardPermission.of(IsStaff())
BY_KEY = GuardPermission.of(ViaBackend("api_key"))


class Keys(BoltguardAuthentication):
    backends = [APIKeyAuthentication(api_keys={"a-key-of-the-tests-which-is-long"})]


class Shop(APIView):
    authentication_classes = [BoltguardAuthentication]
    permission_classes = [AllowAny]

    def get(self, request):
        return Response()


def messages(*views):
    mount(*(path(f"x{number}", view) for number, view in enumerate(views)))
    with override_settings(BOLT_DEFAULT_PERMISSION_CLASSES=[auth.IsAuthenticated()], DEBUG=True):
        found = run_checks()
    ours = [one for one in found if one.id in OURS]
    for message in ours:
        assert_helpful(message)
    return {(one.id, one.msg, one.hint) for one in ours}


OURS = ("boltguard.E301", "boltguard.E401", "boltguard.W402")


def ids(**lists):
    return sorted(one for one, _, _ in messages(Shop.as_view(**lists)))


@pytest.mark.parametrize("held", [JWTAuthentication, JWTAuthentication()])
def test_backend_in_authentication_classes_is_an_error(held):
    ((found, message, hint),) = messages(Shop.as_view(authentication_classes=[held]))
    assert found == "boltguard.E401" and f"{__name__}.Shop.authentication_classes contains JWTAuthentication" in message
    assert "BoltguardAuthentication with backends = [JWTAuthentication(...)]" in hint


@pytest.mark.parametrize("held", [IsStaff, IsStaff(), IsStaff | IsAuthenticated, ~IsAuthenticated & IsStaff])
def test_guard_in_permission_classes_is_an_error(held):
    ((found, message, hint),) = messages(Shop.as_view(permission_classes=[held]))
    assert found == "boltguard.E401" and f"{__name__}.Shop.permission_classes contains IsStaff" in message
    assert "GuardPermission.of(IsStaff(...))" in hint


def test_guards_that_are_joined_are_shown_by_what_they_say():
    ((_, message, hint),) = messages(Shop.as_view(permission_classes=[IsStaff() | auth.IsAdminUser()]))
    assert "contains staff | admin," in message
    assert "GuardPermission.of(...)" in hint


@pytest.mark.parametrize("held", [GuardPermission, GuardPermission | IsAuthenticated])
def test_a_permission_without_a_guard_is_an_error(held):
    ((found, message, _),) = messages(Shop.as_view(permission_classes=[held]))
    assert found == "boltguard.E401" and "GuardPermission, which doesn't have a guard" in message


def test_a_guard_without_our_authentication_is_a_warning():
    assert ids(permission_classes=[STAFF], authentication_classes=[]) == ["boltguard.W402"]
    assert ids(permission_classes=[STAFF], authentication_classes=[SessionAuthentication]) == ["boltguard.W402"]
    assert ids(permission_classes=[STAFF | IsAuthenticated], authentication_classes=[]) == ["boltguard.W402"]
    assert ids(permission_classes=[STAFF], authentication_classes=[SessionAuthentication, Keys]) == []
    everybody = GuardPermission.of(auth.AllowAny())
    assert ids(permission_classes=[everybody], authentication_classes=[]) == []


def test_guard_with_a_missing_backend_is_an_error():
    ((found, message, _),) = messages(Shop.as_view(permission_classes=[BY_KEY]))
    assert found == "boltguard.E301" and "'api_key'" in message
    assert ids(permission_classes=[BY_KEY], authentication_classes=[Keys]) == []
    assert ids(permission_classes=[BY_KEY], authentication_classes=[BoltguardAuthentication, Keys]) == []


def test_all_kinds_of_views_are_reported_once():
    @api_view(["GET"])
    @authentication_classes([JWTAuthentication])
    @permission_classes([IsStaff])
    def function(request):
        return Response()

    class Books(ViewSet):
        permission_classes = [IsStaff]

        def list(self, request):
            return Response()

    cached = cache_page(1)(Shop.as_view(permission_classes=[IsStaff]))
    books = Books.as_view({"get": "list"})
    assert len(messages(function, books, books, cached)) == 4


def test_what_a_method_chooses_for_each_request_is_not_judged():
    class Chooses(Shop):
        def get_permissions(self):
            return []

        def get_authenticators(self):
            return []

    class Dynamic(Shop):
        permission_classes = authentication_classes = property(lambda view: [])

    chooses = Chooses.as_view(permission_classes=[IsStaff], authentication_classes=[JWTAuthentication])
    assert messages(chooses, Dynamic.as_view()) == set()


def test_a_sound_view_has_nothing_to_hear():
    assert ids() == ids(permission_classes=[STAFF, IsAuthenticated]) == []
