"""The page at `/`, its files, the API at `/api/`, sessions at `/auth/`, and the API for them at `/basket/`.

With a Rust service beside the site, also what they share, at `/fleet/`.
"""

from django.conf import settings
from django.urls import path

from bookshop.api import api
from bookshop.page import asset, page
from bookshop.sessions import basket_api, sessions

urlpatterns = [
    path("", page),
    path("page.css", asset, {"name": "page.css"}),
    path("page.js", asset, {"name": "page.js"}),
    path("sessions.js", asset, {"name": "sessions.js"}),
    path("api/", api.urls),
    path("auth/", sessions.urls),
    path("basket/", basket_api.urls),
]

if settings.FLEET:
    from bookshop.fleet import fleet_api

    urlpatterns.append(path("fleet/", fleet_api.urls))
