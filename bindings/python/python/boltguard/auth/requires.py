"""`Requires`: django-bolt's guard for claims, as one of Boltguard's guards."""

from __future__ import annotations

from collections.abc import Iterable

from boltguard.auth.django_bolt import refuse_arguments
from boltguard.auth.guards import (
    ClaimValue,
    Guard,
    HasAllPermissions,
    HasAnyPermission,
    HasClaim,
    IsAdminUser,
    IsStaff,
)
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured


@refuse_arguments
class Requires(Guard):
    """Allows callers with this claim, with one of `values` or all of `all_of`.

    New code uses the guards that it is equivalent to: `HasAnyPermission` for `"permissions"`, `IsStaff` for
    `"is_staff"`, `IsAdminUser` for `"is_superuser"`, and `HasClaim` for other claims. `none_of` is only possible for
    `"permissions"`.
    """

    __slots__ = ()

    def __init__(
        self,
        claim: str,
        *values: ClaimValue,
        all_of: Iterable[ClaimValue] | None = None,
        none_of: Iterable[ClaimValue] | None = None,
    ) -> None:
        if not isinstance(claim, str) or not claim:
            raise ImproperlyConfigured(f"Requires: claim is {kind_of(claim)}. It must be a string.")
        if sum((bool(values), all_of is not None, none_of is not None)) > 1:
            raise ImproperlyConfigured("Requires: use one of values, all_of and none_of. Combine guards with &.")
        all_these, none_of_these = _listed("all_of", all_of), _listed("none_of", none_of)
        if claim == "permissions":
            guard = _permissions(values, all_these, none_of_these)
        elif none_of_these:
            raise ImproperlyConfigured(NONE_OF.format(claim, ", ".join(map(repr, none_of_these))))
        elif claim in FLAGS:
            guard = _flag(claim, values or all_these)
        elif all_these:
            guard = HasClaim(claim, all_of=all_these)
        else:
            # A claim that is false counts as absent.
            guard = HasClaim(claim, *values) if values else HasClaim(claim) & ~HasClaim(claim, False)
        self._guard = guard.rust


def _permissions(values: tuple[ClaimValue, ...], all_of: list[ClaimValue], none_of: list[ClaimValue]) -> Guard:
    if all_of:
        return HasAllPermissions(all_of)  # type: ignore[arg-type]
    return ~HasAnyPermission(none_of) if none_of else HasAnyPermission(*values)  # type: ignore[arg-type]


def _flag(claim: str, values: Iterable[ClaimValue]) -> Guard:
    guard: Guard = FLAGS[claim]()
    listed = list(values)
    if listed in ([], [True]) and all(value is True for value in listed):
        return guard
    if len(listed) == 1 and listed[0] is False:
        return ~guard
    raise ImproperlyConfigured(f"Requires({claim!r}): the value must be True or False.")


def _listed(name: str, values: Iterable[ClaimValue] | None) -> list[ClaimValue]:
    if values is None:
        return []
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise ImproperlyConfigured(f"Requires: {name} is {kind_of(values)}. It must be a list.")
    if not (listed := list(values)):
        raise ImproperlyConfigured(f"Requires: {name} is empty. Omit it.")
    return listed


FLAGS = {"is_staff": IsStaff, "is_superuser": IsAdminUser}
NONE_OF = (
    "Requires({0!r}, none_of=...) would also allow callers without this claim, such as those with an API key. Use "
    "HasClaim({0!r}, none_of=[{1}]), which requires the claim, or ~HasClaim({0!r}, {1}), which doesn't."
)
