"""What the API says when something is wrong: RFC 9457 problem documents with stable types."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from openapi_core.templating.media_types.exceptions import MediaTypeNotFound
from openapi_core.validation.request.exceptions import (
    InvalidRequestBody,
    MissingRequiredRequestBody,
)
from pyramid.exceptions import PredicateMismatch
from pyramid.httpexceptions import HTTPClientError, HTTPException, HTTPForbidden, HTTPNotFound
from pyramid.response import Response
from pyramid_openapi3.exceptions import RequestValidationError

from ..core.errors import ChecksFailed, Refused, Stale
from ..files.sandbox import Busy as DeskBusy
from ..store import Busy, OutOfTries

log = logging.getLogger(__name__)

#: ``type`` of a problem: the same on every site, so that programs can compare it.
TYPE = "urn:jiceng:problem:"

#: code -> (HTTP status, title). The codes of :mod:`jiceng_cms.core.errors` and the API's own.
PROBLEMS: dict[str, tuple[int, str]] = {
    "bad_request": (400, "请求看不懂"),
    "not_signed_in": (401, "需要有效的令牌"),
    "forbidden": (403, "这个身份不能办这一步"),
    "insufficient_scope": (403, "令牌没有这项权限"),
    "needs_reauthentication": (403, "令牌没有公布的权限"),
    "separation_of_duties": (403, "经办、监督、审批要由不同的人办"),
    "not_found": (404, "没有这项内容，或者看不到"),
    "method_not_allowed": (405, "这个地址不能这样用"),
    "not_now": (409, "现在不能办这一步"),
    "refused": (409, "这一步没有办成"),
    "withdrawn": (410, "这份公开内容已经撤回"),
    "stale": (412, "内容已经变了"),
    "too_large": (413, "送来的内容太大"),
    "unsupported_media_type": (415, "送来的格式不对"),
    "invalid": (422, "内容不完整或者不对"),
    "checks_failed": (422, "检查没有通过"),
    "idempotency_key_reused": (422, "这个幂等键用过了"),
    "precondition_required": (428, "要写明是对哪一版办理"),
    "too_many_requests": (429, "试的次数太多"),
    "failed": (500, "服务器出了差错"),
    "busy": (503, "现在办的人多，没有排上"),
    "search_unavailable": (503, "搜索暂时用不了"),
    "no_room": (507, "服务器的磁盘满了"),
}


class Problem(Exception):
    """A problem of the API's own; ``more`` are further members of its document."""

    def __init__(self, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def document(code: str, detail: str, request_id: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """(status, problem document)."""
    status, title = PROBLEMS[code]
    told = {"type": TYPE + code, "title": title, "status": status, "detail": detail, "code": code, "request": request_id}
    return status, {**told, **more}


def problem_response(request: Any, problem: Problem) -> Response:
    """The answer; the request's id names it in the operator's log."""
    status, told = document(problem.code, problem.detail, request.request_id, **problem.more)
    response = Response(json.dumps(told, ensure_ascii=False).encode(), status=status)
    response.content_type, response.charset = "application/problem+json", None
    response.headers.update({"Cache-Control": "no-store", **problem.headers})
    return response


def no_such_thing() -> Problem:
    """Nothing here, or not for this reader: one answer for both."""
    return Problem("not_found", "没有这项内容，或者这个令牌看不到它。请核对单位代码和编号。")


def problem_of(request: Any, error: Exception) -> Problem:
    """Any exception as a problem; faults of ours are logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refused):
        return _of_refusal(error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error.errors)
    if isinstance(error, PredicateMismatch):
        return Problem("method_not_allowed", f"这个地址不能用 {request.method}。可用的方法见接口说明 /api/v1/docs。", headers={"Allow": allowed_methods(request)})
    if isinstance(error, HTTPNotFound):
        return no_such_thing()
    if isinstance(error, HTTPForbidden):
        return unauthorised()
    if isinstance(error, HTTPException) and isinstance(error, HTTPClientError):
        return Problem("bad_request", "请求看不懂。请对照接口说明 /api/v1/docs 检查。")
    if isinstance(error, Busy | OutOfTries | DeskBusy):
        return Problem("busy", "这次没有办成，什么也没有改。请过几秒钟带着同样的幂等键再试。", headers={"Retry-After": "3"})
    if isinstance(error, OSError) and error.errno == 28:
        log.exception("request %s: %s %s", request.request_id, request.method, request.path)
        return Problem("no_room", "现在不能保存，查看不受影响。请告诉系统管理员。")
    log.exception("request %s: %s %s", request.request_id, request.method, request.path, exc_info=error)
    return Problem("failed", f"这次没有办成。请把编号 {request.request_id} 告诉系统管理员。")


def unauthorised(detail: str = "", error: str = "") -> Problem:
    """No token, or none that is good."""
    challenge = 'Bearer realm="jiceng"' + (f', error="{error}"' if error else "")
    detail = detail or "这一步要带令牌：在请求头里写 Authorization: Bearer 令牌。"
    return Problem("not_signed_in", detail, headers={"WWW-Authenticate": challenge})


def _of_refusal(refusal: Refused) -> Problem:
    more: dict[str, Any] = {}
    if refusal.fields:
        more["fields"] = refusal.fields
    if isinstance(refusal, ChecksFailed):
        more["problems"] = list(refusal.problems)
    if isinstance(refusal, Stale):
        return Problem("stale", "内容已经变了：有人在您读取之后办理过。请重新读取，看过以后再办。")
    code = refusal.code if refusal.code in PROBLEMS else "refused"
    return Problem(code, refusal.message, **more)


def _of_validation(errors: Sequence[Exception]) -> Problem:
    """The words for what the document does not allow."""
    first = errors[0]
    chain = [first, first.__cause__]
    if any(isinstance(e, MediaTypeNotFound) for e in chain):
        return Problem("unsupported_media_type", "送来的格式不对：内容要是 JSON（Content-Type: application/json），附件要用 multipart/form-data。")
    if isinstance(first, MissingRequiredRequestBody):
        return Problem("bad_request", "请求里没有内容。请把要填的写成 JSON 一起送来。")
    fields: dict[str, str] = {}
    for fault in _schema_errors(first):
        path = ".".join(str(part) for part in fault.absolute_path) or "body"
        fields.setdefault(path, _words(fault))
    if isinstance(first, InvalidRequestBody):
        told = "；".join(f"{name}：{text}" for name, text in list(fields.items())[:5])
        return Problem("invalid", f"内容不合要求：{told or '请对照接口说明检查'}。", fields=fields)
    name = getattr(first, "name", "")
    told = next(iter(fields.values()), "没有填或者写法不对")
    return Problem("bad_request", f"参数“{name}”{told}。请对照接口说明 /api/v1/docs 检查。", fields={name: told} if name else {})


def _schema_errors(error: BaseException | None) -> list[Any]:
    while error is not None:
        found = getattr(error, "schema_errors", None)
        if found is not None:
            return list(found)
        error = error.__cause__
    return []


_RULES = {
    "required": "少了必填的项",
    "additionalProperties": "有接口里没有的项",
    "unevaluatedProperties": "有接口里没有的项",
    "type": "类型不对",
    "enum": "不在可选的值里",
    "const": "不在可选的值里",
    "pattern": "写法不对",
    "format": "写法不对",
    "maxLength": "太长",
    "minLength": "太短或者是空的",
    "maxItems": "太多",
    "minItems": "太少",
    "uniqueItems": "有重复的",
    "minimum": "太小",
    "maximum": "太大",
    "minProperties": "太少",
}


def _words(fault: Any) -> str:
    text = _RULES.get(str(fault.validator), "不合要求")
    if fault.validator == "required":
        missing = [name for name in fault.validator_value if name not in (fault.instance or {})]
        text += f"（{'、'.join(missing)}）"
    if fault.validator == "additionalProperties" and isinstance(fault.instance, dict):
        known = fault.schema.get("properties", {})
        strange = [str(name)[:40] for name in fault.instance if name not in known]
        text += f"（{'、'.join(strange[:5])}）"
    return text


def allowed_methods(request: Any) -> str:
    """The methods that the document has for the matched route."""
    methods = request.registry.api_document.methods(request.matched_route.pattern) if request.matched_route else ()
    return ", ".join(methods)
