"""The servers that tests may use."""

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
