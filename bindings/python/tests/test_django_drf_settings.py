"""Classes of `boltguard.drf` as defaults in DRF's settings: a site starts, whichever module is imported first."""

import os
import subprocess
import sys

import pytest

from conftest import SECRET
from support import token

pytest.importorskip("rest_framework")

SETTINGS = f"""
from boltguard.auth import IsAuthenticated

SECRET_KEY = {SECRET!r}
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop_urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "boltguard"]
BOLT_DEFAULT_PERMISSION_CLASSES = [IsAuthenticated()]
REST_FRAMEWORK = {{
    "DEFAULT_AUTHENTICATION_CLASSES": ["boltguard.drf.BoltguardAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["shop_permissions.MayShop"],
}}
"""
PERMISSIONS = """
from boltguard.auth import HasPermission
from boltguard.drf import GuardPermission

class MayShop(GuardPermission):
    guard = HasPermission("shop.buy")
"""
URLS = """
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

class Shop(APIView):
    def get(self, request):
        return Response(request.auth["user_id"])

urlpatterns = [path("shop", Shop.as_view())]
"""
PROGRAM = """
import os, sys
import django

django.setup()
{first}
from django.core.management import call_command
from django.test import Client

call_command("check", fail_level="WARNING")
call_command("boltguard_routes")
for token in sys.argv[1:]:
    response = Client().get("/shop", headers={{"Authorization": "Bearer " + token}})
    print(response.status_code, response.json())
print(Client().get("/shop").status_code)
"""
ORDERS = [
    "",
    "import boltguard.drf",
    "import shop_permissions",
    "import rest_framework.views",
    "import rest_framework.permissions, boltguard.drf, rest_framework.views",
    "import rest_framework.authentication, rest_framework.generics, boltguard.drf",
    "import rest_framework.request, shop_permissions",
    "import shop_urls",
]


@pytest.fixture
def site(tmp_path):
    for name, text in (("shop_settings", SETTINGS), ("shop_permissions", PERMISSIONS), ("shop_urls", URLS)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


@pytest.mark.parametrize("first", ORDERS)
def test_site_starts_with_both_defaults(site, first):
    tokens = [token(sub="1", permissions=["shop.buy"]), token(sub="1")]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop_settings", "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", PROGRAM.format(first=first), *tokens]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[-3:] == [
        "200 1",
        "403 {'detail': \"You don't have permission to do this.\", 'code': 'permission_denied'}",
        "401",
    ]
    assert any('perm("shop.buy")' in line and "/shop" in line for line in said)
