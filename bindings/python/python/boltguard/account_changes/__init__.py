"""Revokes the tokens of accounts that change, according to `BOLTGUARD_REVOKE_ON`."""
