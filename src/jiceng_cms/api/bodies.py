"""What programs send: strict JSON, and content for the schema of its type."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import colander

from ..core.domain import ContentType
from ..core.units import Unit
from ..web.forms.form import relaxed
from ..web.presenting import presenter_of
from .problems import Problem

#: The greatest JSON body, in bytes: ten tables and a long text fit well.
MAX_JSON = 8 * 1024 * 1024


def strict_json(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """A view deriver: read the body before validation does, which takes duplicate keys and any size."""
    if not info.options.get("openapi") or info.options.get("scope") is None:
        return view

    def reading(context: Any, request: Any) -> Any:
        refuse_unknown_parameters(request)
        if request.registry.api_document.takes_body(request.matched_route.pattern, request.method):
            read_json(request)
        return view(context, request)

    return reading


def refuse_unknown_parameters(request: Any) -> None:
    """A parameter that does nothing is a misunderstanding; so is one that is given twice."""
    known = request.registry.api_document.query_names(request.matched_route.pattern, request.method)
    names = list(request.GET.keys())
    strange = sorted({name for name in names if name not in known})
    if strange:
        raise Problem("bad_request", f"没有“{strange[0][:40]}”这个参数。请对照接口说明 /api/v1/docs 检查。", fields={strange[0][:40]: "没有这个参数"})
    if len(set(names)) != len(names):
        raise Problem("bad_request", "有一个参数写了两次，请只写一次。")


def read_json(request: Any) -> None:
    """Parse the body into ``request.sent``; its fingerprint goes with the idempotency key."""
    if request.content_length is not None and request.content_length > MAX_JSON:
        raise _too_large()
    raw = request.body_file.read(MAX_JSON + 1) if request.content_length is None else request.body
    if len(raw) > MAX_JSON:
        raise _too_large()
    if request.content_type != "application/json":
        raise Problem("unsupported_media_type", "内容要是 JSON：请写请求头 Content-Type: application/json。")
    request.environ["jiceng.body"] = hashlib.sha256(raw).hexdigest()
    try:
        request.sent = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
        json.dumps(request.sent, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise Problem("bad_request", "JSON 套的层数太多。") from None
    except ValueError as error:
        told = str(error) if isinstance(error, _Fault) else "请核对括号、引号和编码（UTF-8）。"
        raise Problem("bad_request", f"送来的内容不是规范的 JSON。{told}") from None
    if not isinstance(request.sent, dict):
        raise Problem("invalid", "内容要是一个 JSON 对象，写在花括号里。", fields={"body": "类型不对"})


class _Fault(ValueError):
    """A fault of JSON that has words of its own."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Fault(f"“{twice[:40]}”写了两次，不知道以哪个为准。")
    return found


def _no_constant(name: str) -> Any:
    raise _Fault(f"不能用 {name}。")


def _too_large() -> Problem:
    return Problem("too_large", f"送来的内容太大，最多 {MAX_JSON // 1024 // 1024} MB。长表格请作为附件上传。")


def begun(data: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a new draft; without a summary the text's first two sentences are one.

    Residents read two sentences above everything, and a program may send title, kind, date and
    text at the least (DESIGN 6): the clerk sees in the draft what was taken.
    """
    found = dict(data)
    if not str(found.get("summary", "")).strip() and str(found.get("body", "")).strip():
        sentences = re.findall(r"[^。！？\n]+[。！？]?", found["body"])
        found["summary"] = "\n".join([s.strip() for s in sentences if s.strip()][:2])[:300]
    return found


def content_of(request: Any, type: ContentType, unit: Unit, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` through the type's own schema, as the form would have sent it; half a draft is fine.

    422 with a message for each field at fault.
    """
    presenter = presenter_of(request, type.name)
    schema = type.schema(unit, kind)
    try:
        sent = schema.serialize(presenter.from_json(data))
        return presenter.to_json(relaxed(schema).deserialize(sent))
    except colander.Invalid as error:
        fields = {f"data.{name}": text for name, text in error.asdict(translate=str).items()}
    except (ValueError, KeyError, TypeError):
        fields = {"data": "日期要写成 2026-09-30；表格每一行的格数要和表头一样。"}
    told = "；".join(list(fields.values())[:5]).replace("。；", "；")
    raise Problem("invalid", f"内容不合要求：{told}", fields=fields)
