"""The list of routes with their guards, and the file that locks it."""
