"""The stream of new revocations in Redis or Valkey, for `ReplicatedRevocation`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from boltguard._rust import StreamQuery, StreamResponse
from boltguard.auth.secret_box import SecretBox
from boltguard.messages import kind_of
from boltguard.optional import ImproperlyConfigured


class ServerError(Exception):
    """The server is unavailable, or its response can't be used. The message has no secret."""


class TooFewReplicas(ServerError):
    """The row was appended, but too few replicas have received it."""


class RevocationStream:
    """The stream `<prefix>stream`. No command is retried: a second attempt would be longer than the time that is left.

    `timeout` is the time for each response, in seconds. After an error, the connection is closed, so that a late
    response isn't treated as that of the next command.
    """

    def __init__(self, url: SecretBox[str], prefix: str, timeout: float, *, rows: int, wait_replicas: int) -> None:
        self._key = f"{prefix}stream"
        self._rows, self._wait_replicas = rows, wait_replicas
        self._wait_milliseconds = max(int(timeout * 500), 1)
        self._client = _client(url, timeout)

    def query(self, query: StreamQuery) -> StreamResponse:
        """The new rows, and what proves that none are missing."""
        replies = self._execute(*query.commands(self._key))
        try:
            return _response(replies)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError(UNKNOWN_RESPONSE) from error

    def append(self, fields: list[tuple[str, str]], *, is_awaited: bool = True) -> None:
        """Appends a row. If it `is_awaited` and that is configured, waits until replicas have received it."""
        row = [part for field in fields for part in field]
        commands: list[tuple[Any, ...]] = [("XADD", self._key, "MAXLEN", "~", self._rows, "*", *row)]
        is_awaited = is_awaited and self._wait_replicas > 0
        if is_awaited:
            commands.append(("WAIT", self._wait_replicas, self._wait_milliseconds))
        replies = self._execute(*commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise ServerError(type(reply).__name__) from None
        if is_awaited and int(replies[1]) < self._wait_replicas:
            raise TooFewReplicas

    def close(self) -> None:
        """Closes the connections."""
        self._client.connection_pool.disconnect()

    def _execute(self, *commands: Sequence[Any]) -> list[Any]:
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                replies: list[Any] = pipeline.execute(raise_on_error=False)
                return replies
        except Exception as error:
            # Those in use belong to other threads.
            self._client.connection_pool.disconnect(inuse_connections=False)
            # The frames of the client have the password.
            raise ServerError(type(error).__name__) from None


def _client(url: SecretBox[str], timeout: float) -> Any:
    redis, backoff, retry = _redis()
    # With version 3 of the protocol, a server may extend the timeouts.
    ours: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "protocol": 2,
        "decode_responses": False,
    }
    ours |= {"retry": retry(backoff(), 0), "retry_on_error": [], "retry_on_timeout": False}
    try:
        options = SecretBox(redis.connection.parse_url(url.value) | ours)
        pool = redis.ConnectionPool(**options.value)
    except Exception:
        raise ImproperlyConfigured(INVALID_URL) from None
    client = redis.Redis(connection_pool=pool)
    # The responses are used as the server sends them, whatever the version of redis-py makes of them.
    client.response_callbacks.clear()
    return client


def _redis() -> tuple[Any, Any, Any]:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise ImproperlyConfigured(NO_REDIS) from error
    return redis, NoBackoff, Retry


def checked_url(url: SecretBox[Any]) -> SecretBox[str]:
    """The URL of a server. An error doesn't show it, because it may contain a password."""
    if not isinstance(url.value, str):
        raise ImproperlyConfigured(f"ReplicatedRevocation: url is {kind_of(url.value)}. It must be a string or None.")
    # No local variable may hold a part of the URL, because error reports show them.
    if not url.value.startswith(SCHEMES):
        raise ImproperlyConfigured(INVALID_URL)
    return SecretBox(url.value.replace("valkey", "redis", 1) if url.value.startswith("valkey") else url.value)


def server_of(url: SecretBox[str]) -> tuple[Any, ...]:
    """What identifies a server and its database, without the user and the password."""
    options = SecretBox(_redis()[0].connection.parse_url(url.value))
    return tuple(options.value.get(name) for name in ("host", "port", "path", "db"))


def _response(replies: list[Any]) -> StreamResponse:
    *others, read, write = replies
    for reply in others:
        # Another process has created the epoch, or the server is a replica.
        _check(reply, "BUSYGROUP", "READONLY")
    _check(read)
    _check(write, "READONLY")
    for reply in read:
        _check(reply, NO_KEY)
    stream, groups, rows, info = read
    position = NO_STREAM if _is_error(stream) else _fields(stream)
    server = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    return StreamResponse(
        entries_added=int(position[b"entries-added"]),
        last_id=position[b"last-generated-id"].decode(),
        epoch=None if _is_error(groups) else _epoch(groups),
        rows=[(row.decode(), _pairs(fields)) for row, fields in rows],
        run_id=server["run_id"],
        replication_id=server["master_replid"],
        is_primary=server["role"] == "master" and not _is_error(write),
    )


def _is_error(reply: Any) -> bool:
    return isinstance(reply, Exception)


def _check(reply: Any, *expected: str) -> None:
    if _is_error(reply) and _code(reply) not in expected:
        raise ServerError(type(reply).__name__)


def _code(error: Exception) -> str:
    """The code of an error. The client removes ERR, and codes for which it has a class."""
    if type(error).__name__ == "ReadOnlyError":
        return "READONLY"
    text = str(error).removeprefix("ERR ")
    return text if text == NO_KEY else text.split(" ", 1)[0]


def _epoch(groups: list[Any]) -> str | None:
    for group in map(_fields, groups):
        if group[b"name"] == b"epoch":
            return str(group[b"last-delivered-id"].decode())
    return None


def _fields(reply: Any) -> dict[bytes, Any]:
    return reply if isinstance(reply, dict) else dict(_pairs(reply))


def _pairs(values: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(values[::2], values[1::2], strict=True))


NO_KEY = "no such key"
NO_STREAM: dict[bytes, Any] = {b"entries-added": 0, b"last-generated-id": b"0-0"}
NO_REDIS = 'ReplicatedRevocation requires redis-py for a URL. Install "boltguard[redis]".'
SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")
INVALID_URL = (
    'ReplicatedRevocation: url is not the URL of a Redis server. It must be like "redis://host:6379/0", '
    '"rediss://host:6379/0" or "unix:///path", or None to use only the database.'
)
UNKNOWN_RESPONSE = "the response is not that of Redis 7 or Valkey"
