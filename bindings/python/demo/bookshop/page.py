"""The page, which calls the API like any browser application."""

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.views.decorators.csrf import ensure_csrf_cookie

HERE = Path(__file__).resolve().parent
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
ONLY_OUR_OWN = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:"


@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    template = Engine().from_string((HERE / "page.html").read_text(encoding="utf-8"))
    body = template.render(Context({"people": settings.PEOPLE, "keys": settings.API_KEYS}))
    return HttpResponse(body, headers={"Content-Security-Policy": ONLY_OUR_OWN, "Cache-Control": "no-store"})


def asset(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse((HERE / name).read_bytes(), content_type=TYPES[Path(name).suffix])
