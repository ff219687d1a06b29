"""The password of the login in progress, to recognize another hash of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from boltguard.auth.secret_box import SecretBox


@contextmanager
def logging_in(password: SecretBox[str]) -> Iterator[None]:
    """Makes the password known to `is_hash_of_login` while it is verified."""
    reset = _password.set(password)
    try:
        yield
    finally:
        _password.reset(reset)


def is_hash_of_login(encoded: str) -> bool:
    """Whether this is a hash of the password of the login in progress."""
    from django.contrib.auth.hashers import check_password

    password = _password.get()
    return password is not None and check_password(password.value, encoded)


_password: ContextVar[SecretBox[str] | None] = ContextVar("boltguard_login_password", default=None)
