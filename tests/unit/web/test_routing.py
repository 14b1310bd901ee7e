"""The mapper that looks at routes by name finds what Pyramid's own finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyramid.request import Request
from pyramid.urldispatch import RoutesMapper

from jiceng_cms.web.routing import RoutesByName, first_name

PATTERNS = [
    "/", "/units", "/log/checkpoint", "/log/tile/{level}/*rest", "log/without-slash", "/{anything}", "/static/*subpath",
    "/log/*late", "/file.{ext}", "/old/:name", "/*all",
]
NAMES = st.sampled_from(["", "log", "tile", "checkpoint", "units", "static", "file.txt", "old", "u", "村", "late"])


def both(patterns: list[str]) -> tuple[RoutesByName, RoutesMapper]:
    ours, pyramids = RoutesByName(), RoutesMapper()
    for number, pattern in enumerate(patterns):
        for mapper in (ours, pyramids):
            mapper.connect(f"{number} {pattern}", pattern)
    return ours, pyramids


@given(st.permutations(PATTERNS), st.integers(0, len(PATTERNS)), st.lists(NAMES, max_size=5))
def test_it_finds_the_route_that_pyramid_finds(patterns: list[str], count: int, names: list[str]) -> None:
    ours, pyramids = both(patterns[:count])
    path = "/" + "/".join(names)
    request = Request.blank("/", environ={"PATH_INFO": path.encode().decode("latin-1")})
    found, expected = ours(request), pyramids(request)
    assert found["match"] == expected["match"]
    assert getattr(found["route"], "name", None) == getattr(expected["route"], "name", None)


def test_a_route_that_is_named_anew_replaces_the_old_one() -> None:
    ours, _ = both(["/log/a"])
    ours.connect("0 /log/a", "/units")
    assert ours(Request.blank("/log/a"))["route"] is None
    assert ours(Request.blank("/units"))["route"].name == "0 /log/a"


def test_a_route_whose_predicate_says_no_gives_way_to_the_next() -> None:
    ours = RoutesByName()
    ours.connect("first", "/log", predicates=[lambda info, request: False])
    ours.connect("second", "/log")
    assert ours(Request.blank("/log"))["route"].name == "second"


@pytest.mark.parametrize(
    ("pattern", "name"), [("/", ""), ("/log/{x}", "log"), ("units", "units"), ("/{x}/log", None), ("/*x", None), ("/:x", None)]
)
def test_the_first_name_of_a_pattern(pattern: str, name: str | None) -> None:
    assert first_name(pattern) == name
