"""`BoltAPI`, a thin router on Django's own."""
