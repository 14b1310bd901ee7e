"""The API's documentation: the document itself, and a page made of it in the site's theme."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from ..access.tokens import SCOPES
from ..core.permissions import PUBLIC
from ..web.pages import TextPage
from ..web.tables import Block, BulletList, Heading, Paragraph, TableBlock
from ..web.theming import render_page
from .document import PREFIX, ApiDocument
from .problems import PROBLEMS, TYPE

_VERBS = ("get", "post", "put", "delete")
_TYPES = {"string": "文字", "integer": "整数", "boolean": "是或否", "array": "列表", "object": "对象", "null": "空"}
_PLACES = {"path": "地址", "query": "参数", "header": "请求头"}


@view_config(route_name="api_document", request_method="GET", permission=PUBLIC)
def document(request: Any) -> Response:
    """The OpenAPI document as JSON."""
    response = Response(request.registry.api_document.json, content_type="application/json", charset=None)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@view_config(route_name="api_docs", request_method="GET", permission=PUBLIC)
def docs(request: Any) -> Response:
    """The page: everything stands in it, nothing is fetched from elsewhere."""
    page = getattr(request.registry, "api_docs_page", None)
    if page is None:
        page = request.registry.api_docs_page = docs_page(request.registry.api_document)
    return render_page(request, page)


def docs_page(api: ApiDocument) -> TextPage:
    """The document as a page of text and tables."""
    info = api.data["info"]
    return TextPage(title=info["title"], body=tuple(_blocks(api)), lede=info["summary"])


def _blocks(api: ApiDocument) -> Iterator[Block]:
    for line in api.data["info"]["description"].splitlines():
        yield Paragraph(line)
    yield Paragraph(f"给程序读的说明：{PREFIX}/openapi.json（OpenAPI 3.1）。")
    yield TableBlock("令牌的权限", ("权限", "可以办什么"), tuple((s, words[0]) for s, words in SCOPES.items()))
    for tag in api.data["tags"]:
        yield Heading(f"{tag['name']}：{tag['description']}")
        for path, item in api.data["paths"].items():
            for verb in _VERBS:
                operation = item.get(verb)
                if operation is not None and tag["name"] in operation["tags"]:
                    yield from _operation(api, path, verb, item, operation)
    yield Heading("内容的栏目")
    for name, schema in api.data["components"]["schemas"].items():
        if "properties" in schema:
            yield _properties(api, name, schema)
    yield Heading("出错时的 type")
    rows = tuple((TYPE + code, str(status), title) for code, (status, title) in PROBLEMS.items())
    yield TableBlock("", ("type", "状态码", "意思"), rows)


def _operation(api: ApiDocument, path: str, verb: str, item: dict[str, Any], operation: dict[str, Any]) -> Iterator[Block]:
    yield Paragraph(f"{verb.upper()} {PREFIX}{path}　{operation['summary']}")
    for line in operation.get("description", "").splitlines():
        yield Paragraph(line)
    parameters = [api.resolved(p) for p in (*item.get("parameters", ()), *operation.get("parameters", ()))]
    if parameters:
        rows = tuple(
            (p["name"], _PLACES[p["in"]], _type(api, p["schema"]), p.get("description", "")) for p in parameters
        )
        yield TableBlock("", ("名字", "写在哪里", "写法", "说明"), rows)
    answers = [f"{status}：{api.resolved(found)['description']}" for status, found in operation["responses"].items() if status != "default"]
    body = operation.get("requestBody")
    if body is not None:
        media, content = next(iter(body["content"].items()))
        answers.insert(0, f"送来的内容（{media}）：{_type(api, content['schema'])}")
    yield BulletList(tuple(answers))


def _properties(api: ApiDocument, name: str, schema: dict[str, Any]) -> TableBlock:
    required = schema.get("required", ())
    rows = tuple(
        (field, _type(api, value), "必有" if field in required else "", str(api.resolved(value).get("description", "")))
        for field, value in schema["properties"].items()
    )
    return TableBlock(name, ("名字", "写法", "", "说明"), rows)


def _type(api: ApiDocument, schema: dict[str, Any]) -> str:
    """What may stand there, in a few words."""
    if "$ref" in schema:
        name: str = schema["$ref"].rpartition("/")[2]
        target = api.resolved(schema)
        return name if "properties" in target else _type(api, target)
    if "oneOf" in schema:
        return "或者".join(dict.fromkeys(_type(api, one) for one in schema["oneOf"]))
    types = schema.get("type", "object")
    told = "或者".join(_TYPES[t] for t in (types if isinstance(types, list) else [types]))
    if "items" in schema:
        told += f"，每一项是{_type(api, schema['items'])}"
    if "enum" in schema:
        told += "：" + "、".join(schema["enum"])
    if schema.get("format") == "date":
        told += "，如 2026-09-30"
    if "maxLength" in schema and types != "array":
        told += f"，最多 {schema['maxLength']} 字"
    return told
