"""The REST interface: what it gives, what it refuses and how, and that no request brings it down."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from parts import PATIENCE, wait_for

pytest.importorskip("fastapi", reason="needs the extra server")
pytest.importorskip("sqlalchemy", reason="needs the extra database")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from expression.records.address import Address
from expression.records.database import Database
from expression.records.record import Record
from expression.server.problems import use_problem_details
from expression.server.rest import router

NOON = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
RUN = "0123456789abcdef" * 2
PROBLEM = "application/problem+json"


def record(minutes: float, kind: str = "present", label: str = "Happy", **more) -> Record:
    """A row some minutes after noon."""
    values = {"device": "hall", "run": RUN, "person": 1, "previous": None, "seconds": 5.0, "picture": None}
    scores = {"Angry": 0.0, "Happy": 0.75, "Sad": 0.25}
    values |= {"score": 0.75, "scores": scores, "box": (1, 2, 3, 4), **more}
    return Record(time=NOON + timedelta(minutes=minutes), kind=kind, label=label, **values)


ROWS = [
    record(0, "change", seconds=1.0),
    record(1, picture=b"\xff\xd8 a picture"),
    record(2, "change", "Sad", previous="Happy", seconds=2.5),
    record(3, "left", "Sad", seconds=4.0),
    record(60 * 12, "change", device="kitchen", person=2, seconds=1.0),  # midnight in UTC
    record(60 * 12 + 1, device="kitchen", person=2),
]


def application(database: Database) -> FastAPI:
    app = FastAPI()
    use_problem_details(app, database=True)
    app.include_router(router(database))
    return app


@pytest.fixture
def database(tmp_path):
    """A database with the rows."""
    one = Database(Address(str(tmp_path / "a.sqlite")))
    one.add(ROWS)
    yield one
    one.close()


@pytest.fixture
def client(database):
    with TestClient(application(database), raise_server_exceptions=False) as one:
        yield one


def get(client, path: str, **query):
    found = client.get(f"/api/v1{path}", params=query)
    assert found.status_code == 200, found.text
    assert found.headers["cache-control"] == "no-store"
    return found.json()


def test_a_reading_has_everything_that_was_stored(client):
    (one,) = get(client, "/readings", order="oldest", limit=1)["items"]
    assert one == {
        "id": ROWS[0].id,
        "time": "2026-11-30T12:00:00Z",
        "device": "hall",
        "run": RUN,
        "kind": "change",
        "person": 1,
        "label": "Happy",
        "previous": None,
        "score": 0.75,
        "scores": {"Angry": 0.0, "Happy": 0.75, "Sad": 0.25},
        "seconds": 1.0,
        "box": {"x": 1, "y": 2, "width": 3, "height": 4},
        "file": "",
        "picture": False,
    }


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        pytest.param({}, [5, 4, 3, 2, 1, 0], id="the newest first"),
        pytest.param({"order": "oldest"}, [0, 1, 2, 3, 4, 5], id="the oldest first"),
        pytest.param({"since": "2026-11-30T12:02:00Z", "until": "2026-12-01T00:00:00Z"}, [3, 2], id="a time"),
        pytest.param({"since": "2026-12-01T01:00:00+01:00"}, [5, 4], id="a time in another zone"),
        pytest.param({"device": "kitchen"}, [5, 4], id="a device"),
        pytest.param({"person": 2, "kind": "change"}, [4], id="a person's changes"),
        pytest.param({"label": "Sad"}, [3, 2], id="a label"),
        pytest.param({"label": "sAD"}, [3, 2], id="a label in other letters"),
        pytest.param({"label": "angry"}, [], id="a label that nobody held, but that has scores"),
        pytest.param({"run": "f" * 32}, [], id="another run"),
    ],
)
def test_readings_are_chosen(client, query, rows):
    assert [one["id"] for one in get(client, "/readings", **query)["items"]] == [ROWS[n].id for n in rows]


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_give_every_reading_once_also_those_of_the_same_moment(client, database, order):
    database.add([record(1) for _ in range(7)])
    whole = [one["id"] for one in get(client, "/readings", order=order)["items"]]
    found, cursor, pages = [], {}, 0
    while cursor is not None:
        page = get(client, "/readings", order=order, limit=3, **cursor)
        found += [one["id"] for one in page["items"]]
        cursor, pages = ({"cursor": page["next"]} if page["next"] else None), pages + 1
    assert found == whole
    assert (len(found), pages) == (13, 5)


def test_seconds_belong_to_the_label_that_was_shown_during_them(client):
    items = get(client, "/totals", device="hall")["items"]
    assert {one["name"]: one["seconds"] for one in items} == {"Happy": 8.5, "Sad": 4.0}
    assert get(client, "/totals", label="Sad")["items"][0]["seconds"] == 4.0


@pytest.mark.parametrize(
    ("by", "names"), [("person", ["1", "2"]), ("device", ["hall", "kitchen"]), ("label", ["Happy", "Sad"])]
)
def test_totals_are_by_label_person_or_device(client, by, names):
    found = get(client, "/totals", by=by)
    assert [one["name"] for one in found["items"]] == names
    assert sum(one["readings"] for one in found["items"]) == len(ROWS)


def test_a_day_is_summed_up_in_the_zone_that_is_asked_for(client):
    utc = get(client, "/days", first="2026-11-30", last="2026-12-01")["items"]
    assert [(day["date"], day["people"], day["seconds"]) for day in utc] == [
        ("2026-11-30", 1, 12.5),
        ("2026-12-01", 1, 6.0),
    ]
    tokyo = get(client, "/days", first="2026-12-01", zone="Asia/Tokyo")["items"]
    assert tokyo[0]["people"] == 1
    new_york = get(client, "/days", first="2026-11-30", zone="America/New_York")["items"]
    assert (new_york[0]["people"], new_york[0]["labels"]) == (2, {"Happy": 14.5, "Sad": 4.0})


def test_devices_say_when_they_stored_something(client):
    assert get(client, "/devices")["items"][0] == {
        "name": "hall",
        "readings": 4,
        "first": "2026-11-30T12:00:00Z",
        "last": "2026-11-30T12:03:00Z",
    }


def test_a_picture_is_given_where_there_is_one(client):
    found = client.get(f"/api/v1/readings/{ROWS[1].id}/picture")
    assert (found.content, found.headers["content-type"]) == (b"\xff\xd8 a picture", "image/jpeg")
    missing = client.get(f"/api/v1/readings/{ROWS[0].id}/picture")
    assert (missing.status_code, missing.headers["content-type"]) == (404, PROBLEM)


@pytest.mark.parametrize(
    ("query", "deleted", "left"),
    [
        pytest.param({"device": "kitchen"}, 2, ["hall"], id="a device"),
        pytest.param({"until": "2026-11-30T12:02:00Z"}, 2, ["hall", "kitchen"], id="a time"),
        pytest.param({"device": "hall", "since": "2026-11-30T12:02:00Z"}, 2, ["hall", "kitchen"], id="both"),
        pytest.param({"everything": "true"}, 6, [], id="everything"),
        pytest.param({"until": "2026-11-30T12:00:00Z"}, 0, ["hall", "kitchen"], id="nothing"),
    ],
)
def test_what_is_deleted_is_gone_and_so_are_devices_without_readings(client, query, deleted, left):
    found = client.delete("/api/v1/readings", params=query)
    assert (found.status_code, found.json()) == (200, {"deleted": deleted})
    assert [one["name"] for one in get(client, "/devices")["items"]] == left
    assert len(get(client, "/readings")["items"]) == 6 - deleted


def test_of_what_is_deleted_no_byte_is_left(client, database):
    marker = "Xq7Marker9zW"
    database.add([record(n, device=marker, label=f"{marker}{n}", picture=marker.encode()) for n in range(99)])
    path = database.address.path
    files = [path, *(path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal"))]
    assert marker.encode() in b"".join(file.read_bytes() for file in files if file.exists())
    assert client.delete("/api/v1/readings", params={"device": marker}).json() == {"deleted": 99}
    assert marker.encode() not in b"".join(file.read_bytes() for file in files if file.exists())


@pytest.mark.parametrize("query", [{}, {"everything": "true", "device": "hall"}, {"everything": "false"}])
def test_nothing_is_deleted_unless_it_is_said_what(client, query):
    assert client.delete("/api/v1/readings", params=query).status_code == 422
    assert len(get(client, "/readings")["items"]) == 6


@pytest.mark.parametrize(
    ("method", "path", "status", "where"),
    [
        ("GET", "/readings?limit=0", 422, "query limit"),
        ("GET", "/readings?limit=1001", 422, "query limit"),
        ("GET", "/readings?since=yesterday", 422, "query since"),
        ("GET", "/readings?since=2026-11-30T12:00:00", 422, "query since"),
        ("GET", "/readings?since=0001-01-01T00:00:00%2B14:00", 422, "query since"),
        ("GET", "/readings?until=9999-12-31T23:59:59-14:00", 422, "query until"),
        ("GET", "/readings?label=%00", 422, "query label"),
        ("GET", "/readings?person=99999999999999999999", 422, "query person"),
        ("GET", "/readings?order=random", 422, "query order"),
        ("GET", "/readings?since=5", 422, "query since"),
        ("GET", "/days?first=86400", 422, "query first"),
        ("DELETE", "/readings?everything=1", 422, "query everything"),
        ("DELETE", "/readings?device=hall&untill=2026-11-30T12:00:00Z", 422, None),
        ("DELETE", "/readings?device=hall&device=kitchen", 422, None),
        ("GET", "/readings?cursor=nonsense", 422, None),
        ("GET", "/readings?cursor=%F0%9F%98%80", 422, None),
        ("GET", "/readings?run=../../etc/passwd", 422, "query run"),
        ("GET", "/days", 422, "query first"),
        ("GET", "/days?first=2026-01-01&last=2027-01-01", 422, None),
        ("GET", "/days?first=2026-01-02&last=2026-01-01", 422, None),
        ("GET", "/days?first=2026-01-01&zone=../../../etc/passwd", 422, "query zone"),
        ("GET", "/days?first=2026-01-01&zone=/etc/passwd", 422, None),
        ("GET", "/days?first=2026-01-01&zone=Europe", 422, None),
        ("GET", "/readings/..%2f..%2fetc%2fpasswd/picture", 404, None),
        ("GET", "/readings/a'--/picture", 422, "path id"),
        ("GET", "/nowhere", 404, None),
        ("POST", "/readings", 405, None),
        ("PATCH", "/devices", 405, None),
    ],
)
def test_what_cannot_be_used_is_told_as_a_problem(client, method, path, status, where):
    found = client.request(method, f"/api/v1{path}")
    assert (found.status_code, found.headers["content-type"]) == (status, PROBLEM), found.text
    told = found.json()
    assert (told["status"], told["type"]) == (status, "about:blank")
    assert told["title"]
    parts = told["happened"], told["expected"], told["remedy"]
    assert told["detail"] == " ".join(parts)
    assert parts[0].endswith(".")
    assert parts[1].startswith("Expected ")
    assert parts[2].endswith((".", "?"))
    assert (where in {one["where"] for one in told.get("errors", [])}) if where else "errors" not in told


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        (
            "GET",
            "/readings?label=Hapy",
            "No stored reading has the label 'Hapy'. Expected one of Angry, Happy, Sad. Did you mean Happy?",
        ),
        ("GET", "/totals?label=Joy", "label 'Joy'. Expected one of Angry, Happy, Sad. Choose one of these."),
        (
            "GET",
            "/readings?device=Hall",
            "has the device 'Hall'. Expected one of hall, kitchen. Did you mean hall?",
        ),
        ("GET", "/totals?device=cellar", "has the device 'cellar'. Expected one of hall, kitchen. Choose"),
        ("GET", "/days?first=2026-11-30&device=kichen", "device 'kichen'. Expected one of hall, kitchen."),
        ("DELETE", "/readings?device=kichen", "Did you mean kitchen?"),
        ("GET", "/readings?lable=Happy", "value 'lable'. Expected cursor, device, kind, label, "),
        ("GET", "/readings?label=Sad&label=Sad", "The query has label twice. Expected each value once."),
        ("GET", "/days?first=2026-01-02&last=2026-01-01", "2026-01-02 to 2026-01-01 are 0 days. Expected 1"),
        ("GET", "/readings?limit=0", "cannot be used (query limit: Input should be greater than"),
    ],
)
def test_what_is_misspelt_is_told_with_what_there_is(client, method, path, said):
    found = client.request(method, f"/api/v1{path}")
    assert found.status_code == 422
    assert said in found.json()["detail"]
    assert len(get(client, "/readings")["items"]) == 6


def test_before_anything_is_stored_every_name_finds_nothing(tmp_path):
    empty = Database(Address(str(tmp_path / "empty.sqlite")))
    with TestClient(application(empty)) as client:
        assert get(client, "/readings", label="Happy", device="hall")["items"] == []
        assert get(client, "/totals", label="Happy", device="hall")["items"] == []
    empty.close()


@pytest.mark.parametrize(
    "text",
    [
        "' OR '1'='1",
        "'; DROP TABLE readings; --",
        '" UNION SELECT name FROM devices --',
        "%' OR 1=1 --",
        "\\'; DELETE FROM readings",
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ],
)
@pytest.mark.parametrize("name", ["device", "label"])
def test_sql_in_a_value_is_only_a_value(client, name, text):
    for path in ("/readings", "/totals"):
        assert client.get(f"/api/v1{path}", params={name: text}).status_code == 422
    assert client.delete("/api/v1/readings", params={"device": text}).status_code == 422
    assert len(get(client, "/readings")["items"]) == 6


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Original-URL": "/api/v1/readings?everything=true", "X-Rewrite-URL": "/api/v1/nowhere"},
        {"Content-Length": "-1"},
        {"Accept": "text/html;" * 2000},
        {"Content-Type": "application/json\x7f", "Range": "bytes=9-1"},
        {"Transfer-Encoding": "chunked, identity"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_headers_change_nothing(client, headers):
    assert len(client.get("/api/v1/readings", headers=headers).json()["items"]) == 6


def test_a_database_that_cannot_be_reached_is_a_problem_without_its_address(caplog):
    database = Database(Address("mysql://me:Tr0ub4dor@127.0.0.1:9/home"))
    with TestClient(application(database), raise_server_exceptions=False) as client:
        for path in ("readings", "totals", "devices", "health", "days?first=2026-01-01"):
            found = client.get(f"/api/v1/{path}")
            assert (found.status_code, found.headers["content-type"]) == (503, PROBLEM)
            assert found.headers["retry-after"] == "10"
            assert "127.0.0.1" not in found.text
    database.close()
    assert "Tr0ub4dor" not in caplog.text


def test_health_says_which_database_answers(client):
    assert get(client, "/health") | {"version": ""} == {"status": "ok", "version": "", "database": "sqlite"}


def test_the_description_says_what_everything_is(client):
    description = client.get("/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, words in methods.items():
            assert words["summary"], path
            assert words["description"], path
            for parameter in words.get("parameters", []):
                assert parameter.get("description", "").endswith("."), (path, parameter["name"])
            assert PROBLEM in words["responses"]["422"]["content"], (path, method)


@contextlib.contextmanager
def served(app: FastAPI):
    """The application on a real server; gives its port."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "statuses"),
    [
        pytest.param(b"GET /api/v1/../../etc/passwd HTTP/1.1", {404}, id="a path that climbs"),
        pytest.param(b"GET /api/v1/%2e%2e/%2e%2e/etc/passwd HTTP/1.1", {404}, id="the same, encoded"),
        pytest.param(b"GET //evil.example/api/v1/readings HTTP/1.1", {404}, id="two slashes"),
        pytest.param(b"GET /api/v1/readings/%00/picture HTTP/1.1", {422}, id="a null character"),
        pytest.param(b"GET /api/v1/readings?label=%ff%fe HTTP/1.1", {422}, id="no UTF-8"),
        pytest.param(
            b"GET /api/v1/readings?label=" + b"a" * 60_000 + b" HTTP/1.1", {400, 414, 422}, id="long"
        ),
        pytest.param(b"GET /api/v1/readings?" + b"limit=1&" * 5000 + b" HTTP/1.1", {400, 422}, id="many"),
        pytest.param(
            b"GET /api/v1/readings HTTP/1.1\r\nX: " + b"a" * 70_000, {200, 400, 431}, id="a long header"
        ),
        pytest.param(b"GET /api/v1/readings HTTP/1.1\r\nX: a\r\n b", {200, 400}, id="a folded header"),
        pytest.param(
            b"GET /api/v1/readings HTTP/1.1\r\nX-Forwarded-For: ' OR 1=1 --\r\nReferer: \xff", {200}, id="odd"
        ),
        pytest.param(b"DELETE /api/v1/readings HTTP/1.1\r\nContent-Length: -5", {400}, id="negative length"),
        pytest.param(
            b"POST /api/v1/readings HTTP/1.1\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0",
            {405},
            id="another method in a header",
        ),
        pytest.param(b"BREW /api/v1/readings HTTP/1.1", {400, 405}, id="a method that is none"),
        pytest.param(b"nonsense", {400}, id="nonsense"),
    ],
)
def test_tricks_with_paths_and_headers_lead_nowhere(database, lines, statuses):
    with served(application(database)) as port, socket.create_connection(("127.0.0.1", port)) as one:
        one.settimeout(PATIENCE)
        one.sendall(lines + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            answer = one.makefile("rb").read()
            assert int(answer.split()[1]) in statuses, answer[:500]
            assert b"root:" not in answer
    with TestClient(application(database)) as client:
        assert len(get(client, "/readings")["items"]) == 6, "nothing was deleted"


@pytest.mark.slow
def test_requests_made_up_from_the_description_never_bring_it_down(database):
    schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    statuses: Counter[int] = Counter()
    options = settings(
        max_examples=60,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    with served(application(database)) as port:
        schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
        for operation in schema.get_all_operations():
            for mode in schemathesis.GenerationMode:

                @given(case=operation.ok().as_strategy(generation_mode=mode))
                @options
                def fuzz(case):
                    found = case.call()
                    statuses[found.status_code] += 1
                    assert found.status_code < 500, (case.method, case.path, case.query)
                    # A cursor, a time zone or two dates may fit the description and still be none.
                    case.validate_response(found, excluded_checks=[positive_data_acceptance])

                with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where there is no parameter
                    fuzz()
    print(statuses)
    assert statuses[200] > 50
    assert statuses[422] > 100


def test_the_description_has_a_page_that_loads_nothing_from_elsewhere(database):
    pytest.importorskip("fastapi_offline", reason="needs fastapi-offline")
    from expression.server.app import make_app

    with TestClient(make_app(database=database), base_url="http://127.0.0.1") as client:
        page = client.get("/docs")
        assert page.status_code == 200
        assert "http://" not in page.text
        assert "https://" not in page.text
        for link in re.findall(r'(?:href|src)="([^"]+)"', page.text):
            found = client.get(link)
            assert (found.status_code, bool(found.content)) == (200, True), link
        assert client.get("/openapi.json").json()["paths"]
