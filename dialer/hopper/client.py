"""The connection to Redis, and the translation of its errors.

No automatic retries: with redis-py's default a command whose reply was lost runs up to eleven
times (dependencies.md 3). Every command here runs once or fails with StoreError; what is
written is idempotent by attempt id, so the engine may repeat it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dialer.errors import ConfigError, Problem, StoreError

STORE = "redis"


def connect(
    url: str, *, connections: int = 16, timeout_s: float = 2.0, pool_wait_s: float = 2.0
) -> redis.Redis:
    """A client that connects at its first command and holds at most `connections`.

    A command fails after `timeout_s` without an answer; a caller waits `pool_wait_s` for a free
    connection. Raises ConfigError for an address that cannot be one.
    """
    try:
        pool = redis.BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=pool_wait_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=min(timeout_s, 1.0),
            socket_keepalive=True,
            health_check_interval=15,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise ConfigError(
            [
                Problem(
                    place="redis url", what=str(error), remedy="redis://:PASSWORD@HOST:6379/0"
                )
            ]
        ) from error
    return redis.Redis(connection_pool=pool)


@contextmanager
def translated() -> Iterator[None]:
    """Redis' errors become StoreError with a sentence for a person."""
    try:
        yield
    except redis.AuthenticationError as error:
        raise StoreError(
            STORE, "it refuses our password", "check the url's password"
        ) from error
    except redis.TimeoutError as error:
        raise StoreError(STORE, "it does not answer in time", "is it overloaded?") from error
    except redis.ConnectionError as error:
        raise StoreError(STORE, f"no connection: {error}", "is it running?") from error
    except redis.RedisError as error:
        raise StoreError(STORE, str(error), _remedy(str(error))) from error


def _remedy(message: str) -> str:
    if message.startswith("OOM"):
        return "give it more memory; its maxmemory-policy must be noeviction"
    if message.startswith("READONLY"):
        return "this is a replica: name the master"
    if message.startswith("NOPERM"):
        return "the user needs all commands on keys {dialer}:*"
    return ""


def describe(client: redis.Redis) -> str:
    """Host, port and database without the password, for messages."""
    options = client.connection_pool.connection_kwargs
    place = urlsplit(f"//{options.get('host', '?')}:{options.get('port', 0)}").netloc
    return f"{place}/{options.get('db', 0)}"
