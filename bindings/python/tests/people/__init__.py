"""A Django app with the models for tests."""
