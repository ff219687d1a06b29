"""Helpers for the tests of a project that uses Boltguard."""
