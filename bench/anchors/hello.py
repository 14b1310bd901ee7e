"""What pages are compared with: the smallest Pyramid application, one view that says hello."""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.response import Response


def hello(request: Any) -> Response:
    return Response("Hello World!")


def make_hello() -> Any:
    """The WSGI application; it answers under every address ``/hello``."""
    config = Configurator()
    config.add_route("hello", "/hello")
    config.add_view(hello, route_name="hello")
    return config.make_wsgi_app()
