"""Whether a caller is the user whom a field of an object names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from boltguard.auth.accounts import UserUnavailable, primary_key
from boltguard.optional import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class OwnerOf:
    """Compares primary keys as the user model converts them. A field that can't refer to a user is an error."""

    field: str

    def __call__(self, request: Any, obj: Any) -> bool:
        *path, last = self.field.split(".")
        for name in path:
            obj = getattr(obj, name)
            if obj is None:
                return False
        value = getattr(obj, self._attribute(obj, last))
        caller = None if value is None else _caller(request)
        return caller is not None and bool(self._key(value, caller) == caller)

    def _attribute(self, obj: Any, name: str) -> str:
        """The attribute with the key, which needs no query, if the field is a relation of a model."""
        for field in obj._meta.concrete_fields if hasattr(obj, "_meta") else ():
            if name in (field.name, field.attname) and field.is_relation:
                self._refuse_others(field)
                return str(field.attname)
        return name

    def _refuse_others(self, relation: Any) -> None:
        if relation.related_model._meta.concrete_model is not _users()._meta.concrete_model:
            self._refuse(
                f"refers to {relation.related_model.__name__}, not to a user. "
                "Follow its relation to a user, as in Owner('a.user')."
            )
        if not relation.target_field.primary_key:
            self._refuse(f"contains the {relation.target_field.name} of a user instead of the primary key.")

    def _key(self, value: Any, caller: Any) -> Any:
        if isinstance(value, _users()):
            return value.pk
        if isinstance(value, str) and not isinstance(caller, str):
            try:
                return primary_key(value)
            except UserUnavailable:
                self._refuse("contains a string that isn't a valid primary key of a user.")
        # `True` equals 1, and 7.0 equals 7.
        if type(value) is not type(caller):
            self._refuse(f"contains {type(value).__name__}, which isn't a user.")
        return value

    def _refuse(self, what: str) -> NoReturn:
        raise ImproperlyConfigured(f"Owner({self.field!r}): the field {what}")


def _caller(request: Any) -> Any:
    """The primary key of the caller's account; `None` without one."""
    account = request.context.account
    if account is not None:
        return primary_key(account)
    # For a token of another issuer, it is only known once the account is loaded.
    user = request.user
    return user.pk if isinstance(user, _users()) else None


def _users() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model()
