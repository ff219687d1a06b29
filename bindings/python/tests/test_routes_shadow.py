"""The table of results of shadow mode, `manage.py boltguard_routes --shadow`, and the system checks."""

import io
import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.conf.urls.i18n import i18n_patterns, is_language_prefix_patterns_used
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View

from boltguard import protect
from boltguard.auth import IsAuthenticated, IsStaff
from boltguard.checks.middleware import check_shadow_mode
from boltguard.checks.tables import check_shadow_table
from boltguard.models import ShadowResult
from boltguard.shadow import counters as counting
from boltguard.shadow import shadow_protect
from boltguard.shadow.counters import Counters, Row, counters

from support import bearer, mount, wsgi

MIDDLEWARE = [*settings.MIDDLEWARE, "boltguard.middleware.BoltguardMiddleware"]
SHADOW = {"MIDDLEWARE": MIDDLEWARE, "BOLTGUARD_MIDDLEWARE_MODE": "shadow"}


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(counters, "_next", float("inf"))
    with override_settings(**SHADOW):
        yield
    counters._counts.clear()
    ShadowResult.objects.all().delete()
    mount()


def present(status=200):
    def view(request, **kwargs):
        return HttpResponse(status=status if "Authorization" in request.headers else 401)

    return view


def guarded(view):
    return shadow_protect(guards=[IsAuthenticated()])(view)


def listed(*arguments):
    out = io.StringIO()
    call_command("boltguard_routes", "--shadow", *arguments, stdout=out)
    return out.getvalue()


def verdicts():
    counters.write()
    return {f"{one['method']} {one['path']}": one["switch"] for one in json.loads(listed("--json"))}


def test_which_routes_can_be_switched(ada):
    mount(
        path("agreeing/<int:pk>/", guarded(present())),
        path("disagreeing/", guarded(present(403))),
        path("unused/", guarded(present())),
        path("public/", guarded(lambda request: HttpResponse(status=401))),
        path("switched/", protect(guards=[IsStaff()])(present())),
    )
    for url in ("agreeing/1/", "agreeing/2/", "disagreeing/", "switched/"):
        wsgi("get", f"/{url}", bearer(sub=str(ada.pk)))
    wsgi("post", "/agreeing/3/", bearer(sub=str(ada.pk)))
    wsgi("get", "/public/")
    assert verdicts() == {
        "ANY /agreeing/<int:pk>/": "yes",
        "ANY /disagreeing/": "no",
        "ANY /public/": "anonymous only",
        "ANY /switched/": "switched",
        "ANY /unused/": "no requests",
    }
    assert listed().splitlines()[:3] == [
        "SWITCH          METHOD  PATH                 REQUESTS  RESULTS",
        "yes             ANY     /agreeing/<int:pk>/  3         agreed authenticated: 3",
        "no              ANY     /disagreeing/        1         would_allow status_403: 1",
    ]
    assert listed().endswith("\n\n5 routes: 1 switched, 1 can be switched.\n")
    (first, *_) = json.loads(listed("--json"))
    assert first == {
        "method": "ANY",
        "path": "/agreeing/<int:pk>/",
        "view": f"{__name__}.present.<locals>.view",
        "switch": "yes",
        "requests": 3,
        "results": [{"outcome": "agreed", "reason": "authenticated", "requests": 3}],
    }


def test_without_declared_guards_only_the_authentication_can_be_switched(ada):
    def view(request):
        request.user = ada
        return HttpResponse()

    mount(path("view", view))
    wsgi("get", "/view", bearer(sub=str(ada.pk)))
    assert verdicts() == {"ANY /view": "authentication"}


def test_results_belong_to_the_method_of_a_class(ada):
    class Orders(View):
        def get(self, request):
            return present()(request)

        post = method_decorator(shadow_protect(guards=[IsStaff()]))(get)

    mount(path("orders", guarded(Orders.as_view())))
    for method in ("get", "head", "post"):
        wsgi(method, "/orders", bearer(sub=str(ada.pk)))
    assert verdicts() == {"GET /orders": "yes", "POST /orders": "no"}
    (get, post) = json.loads(listed("--json"))
    assert (get["requests"], post["results"][0]["reason"]) == (2, "staff_required")


@pytest.mark.parametrize("language", ["en", "de"])
def test_results_belong_to_routes_of_every_kind(ada, language):
    mount(
        re_path(r"^plain/(?P<pk>\d+)$", guarded(present())),
        re_path(r"^outer/", include([re_path(r"^inner/$", guarded(present())), path("<slug:pk>", guarded(present()))])),
        path("", include([re_path(r"^empty/$", guarded(present()))])),
        *i18n_patterns(path("hello/", guarded(present())), prefix_default_language=False),
    )
    is_language_prefix_patterns_used.cache_clear()
    locale = "django.middleware.locale.LocaleMiddleware"
    prefix = "" if language == "en" else "/de"
    with override_settings(MIDDLEWARE=[locale, *MIDDLEWARE], LANGUAGE_CODE="en", USE_I18N=True):
        for url in ("/plain/1", "/outer/inner/", "/outer/a", "/empty/", f"{prefix}/hello/"):
            assert wsgi("get", url, bearer(sub=str(ada.pk))).status_code == 200
        assert set(verdicts().values()) == {"yes"} and len(verdicts()) == 5
    is_language_prefix_patterns_used.cache_clear()


