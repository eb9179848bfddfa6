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

AS_DESCRIBED = (
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/api/model"),
    ("GET", "/api/watches"),
    ("GET", "/api/timeline"),
    ("POST", "/api/recordings"),
    ("GET", "/api/recordings/{key}"),
    ("GET", "/api/recordings/{key}/report.html"),
    ("GET", "/api/recordings/{key}/tables.zip"),
    ("GET", "/api/record"),
    ("POST", "/api/record/begin"),
    ("POST", "/api/record/end"),
    ("POST", "/api/record/close"),
    ("DELETE", "/api/record/{name}/{start_ms}"),
    ("GET", "/api/learn"),
    ("POST", "/api/learn"),
    ("DELETE", "/api/learn"),
    ("POST", "/api/learn/choice"),
    ("POST", "/push"),
)
OTHERWISE = (
    ("GET", "/api/timeline"),
    ("GET", "/api/record"),
    ("POST", "/api/record/begin"),
    ("POST", "/api/learn"),
    ("POST", "/api/learn/choice"),
    ("POST", "/push"),
)
CASES = [(GenerationMode.POSITIVE, *each) for each in AS_DESCRIBED]
CASES += [(GenerationMode.NEGATIVE, *each) for each in OTHERWISE]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(limits=Limits(uploads=8)) as found:
        yield found


def test_every_operation_is_tested(served: Served) -> None:
    paths = served.ask("/openapi.json").json["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == set(AS_DESCRIBED)


@pytest.mark.parametrize(("mode", "method", "path"), CASES)
def test_the_description_holds(served: Served, method: str, path: str, mode: GenerationMode) -> None:
    operation = schemathesis.openapi.from_url(served.url("/openapi.json"))[path][method]
    # What is in a file cannot be described; nobody has a watch or a recording whose name was made up; and this server
    # has nothing to learn from.
    every = schemathesis.checks.CHECKS.get_all()
    checks = cast(
        list[CheckFunction],  # as the registry gives them
        [
            check
            for check in every
            if not path.startswith(("/api/recordings", "/api/timeline", "/api/learn"))
            or "positive" not in check.__name__
        ],
    )

    @settings(max_examples=15, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=checks, timeout=30)

    holds()
