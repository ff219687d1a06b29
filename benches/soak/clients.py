"""The clients: threads that log in, use their tokens, refresh them, and end and revoke what they have."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from soak.account import LATEST_EFFECT, AccessToken, LiveSession, access_token, began
from soak.http_client import Client, Response, Server
from soak.judge import OK, UNAUTHORIZED, Call, Log, Refresh, Revocation, Twins, Use
from soak.tenants import PASSWORD, TENANTS, issuer, key_id, username


class Actor(threading.Thread):
    """A client, which sends one request after the other until `stop` is set, to any server that has the route.

    `pause` is the mean time between two steps, in seconds.
    """

    pause = 0.02

    def __init__(self, number: int, servers: list[Server], log: Log, seed: int, stop: threading.Event, timeout: float):
        super().__init__(name=f"client-{number}", daemon=True)
        self.number, self.tenant, self.log, self.stop = number, number % TENANTS, log, stop
        self.servers = servers
        self.names = [server.name for server in servers if server.is_of_site]
        self.random = random.Random(f"{seed} {number}")
        # The second one is for requests at the same time.
        self.client, self.other = Client(servers, timeout), Client(servers, timeout)
        self.error: BaseException | None = None

    def run(self) -> None:
        with ThreadPoolExecutor(1) as self.executor:
            try:
                while not self.stop.wait(self.random.uniform(0.0, 2 * self.pause)):
                    self.step()
            except BaseException as error:
                self.error = error
        self.client.close()
        self.other.close()

    def step(self) -> None:
        raise NotImplementedError

    def server(self) -> str:
        """A process of the site."""
        return self.random.choice(self.names)

    def both(self, first: Callable[[Client], Any], second: Callable[[Client], Any]) -> tuple[Any, Any]:
        """Sends two requests at the same time."""
        running = self.executor.submit(second, self.other)
        return first(self.client), running.result()

    def call(
        self, name: str, path: str, body: dict[str, Any], client: Client, *, expected: Container[int] = OK
    ) -> Response:
        response = client.request(self.server(), "POST", path, body=body)
        self.log.calls.append(Call(name, response.server, response.status, expected))
        return response

    def revoke(self, level: str, value: str) -> None:
        """Revokes through the store of the site."""
        response = self.call(f"a revocation of a {level}", "/revoke", {"level": level, "value": value}, self.client)
        self.record_revocation(response, level, value)

    def record_revocation(
        self,
        response: Response,
        level: str,
        value: str,
        *,
        ends_sessions: bool = False,
        acknowledged_by: Container[int] = OK,
    ) -> None:
        """Notes a revocation, unless it certainly wasn't executed."""
        if response.status == UNAUTHORIZED and response.code == "token_revoked":
            return
        done = response.received if response.status is not None else response.sent + LATEST_EFFECT
        is_acknowledged = response.status in acknowledged_by
        self.log.revocations.append(Revocation(level, value, response.sent, done, is_acknowledged, ends_sessions))


class Operator(Actor):
    """Revokes all tokens of an issuer or of a key now and then. The clients of the tenant then refresh."""

    pause = 2.0

    def step(self) -> None:
        tenant = self.random.randrange(TENANTS)
        self.revoke(*self.random.choice([("issuer", issuer(tenant)), ("key", key_id(tenant))]))


class User(Actor):
    """An honest client: it uses its access token, and refreshes it. It must never be logged out."""

    live: LiveSession | None = None

    def step(self) -> None:
        if self.live is None:
            self.live = self.login()
        elif self.random.random() < 0.85:
            self.use_current(self.live)
        else:
            self.refresh(self.live)

    def login(self) -> LiveSession | None:
        body = {"username": username(self.number), "password": PASSWORD}
        response = self.call("a login", f"/{self.tenant}/auth/token", body, self.client)
        return began(response, self.tenant) if response.status == 200 else None

    def use_current(self, live: LiveSession) -> None:
        """Uses the access token and, as clients do, refreshes it if it is refused."""
        if self.use(live.access).status == UNAUTHORIZED:
            self.refresh(live)

    def use(self, token: AccessToken) -> Response:
        server = self.random.choice(self.servers)
        return self.send(self.client, token, "GET", server.me(token.tenant), server.name)

    def send(self, client: Client, token: AccessToken, method: str, path: str, server: str | None = None) -> Response:
        response = client.request(server or self.server(), method, path, token=token.token)
        self.log.uses.append(
            Use(token.credential, response.server, response.sent, response.received, response.status, response.code)
        )
        return response

    def refresh(self, live: LiveSession) -> None:
        """Refreshes a session once or, as two tabs do, twice at the same time."""
        if not live.is_refreshable(time.monotonic()):
            return
        if self.random.random() < 0.6:
            responses = [self.send_refresh(self.client, live, self.server())]
        else:
            responses = self.refresh_twice(live)
        live.continue_with(responses)
        if any(response.status == UNAUTHORIZED for response in responses):
            self.live = None

    def refresh_twice(self, live: LiveSession) -> list[Response]:
        one, two = self.random.sample(self.names, 2)
        responses = self.both(
            lambda client: self.send_refresh(client, live, one),
            lambda client: self.send_refresh(client, live, two),
        )
        if all(response.status == 200 for response in responses):
            first, second = (response.body for response in responses)
            are_equal = all(first[name] == second[name] for name in ("access_token", "refresh_token"))
            self.log.twins.append(Twins(live.session, are_equal))
        return list(responses)

    def send_refresh(self, client: Client, live: LiveSession, server: str) -> Response:
        path, body = f"/{live.tenant}/auth/token/refresh", {"refresh_token": live.refresh_token}
        response = client.request(server, "POST", path, body=body)
        self.log.refreshes.append(
            Refresh(live.session, server, response.sent, response.received, response.status, response.code)
        )
        return response


