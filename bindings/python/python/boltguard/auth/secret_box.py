"""`SecretBox`: a value that tracebacks don't show."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class SecretBox(Generic[T]):
    """A value whose `repr` hides it, because error pages print the variables of each frame."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<secret>"
