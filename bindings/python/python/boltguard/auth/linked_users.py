"""Lazy users of tokens that don't contain a primary key: users of another issuer, and those of unknown issuers."""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property, empty

from boltguard import _rust
from boltguard.auth.accounts import Lookup, UserUnavailable
from boltguard.auth.lazy_users import LazyUser, Visit, query_would_block


class UnknownUser(LazyUser):
    """The user of a token whose issuer isn't among the `issuer` of the backend. It never has an account."""

    # Not created with the user, because most views never read it.
    @cached_property
    def _failure(self) -> UserUnavailable:  # type: ignore[override]
        return UserUnavailable("issuer_not_configured")

    def _key(self) -> Any:
        return None


class LinkedUser(LazyUser):
    """A user whose primary key isn't known before the account is loaded."""

    def __init__(self, subject: str, visit: Visit | None, lookup: Lookup, context: _rust.AuthContext) -> None:
        super().__init__(subject, visit)
        self.__dict__.update(_lookup=lookup, _context=context)

    @property
    def pk(self) -> Any:
        """The primary key. It loads the account; in async code, it is `None` until the account is loaded."""
        if self._wrapped is empty and not self._visit.depth and query_would_block():
            return None
        return self._loaded().pk

    def _key(self) -> Any:
        return None

    def _known_key(self) -> Any:
        if self._wrapped is empty and not query_would_block():
            self._find()
        return None if self._wrapped is empty else self._wrapped.pk

    def _may_exist(self) -> bool:
        return True

    def _fetch(self) -> Any:
        try:
            return self._lookup.find(self._context)
        except UserUnavailable as unavailable:
            return unavailable

    async def _afetch(self) -> Any:
        try:
            return await self._lookup.afind(self._context)
        except UserUnavailable as unavailable:
            return unavailable

    def __repr__(self) -> str:
        # The subject may be any claim, such as an email address.
        return super().__repr__() if self._wrapped is not empty else "<LazyUser: not loaded>"

    def __copy__(self) -> Any:
        return self if self._wrapped is empty else super().__copy__()

    def __deepcopy__(self, memo: Any) -> Any:
        return self if self._wrapped is empty else super().__deepcopy__(memo)
