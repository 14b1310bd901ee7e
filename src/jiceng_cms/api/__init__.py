"""Doors for programs: the API under ``/api/v1``, health under ``/-/``."""

from __future__ import annotations

from typing import Any

from pyramid.decorator import reify
from pyramid.events import ApplicationCreated
from pyramid.tweens import EXCVIEW
from pyramid.viewderivers import INGRESS
from pyramid_openapi3 import check_all_routes, openapi_validated, openapi_view
from pyramid_openapi3.exceptions import ResponseValidationError

from ..web.request import SiteRequest
from .bodies import strict_json
from .document import PREFIX, read_document
from .door import BadTokens, bearer, broken_promise
from .routing import add_routes
from .state import etag_key
from .token_page import TOKENS


def includeme(config: Any) -> None:
    """Health, and the API: its door, its document, its views."""
    config.add_route("live", "/-/live")
    config.add_route("ready", "/-/ready")
    config.add_route("health", "/-/health")
    services = config.registry.services
    config.registry.bad_tokens = BadTokens()
    config.registry.etag_key = etag_key(services.settings.secret_file.read_bytes().strip())
    # over the checks of origin and form token: what has no cookies needs neither
    config.add_tween("jiceng_cms.api.door.door_tween", under=EXCVIEW, over="jiceng_cms.access.origin.origin_tween_factory")
    config.add_view_deriver(bearer, name="bearer", under=INGRESS, over="secured_view")
    _validate_by_document(config)
    add_routes(config)
    config.add_route("api_document", f"{PREFIX}/openapi.json")
    config.add_route("api_docs", f"{PREFIX}/docs")
    config.add_route("account_tokens", TOKENS)
    config.add_route("account_tokens_revoke", f"{TOKENS}/revoke")
    config.add_exception_view(broken_promise, context=ResponseValidationError)
    config.scan("jiceng_cms.api")


def _validate_by_document(config: Any) -> None:
    """What ``config.include("pyramid_openapi3")`` would set up, but for two things: the document
    is read and checked once in a process, and the request's property stands in its class, since
    ``add_request_method`` would make Pyramid build a class for each request."""
    api = config.registry.api_document = read_document()
    SiteRequest.openapi_validated = reify(openapi_validated)
    config.add_view_deriver(strict_json, name="strict_json", under="secured_view", over="openapi_view")
    config.add_view_deriver(openapi_view, name="openapi_view", under="decorated_view")
    config.add_tween("pyramid_openapi3.tween.response_tween_factory", over=EXCVIEW)
    config.add_subscriber(check_all_routes, ApplicationCreated)
    settings = config.registry.settings
    settings["pyramid_openapi3_apinames"] = ["jiceng.api"]
    settings["jiceng.api"] = {
        "filepath": str(api.path),
        "spec_route_name": "api_document",
        "spec": api.spec,
        "request_validator": api.requests,
        "response_validator": api.responses,
    }
