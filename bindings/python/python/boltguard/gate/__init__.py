"""The gate in front of a view, and what belongs to it: responses, caches, CSRF, and accounts loaded in advance."""
