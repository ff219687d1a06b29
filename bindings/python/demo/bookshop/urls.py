"""The page at `/`, its files, the API at `/api/`, sessions at `/auth/`, and the API for them at `/basket/`."""

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
