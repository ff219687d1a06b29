"""A site with sentry-sdk and its default settings. Run by `test_django_sentry`; prints what is sent."""

import asyncio
import json
import logging
import sys
import types

import sentry_sdk
from django.conf import settings
from sentry_sdk.transport import Transport

SECRET = "a-secret-of-the-tests-which-is-longer-than-sixty-four-bytes-for-hs512"
SENT = []


class Recorder(Transport):
    def capture_envelope(self, envelope):
        SENT.extend(item.get_event() for item in envelope.items if item.get_event() is not None)


def main(headers, options):
    sentry_sdk.init("https://key@sentry.example/1", transport=Recorder, **options)
    settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="sentry_urls",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "boltguard"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        LOGGING_CONFIG=None,
    )
    import django

    django.setup()
    print(json.dumps({kind: serve(kind, make, headers) for kind, make in patterns().items()}, default=repr))


def serve(kind, make, headers):
    from django.test import AsyncClient, Client, override_settings
    from django.urls import clear_url_caches

    urls = sys.modules["sentry_urls"] = types.ModuleType("sentry_urls")
    urls.urlpatterns = make()
    clear_url_caches()
    SENT.clear()
    middleware = ["boltguard.middleware.BoltguardMiddleware"] if kind.endswith("middleware") else []
    with override_settings(MIDDLEWARE=middleware):
        Client(raise_request_exception=False).get("/view", headers=headers)
        asyncio.run(AsyncClient(raise_request_exception=False).get("/view", headers=headers))
    sentry_sdk.flush()
    return list(SENT)


def fails(*args):
    logging.getLogger("site").error("about to fail")
    raise LookupError("the view failed")


async def afails(*args):
    fails()


def patterns():
    from django.http import HttpResponse
    from django.urls import path

    from boltguard import BoltAPI, Depends, protect
    from boltguard.auth import Check, IsAuthenticated, ObjectCheck, acheck_object, check_object, get_auth_context

    def check_of_object(request):
        check_object(request, 1)

    async def acheck_of_object(request):
        await acheck_object(request, 1)

    async def fine(request):
        return HttpResponse()

    def route(handler):
        api = BoltAPI(guards=[IsAuthenticated()])
        api.get("/view")(handler)
        return api.urls[0]

    def depends(request, context=Depends(get_auth_context)):
        fails()

    async def adepends(request, context=Depends(get_auth_context)):
        await afails()

    def plainly(view):
        return [path("view", view)]

    known, checked = protect(guards=[IsAuthenticated()]), protect(guards=[Check(fails, name="x")])
    about = protect(guards=[ObjectCheck(fails, name="x")])
    return {
        "protect": lambda: plainly(known(fails)),
        "async protect": lambda: plainly(known(afails)),
        "check": lambda: plainly(checked(lambda request: HttpResponse())),
        "check, async view": lambda: plainly(checked(fine)),
        "async check": lambda: plainly(protect(guards=[Check(afails, name="x")])(fine)),
        "check of an object": lambda: plainly(about(check_of_object)),
        "async check of an object": lambda: plainly(about(acheck_of_object)),
        "route": lambda: route(fails_with_request),
        "async route": lambda: route(afails_with_request),
        "dependency": lambda: route(depends),
        "async dependency": lambda: route(adepends),
        "drf": lambda: drf(IsAuthenticated(), fails),
        "drf check": lambda: drf(Check(fails, name="x"), None),
        "plain, middleware": lambda: plainly(fails),
        "async plain, middleware": lambda: plainly(afails),
        "context in a variable, middleware": lambda: plainly(keeps_context),
        "async context in a variable, middleware": lambda: plainly(akeeps_context),
    }


def fails_with_request(request):
    fails()


async def afails_with_request(request):
    fails()


def keeps_context(request):
    context = request.context
    fails(context)


async def akeeps_context(request):
    context = request.context
    fails(context)


def drf(guard, view):
    from django.urls import path
    from rest_framework.views import APIView

    from boltguard.drf import BoltguardAuthentication, GuardPermission

    class View(APIView):
        authentication_classes = [BoltguardAuthentication]
        permission_classes = [GuardPermission.of(guard)]

        def get(self, request):
            view(request)

    return [path("view", View.as_view())]


if __name__ == "__main__":
    main(json.load(sys.stdin), json.loads(sys.argv[1]))
