"""The OpenAPI description is right: requests generated from it get the described answers."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction

from harken.web.limits import Limits
from server_thread import Served, serving

pytestmark = pytest.mark.second_stage

OTHERWISE = (
    ("/api/timeline", "get"),
    ("/api/record", "get"),
    ("/api/record/begin", "post"),
    ("/api/teach/begin", "post"),
    ("/api/learn", "post"),
    ("/api/learn/choice", "post"),
    ("/push", "post"),
)
"""Operations that refuse each request that is not as described."""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(limits=Limits(uploads=8)) as found:
        yield found


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_description_holds(served: Served, mode: GenerationMode) -> None:
    described = schemathesis.openapi.from_url(served.url("/openapi.json"))
    paths = served.ask("/openapi.json").json["paths"]
    every = [(path, method) for path, methods in paths.items() for method in methods]
    assert set(OTHERWISE) < set(every)
    for path, method in every if mode is GenerationMode.POSITIVE else OTHERWISE:
        check(path, described[path][method].as_strategy(generation_mode=mode))


def check(path: str, requests: Any) -> None:
    # What is in a file cannot be described; nobody has a watch or a recording whose name was made up; and this server
    # has nothing to learn from.
    loose = path.startswith(("/api/recordings", "/api/timeline", "/api/learn"))
    every = schemathesis.checks.CHECKS.get_all()
    checks = [each for each in every if not (loose and "positive" in each.__name__)]

    @settings(max_examples=15, database=None, suppress_health_check=list(HealthCheck))
    @given(case=requests)
    def holds(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=cast(list[CheckFunction], checks), timeout=30)  # as the registry gives them

    holds()
