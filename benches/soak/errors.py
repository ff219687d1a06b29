"""The error that ends a soak."""


class SoakError(Exception):
    """The soak can't continue."""
