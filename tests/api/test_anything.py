"""Whatever is sent, to whatever route: an answer of ours, and never a failure of the server."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings
from tests.api.conftest import Served

from modelport.api.routes import NOUNS

OPERATIONS = [
    operation
    for noun in NOUNS
    for operation in noun.operations
    if not operation.name.startswith(("poll_", "watch_"))
    and operation.name not in {"read_logs", "revoke_key"}
]
PART = st.sampled_from(["churn", "1", "v2", "latest", "a:b"]) | st.text(min_size=1, max_size=8)
NAMES = ["name", "text", "version", "tags", "actual", "value", "role", "scopes", "policy", "description", "x"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.binary(max_size=20) | st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4).map(
    lambda value: json.dumps(value).encode()
)
QUERIES = st.dictionaries(
    st.sampled_from(["limit", "cursor", "q", "tag", "since", "from", "to", "offset", "x"]),
    st.text(max_size=6),
    max_size=2,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nothing_that_is_sent_makes_the_server_fail(served: Served, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(OPERATIONS))
    path = re.sub(r"{\w+}", lambda _: quote(data.draw(PART), safe=""), operation.path)
    kind = data.draw(st.sampled_from(["application/json", "application/octet-stream"]))
    with served.http(**{"content-type": kind}) as http:
        body = None if operation.method == "GET" else data.draw(BODIES)
        answer = http.request(operation.method, path, params=data.draw(QUERIES), content=body)
    assert answer.status_code < 500, (operation.name, answer.text)
    assert answer.headers["x-request-id"]
    if answer.status_code >= 400:
        assert answer.json()["code"]
