"""The two pages of the daemon as one WSGI application: /metrics and /healthz.

Served by gevent's pywsgi. `/healthz` answers 200 or 503 with what it was told, as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from dialer.errors import DialerError
from dialer.metrics.meter import PrometheusMeter

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

#: True and what a person or a load balancer should know; False: out of service.
Health = Callable[[], tuple[bool, Mapping[str, Any]]]

TEXT = "text/plain; charset=utf-8"


def application(meter: PrometheusMeter, health: Health) -> WSGIApplication:
    """Both pages. `health` is called at each look and must not block."""

    def pages(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        if path not in ("/metrics", "/healthz"):
            status, kind, body = "404 Not Found", TEXT, b"/metrics and /healthz are here\n"
        elif method not in ("GET", "HEAD"):
            status, kind, body = "405 Method Not Allowed", TEXT, b"GET only\n"
        elif path == "/metrics":
            status, kind, body = "200 OK", CONTENT_TYPE_LATEST, generate_latest(meter.registry)
        else:
            status, kind, body = _health_page(health)
        headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        if status.startswith("405"):
            headers.append(("Allow", "GET, HEAD"))
        start_response(status, headers)
        return [] if method == "HEAD" else [body]

    return pages


def _health_page(health: Health) -> tuple[str, str, bytes]:
    try:
        well, facts = health()
    except DialerError as error:
        log.warning("health unknown", error=str(error))
        well, facts = False, {"error": str(error)}
    status = "200 OK" if well else "503 Service Unavailable"
    body = orjson.dumps({"ok": well, **facts}, option=orjson.OPT_APPEND_NEWLINE, default=str)
    return status, "application/json", body
