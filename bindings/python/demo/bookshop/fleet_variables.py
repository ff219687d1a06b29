"""The environment variables that the site and the Rust service beside it share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

PREFIX = "FLEET_"


@dataclass(frozen=True, repr=False)
class Fleet:
    """Each field is the variable of the same name, in upper case and with the prefix `FLEET_`."""

    site_url: str
    service_url: str
    redis_url: str
    token_secret: str
    service_key: str
    guard: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Fleet | None:
        """The values of the variables, or `None` if none is set. Raises `ValueError` if some are missing."""
        names = {field.name: PREFIX + field.name.upper() for field in fields(cls)}
        found = {name: environment[variable] for name, variable in names.items() if environment.get(variable)}
        missing = [variable for name, variable in names.items() if name not in found]
        if found and missing:
            raise ValueError(f"The environment variables {', '.join(missing)} are not set. Set all of them, or none.")
        return cls(**found) if found else None
