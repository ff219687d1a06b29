"""The page at `/`, its two files, and the API at `/api/`."""

from django.urls import path

from bookshop.api import api
from bookshop.page import asset, page

urlpatterns = [
    path("", page),
    path("page.css", asset, {"name": "page.css"}),
    path("page.js", asset, {"name": "page.js"}),
    path("api/", api.urls),
]
