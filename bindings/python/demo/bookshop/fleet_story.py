"""The steps of users of the site and of the Rust service beside it, performed over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth import get_user_model

from boltguard import jwt
from boltguard.auth import create_jwt_for_user
from bookshop.fleet_variables import Fleet
from bookshop.http import Failed, Response, call, hold, send

ADA, GRACE = ("ada", "analytical engine"), ("grace", "nanoseconds")
# A service that may have missed a revocation responds with 503. Redis and the site run on this machine, so a service
# that does so for longer is broken.
LONGEST_WAIT = 60.0


class Story:
    """`bound` is the time in seconds within which a revocation takes effect in the service."""

    def __init__(self, fleet: Fleet, bound: float) -> None:
        self.site, self.service, self.bound = fleet.site_url, fleet.service_url, bound
        self.earlier = revoked_in_table()

    def run(self) -> Iterator[str]:
        """Performs each step, and yields its description afterwards."""
        self.revoked(self.ask("/me", self.earlier))
        yield "the service has read the list of the site: it refuses a token that was revoked before"
        yield from self._admission()
        yield from self._revocations()
        yield from self._password()

    def _admission(self) -> Iterator[str]:
        for path in ("/me", "/orders"):
            refused = self.ask(path, None)
            hold(f"{path} of the service requires a token", refused.status == 401)
        ada, grace = self.login(ADA), self.login(GRACE)
        account = call(self.site, "GET", "/api/me", token=ada, expect=200).json
        hold("the service knows the same user", self.ask("/me", ada).body.decode() == str(account["id"]))
        yield "ada logs in at the site, and the service accepts the same token"
        at_site = [send(self.site, "GET", "/fleet/orders", token=token) for token in (ada, grace)]
        at_service = [self.ask("/orders", token) for token in (ada, grace)]
        hold("the guard admits ada", [response.status for response in at_site] == [200, 403])
        hold("the service decides alike", [response.status for response in at_service] == [200, 403])
        hold("the codes are equal", at_site[1].json["code"] == at_service[1].json["code"] == "permission_denied")
        yield "the same guard admits ada and refuses grace in both: 403 permission_denied"
        call(self.site, "GET", "/fleet/revocations", token=ada, expect=401)
        yield "only the service can read the list of the site"

    def _revocations(self) -> Iterator[str]:
        laptop, phone = self.login(ADA), self.login(ADA)
        self.admitted(laptop)
        self.log_out(laptop)
        self.refused(laptop, "a token after the logout")
        self.admitted(phone)
        yield f"ada logs out at the site, and the service refuses the token within {self.bound:g} seconds"
        grace = self.login(GRACE)
        call(self.site, "POST", "/fleet/logout/all", token=phone, expect=200)
        self.refused(phone, "a token after the logout everywhere")
        self.admitted(grace)
        self.admitted(self.login(ADA))
        yield "ada logs out everywhere: the service refuses her other token, and accepts one of a new login"

    def _password(self) -> Iterator[str]:
        name, old = GRACE
        for password, previous in (("picoseconds", old), (old, "picoseconds")):
            token = self.login((name, previous))
            self.admitted(token)
            call(self.site, "POST", "/fleet/password", token=token, body={"password": password}, expect=200)
            self.refused(token, "a token after the change of the password")
            call(self.site, "POST", "/api/login", body={"username": name, "password": previous}, expect=401)
        self.admitted(self.login(GRACE))
        yield "grace changes her password: the service refuses the token that she had"

    def login(self, person: tuple[str, str]) -> str:
        body = dict(zip(("username", "password"), person, strict=True))
        return str(call(self.site, "POST", "/api/login", body=body, expect=200).json["access_token"])

    def log_out(self, token: str) -> None:
        call(self.site, "POST", "/api/logout", token=token, expect=200)

    def admitted(self, token: str) -> None:
        response = self.ask("/me", token)
        hold(f"the service accepts the token, not {response.status}", response.status == 200)

    def refused(self, token: str, what: str) -> None:
        """Waits until the service refuses the token. A request that was sent after the bound must not be admitted."""
        revoked = time.monotonic()
        while True:
            late = time.monotonic() - revoked
            response = send(self.service, "GET", "/me", token=token)
            if response.status == 401:
                return self.revoked(response)
            hold(f"the service refuses {what}, {late:.1f} seconds later", response.status == 503 or late <= self.bound)
            hold(f"the service is available {late:.1f} seconds later", late <= LONGEST_WAIT)
            time.sleep(0.05)

    def revoked(self, response: Response) -> None:
        hold("the response is 401 token_revoked", response.status == 401 and response.json["code"] == "token_revoked")

    def ask(self, path: str, token: str | None) -> Response:
        """A request to the service, repeated while it can't tell whether tokens are revoked."""
        start = time.monotonic()
        while (response := send(self.service, "GET", path, token=token)).status == 503:
            if time.monotonic() - start > LONGEST_WAIT:
                raise Failed(f"the service is unavailable: {response.body[:300]!r}")
            time.sleep(0.05)
        return response


def revoked_in_table() -> str:
    """A token that was revoked without a row in the stream, so that only the complete list contains it."""
    user = get_user_model().objects.get(username=ADA[0])
    token = create_jwt_for_user(user, secret=settings.TOKEN_SECRET)
    token_id = jwt.decode(token, options={"verify_signature": False})["jti"]
    settings.REVOCATION_STORE.truth.revoke(token_id, ttl=3600)
    return token
