"""`BoltAPI`, a thin router based on Django's."""
