"""The gate of a view, with its responses, caches, CSRF check, and accounts loaded in advance."""
