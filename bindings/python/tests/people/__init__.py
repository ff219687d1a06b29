"""A Django application with the models that the tests need."""
