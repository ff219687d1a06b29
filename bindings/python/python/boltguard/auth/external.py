"""`ExternalUser`: an authenticated user of another issuer, without an account on this site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from boltguard import _rust


class ExternalUser:
    """An authenticated user of another issuer or of a custom backend, without an account.

    `issuer` and `subject` identify the user: a subject is only unique within its issuer. The user has the permissions
    of the token. `is_staff` and `is_superuser` are always `False`; the guards `IsStaff` and `IsAdminUser` use the
    claims of the token.
    """

    pk = None
    id = None
    is_active = True
    is_anonymous = False
    is_authenticated = True
    is_staff = False
    is_superuser = False

    def __init__(self, context: _rust.AuthContext) -> None:
        self._context = context

    @property
    def issuer(self) -> str | None:
        """The token's `iss`."""
        return self._context.issuer

    @property
    def subject(self) -> str:
        """The token's `sub`, or the claim that `user_id_claim` names."""
        return str(self._context.user_id)

    @property
    def claims(self) -> dict[str, Any]:
        """All claims of the token, as a new dict."""
        return self._context.get("auth_claims") or {}

    @property
    def username(self) -> str:
        """The subject."""
        return self.subject

    def get_username(self) -> str:
        """The subject."""
        return self.subject

    def _key(self) -> tuple[str | None, str]:
        """The values that identify the user: a custom backend has no issuer."""
        return self.issuer or self._context.auth_backend, self.subject

    def natural_key(self) -> tuple[str | None, str]:
        """The issuer and the subject."""
        return self.issuer, self.subject

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """The permissions of the token, wildcards as they are."""
        return set(self._context.permissions) if obj is None else set()

    get_user_permissions = get_all_permissions

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        """An empty set: the user has no groups on this site."""
        return set()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether the token grants a permission. It grants none for single objects."""
        gate = _rust.Gate([], _rust.Guard.permission(perm))
        return obj is None and isinstance(gate.check_caller(self._context), _rust.AuthContext)

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Whether the token grants all of these permissions."""
        if isinstance(perm_list, str):
            raise ValueError("perm_list must be an iterable of permissions.")
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the token grants any permission of this application."""
        return any(granted == "*" or granted.partition(".")[0] == app_label for granted in self._context.permissions)

    async def ahas_perm(self, perm: str, obj: Any = None) -> bool:
        """`has_perm`, for async code."""
        return self.has_perm(perm, obj)

    async def ahas_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """`has_perms`, for async code."""
        return self.has_perms(perm_list, obj)

    async def ahas_module_perms(self, app_label: str) -> bool:
        """`has_module_perms`, for async code."""
        return self.has_module_perms(app_label)

    @property
    def groups(self) -> Any:
        """An empty manager."""
        from django.contrib.auth.models import AnonymousUser

        return AnonymousUser().groups

    @property
    def user_permissions(self) -> Any:
        """An empty manager."""
        from django.contrib.auth.models import AnonymousUser

        return AnonymousUser().user_permissions

    def save(self, *args: Any, **options: Any) -> NoReturn:
        """Raises an error, because there is no row to save."""
        raise NotImplementedError("An ExternalUser has no row in the database.")

    delete = set_password = check_password = save

    def resolve_expression(self, *args: Any, **options: Any) -> NoReturn:
        """Prevents the ORM from using the subject as a primary key, which could be that of another account."""
        raise TypeError(f"{self!r} has no account, so it can't be used in a query.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(
            f"'ExternalUser' object has no attribute {name!r}: a token of another issuer has no account here. Read "
            "`claims`, or give the JWTAuthentication user_field= or get_user=."
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExternalUser) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return self.subject

    def __repr__(self) -> str:
        return f"<ExternalUser: {self.subject!r} of {self.issuer!r}>"

    def __deepcopy__(self, memo: Any) -> ExternalUser:
        return self