def test_views_of_django_rest_framework_are_switched_with_their_authentication(ada):
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication

    class Old(APIView):
        authentication_classes = []

    class New(APIView):
        authentication_classes = [BoltguardAuthentication]
        get = options = lambda self, request: HttpResponse()

    mount(path("new", New.as_view()), path("old", Old.as_view()))
    wsgi("get", "/new", bearer(sub=str(ada.pk)))
    assert verdicts() == {"GET /new": "switched", "OPTIONS /new": "switched", "ANY /old": "no requests"}


def row(outcome="agreed", reason="authenticated", route="view"):
    return Row("GET", route, outcome, reason)


def stored():
    return {(one.route, one.outcome): one.count for one in ShadowResult.objects.all()}


def test_counts_of_several_processes_are_added(skip):
    first, second = Counters(), Counters()
    first.add(row())
    first.write()
    created = ShadowResult.objects.get()
    skip(60)
    second.add(row())
    second.add(row())
    second.write()
    second.write()
    changed = ShadowResult.objects.get()
    assert (created.count, changed.count, changed.first_at) == (1, 3, created.first_at)
    assert changed.last_at >= created.last_at + timedelta(seconds=59)


def test_routes_that_differ_only_in_case_are_counted_separately():
    for route in ("view", "VIEW", "v" * 3000):
        counters.add(row(route=route))
    counters.write()
    assert stored() == {("view", "agreed"): 1, ("VIEW", "agreed"): 1, ("v" * 3000, "agreed"): 1}


def test_a_row_that_another_process_creates_at_the_same_time(monkeypatch):
    real, rivals = counting.transaction.atomic, [Counters()]

    def atomic(**options):
        if rivals:
            rival = rivals.pop()
            rival.add(row())
            rival.write()
        return real(**options)

    monkeypatch.setattr(counting.transaction, "atomic", atomic)
    counters.add(row())
    counters.write()
    assert stored() == {("view", "agreed"): 2}


def test_results_that_cant_be_stored_are_kept(monkeypatch, caplog):
    def failing(*arguments):
        raise DatabaseError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(counting, "_store", failing)
        counters.add(row())
        counters.write()
        counters.add(row())
    assert stored() == {} and "The results of shadow mode can't be stored." in caplog.text
    counters.write()
    assert stored() == {("view", "agreed"): 2}


def test_results_are_written_after_a_request_but_not_after_each(ada, monkeypatch):
    mount(path("view", guarded(present())))
    monkeypatch.setattr(counters, "_next", 0.0)
    for _ in range(3):
        wsgi("get", "/view", bearer(sub=str(ada.pk)))
    assert stored() == {("view", "agreed"): 1}
    counters.write()
    assert stored() == {("view", "agreed"): 3}


def test_the_number_of_rows_is_limited(monkeypatch):
    monkeypatch.setattr(counting, "MOST_ROWS", 2)
    for reason in ("a", "b", "c", "a"):
        counters.add(row(reason=reason))
    assert [count for count, *_ in counters._counts.values()] == [2, 1]


def test_a_forked_process_doesnt_write_the_results_of_its_parent():
    own = Counters()
    own.add(row())
    own._writing.acquire()
    own.reset_after_fork()
    own.add(row("no"))
    own.write()
    assert stored() == {("view", "no"): 1}


def test_old_results_are_pruned(skip):
    counters.add(row())
    counters.write()
    skip(timedelta(days=29))
    counters.add(row("would_allow"))
    counters.write()
    call_command("boltguard_prune", verbosity=0)
    assert len(stored()) == 2
    skip(timedelta(days=2))
    call_command("boltguard_prune", verbosity=0)
    assert stored() == {("view", "would_allow"): 1}
    call_command("boltguard_prune", "--shadow", verbosity=0)
    assert stored() == {}


def test_a_missing_table_is_an_error_of_the_command():
    with connection.schema_editor() as editor:
        editor.delete_model(ShadowResult)
    try:
        (warning,) = check_shadow_table(None, databases=["default"])
        with pytest.raises(CommandError, match=r"can't be read\. Run `python manage.py migrate boltguard`"):
            listed()
    finally:
        with connection.schema_editor() as editor:
            editor.create_model(ShadowResult)
    assert (warning.id, warning.hint) == ("boltguard.W009", "Run `python manage.py migrate boltguard`.")
    assert check_shadow_table(None, databases=["default"]) == check_shadow_table(None) == []


def ids():
    return [one.id for one in check_shadow_mode(None)]


def test_the_mode_is_reported():
    (warning,) = check_shadow_mode(None)
    assert (warning.id, warning.level, warning.obj) == ("boltguard.W007", checks.WARNING, "BOLTGUARD_MIDDLEWARE_MODE")
    with override_settings(MIDDLEWARE=settings.MIDDLEWARE[:-1]):
        (warning,) = check_shadow_mode(None)
    assert warning.id == "boltguard.W008"
    assert warning.msg == "BOLTGUARD_MIDDLEWARE_MODE has no effect, because BoltguardMiddleware isn't in MIDDLEWARE."


def test_declared_views_of_a_site_that_isnt_in_shadow_mode():
    mount(path("view", guarded(present())), path("other", present()))
    assert ids() == ["boltguard.W007"]
    with override_settings(BOLTGUARD_MIDDLEWARE_MODE="authenticate"):
        (warning,) = check_shadow_mode(None)
        assert (warning.id, warning.obj) == ("boltguard.W303", f"{__name__}.present.<locals>.view")
        mount(path("other", present()))
        assert ids() == []
    with override_settings(BOLTGUARD_MIDDLEWARE_MODE="shadowy"):
        assert ids() == []
