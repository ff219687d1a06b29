"""The JWK Set of this site, RFC 7517 §5."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from boltguard.auth.signing_keys import SigningKeys
from boltguard.messages import kind_of


def jwks_view(keys: SigningKeys) -> Any:
    """A view that publishes the public keys of `keys`, for everyone. Put it at `.well-known/jwks.json`."""
    if not isinstance(keys, SigningKeys):
        raise ImproperlyConfigured(f"jwks_view: keys is {kind_of(keys)}. It must be SigningKeys.")

    @login_not_required
    @require_safe
    def jwks(request: HttpRequest) -> Any:
        body = keys.rust.to_jwks()
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        response = HttpResponse(body, content_type="application/jwk-set+json")
        response["Cache-Control"] = f"public, max-age={int(keys.max_age)}"
        response["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=response)

    return jwks
