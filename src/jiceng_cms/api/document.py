"""The OpenAPI document: read once, handed to validation, to ``openapi.json`` and to the docs page.

That it is well-formed OpenAPI is checked by the tests: it doesn't change while a version runs.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema_path import SchemaPath
from openapi_core import V31ResponseValidator
from openapi_core.unmarshalling.request import V31RequestUnmarshaller

#: Where the API lives: the document's one server.
PREFIX = "/api/v1"

_VERBS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class ApiDocument:
    """The document as data, as bytes of JSON, and its validators."""

    path: Path
    data: dict[str, Any]
    json: bytes
    spec: SchemaPath
    requests: Any
    responses: Any

    def methods(self, pattern: str) -> tuple[str, ...]:
        """The HTTP methods of a route's pattern, HEAD beside GET."""
        item = self.data["paths"].get(pattern.removeprefix(PREFIX), {})
        found = [verb.upper() for verb in _VERBS if verb in item]
        return (*found, "HEAD") if "GET" in found else tuple(found)

    def takes_body(self, pattern: str, method: str) -> bool:
        """Whether an operation has a request body."""
        return "requestBody" in self.data["paths"].get(pattern.removeprefix(PREFIX), {}).get(method.lower(), {})

    def query_names(self, pattern: str, method: str) -> frozenset[str]:
        """The query parameters of an operation."""
        item = self.data["paths"].get(pattern.removeprefix(PREFIX), {})
        operation = item.get("get" if method == "HEAD" else method.lower(), {})
        listed = [self._resolved(p) for p in (*item.get("parameters", ()), *operation.get("parameters", ()))]
        return frozenset(p["name"] for p in listed if p["in"] == "query")

    def _resolved(self, value: dict[str, Any]) -> dict[str, Any]:
        found: Any = value
        while "$ref" in found:
            target: Any = self.data
            for part in found["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            found = target
        resolved: dict[str, Any] = found
        return resolved

    def resolved(self, value: dict[str, Any]) -> dict[str, Any]:
        """What a ``$ref`` leads to, or the value itself."""
        return self._resolved(value)


@functools.cache
def read_document() -> ApiDocument:
    """The document of this version; it never changes while a process runs."""
    path = Path(__file__).with_name("openapi.yaml")
    # libyaml where PyYAML has it: twenty times as fast, and every start waits for it
    data = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    spec = SchemaPath.from_dict(data)
    return ApiDocument(
        path=path,
        data=data,
        json=json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(),
        spec=spec,
        requests=V31RequestUnmarshaller(spec),
        responses=V31ResponseValidator(
            spec, extra_media_type_deserializers={"application/problem+json": json.loads}
        ),
    )