class Revoker(User):
    """A client that also revokes its tokens and ends its sessions, and uses the old tokens again."""

    pause = 0.01

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.old: deque[AccessToken] = deque(maxlen=60)

    def step(self) -> None:
        choice = self.random.random()
        if choice < 0.45 and self.old:
            self.use(self.old_token())
        elif self.live is None:
            self.live = self.login()
        elif choice < 0.7:
            self.use_current(self.live)
        elif choice < 0.85:
            self.old.append(self.live.access)
            self.refresh(self.live)
        else:
            self.random.choice(ENDINGS)(self, self.live)

    def old_token(self) -> AccessToken:
        """One of the latest in half of the cases: an entry may arrive late, or never."""
        latest = len(self.old) - 12 if self.random.random() < 0.5 else 0
        return self.old[self.random.randrange(max(latest, 0), len(self.old))]

    def revoke_token(self, live: LiveSession) -> None:
        self.old.append(live.access)
        self.revoke("token", live.access.credential.id)
        self.refresh(live)

    def revoke_subject(self, live: LiveSession) -> None:
        self.old.append(live.access)
        self.revoke("subject", live.session.subject)
        self.refresh(live)

    def log_out(self, live: LiveSession) -> None:
        if self.end_session(self.client, live).status in OK:
            self.refresh_ended(live, self.client, self.server())

    def log_out_during_refresh(self, live: LiveSession) -> None:
        if not live.is_refreshable(time.monotonic()):
            # The logout may be refused, and the session then continues.
            self.log_out(live)
            return
        server = self.server()
        self.both(
            lambda client: self.end_session(client, live),
            lambda client: self.refresh_ended(live, client, server),
        )

    def log_out_everywhere(self, live: LiveSession) -> None:
        self.give_up(live)
        response = self.send(self.client, live.access, "POST", f"/{live.tenant}/auth/logout/all")
        self.record_revocation(response, "subject", live.session.subject, ends_sessions=True)

    def end_other_device(self, live: LiveSession) -> None:
        other = self.login()
        if other is not None:
            self.old.append(other.access)
            path = f"/{live.tenant}/auth/sessions/{other.session.id}"
            response = self.send(self.client, live.access, "DELETE", path)
            self.record_revocation(response, "session", other.session.id, ends_sessions=True)

    def use_stolen(self, live: LiveSession) -> None:
        """Uses a refresh token again that is older than the previous one, which ends the session."""
        if len(live.older) < 2:
            return
        self.give_up(live)
        body, only = {"refresh_token": live.older[0]}, (UNAUTHORIZED,)
        path = f"/{live.tenant}/auth/token/refresh"
        response = self.call("a used refresh token", path, body, self.client, expected=only)
        is_ended = only if response.code == "refresh_token_reused" else ()
        self.record_revocation(response, "session", live.session.id, ends_sessions=True, acknowledged_by=is_ended)

    def end_session(self, client: Client, live: LiveSession) -> Response:
        self.give_up(live)
        response = self.send(client, live.access, "POST", f"/{live.tenant}/auth/logout")
        self.record_revocation(response, "session", live.session.id, ends_sessions=True)
        return response

    def refresh_ended(self, live: LiveSession, client: Client, server: str) -> None:
        """Tries to continue a session that has ended, or ends at the same time. A new token is revoked, too."""
        response = self.send_refresh(client, live, server)
        if response.status == 200:
            requested = response.sent if live.begun is None else live.begun
            self.old.append(access_token(response, live.tenant, requested))

    def give_up(self, live: LiveSession) -> None:
        self.old.append(live.access)
        self.live = None


ENDINGS = (
    Revoker.revoke_token,
    Revoker.revoke_subject,
    Revoker.log_out,
    Revoker.log_out_during_refresh,
    Revoker.log_out_everywhere,
    Revoker.end_other_device,
    Revoker.use_stolen,
)
