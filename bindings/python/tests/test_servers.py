"""The servers that tests may use."""

import asyncio
from pathlib import Path

import pytest

from databases import SERVERS, database_on


@pytest.mark.parametrize("url", SERVERS)
def test_a_database_of_our_own_has_the_tables(url, database):
    with database_on(url, "beside") as connection:
        from boltguard.models import RevokedToken

        RevokedToken.objects.using("beside").create(jti="ï")
        assert RevokedToken.objects.using("beside").get().jti == "ï"
        assert "boltguard_revokedtoken" in connection.introspection.table_names()
    assert not RevokedToken.objects.filter(jti="ï").exists()


@pytest.mark.parametrize("url", SERVERS)
def test_one_database_takes_the_place_of_another_of_its_alias(url, database):
    from django.db import connections

    with database_on("", "beside") as outer:
        with database_on(url, "beside") as inner:
            assert connections["beside"] is inner and inner.vendor != outer.vendor
        assert connections["beside"] is outer
    assert "beside" not in connections.settings


def test_async_code_uses_the_database_that_has_taken_the_place(database, tmp_path, monkeypatch):
    from asgiref.sync import sync_to_async
    from django.db import connections

    def file():
        with connections["default"].cursor() as cursor:
            return cursor.execute("PRAGMA database_list").fetchone()[2]

    def found():
        return asyncio.run(sync_to_async(file)())

    before = found()
    monkeypatch.chdir(tmp_path)
    with database_on("", "default"):
        assert Path(found()).parent == tmp_path
    assert found() == before
