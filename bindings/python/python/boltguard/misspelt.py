"""Settings that resemble Boltguard's, but don't exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher, get_close_matches

from boltguard.conf import ALIASES, API_KEY_PREFIX, AUTHENTICATION, MIDDLEWARE_MODE, PERMISSIONS, REVOKE_ON


def misspelt(names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """The names that are probably misspelled settings of Boltguard, with the correct name if known."""
    for name in names:
        if name not in ALIASES and name not in ALIASES.values() and _is_for_us(name):
            yield name, _meant(name)


def _is_for_us(name: str) -> bool:
    prefix = name.partition("_")[0]
    if SequenceMatcher(None, prefix, "BOLTGUARD").ratio() >= CLOSE:
        return True
    # `BOLT_CACHE_PREFIX`, and `BOLT_` names in general, may be another application's.
    return prefix == "BOLT" and (_close(name, ALIASES.values()) is not None or _by_word(name) is not None)


def _meant(name: str) -> str | None:
    """The setting that is probably meant, with the same prefix."""
    if name.startswith("BOLT_"):
        word = _by_word(name)
        return _close(name, ALIASES.values()) or (None if word is None else ALIASES[word])
    return _close(name, ALIASES) or _by_word(name)


def _close(name: str, ours: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, list(ours), n=1, cutoff=CLOSE)), None)


def _by_word(name: str) -> str | None:
    found = WORDS.keys() & set(name.split("_")[1:] or [name])
    return WORDS[min(found, key=list(WORDS).index)] if found else None


CLOSE = 0.8
WORDS = {
    **dict.fromkeys(["GUARD", "GUARDS", "PERMISSION", "PERMISSIONS"], PERMISSIONS),
    **dict.fromkeys(["APIKEY", "APIKEYS"], API_KEY_PREFIX),
    **dict.fromkeys(["REVOKE", "REVOCATION"], REVOKE_ON),
    **dict.fromkeys(["MIDDLEWARE", "MODE", "SHADOW"], MIDDLEWARE_MODE),
    **dict.fromkeys(["AUTH", "AUTHENTICATION", "AUTHENTICATIONS", "AUTHENTICATORS", "JWT", "TOKEN"], AUTHENTICATION),
}
