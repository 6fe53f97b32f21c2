"""The firebase sink against a storage and a login on loopback."""

from __future__ import annotations

import json
import socket
import sys
import time
import traceback
from datetime import datetime, timedelta

import numpy as np
import pytest
from bucket import BUCKET
from parts import PATIENCE, wait_for
from readings import Patient, check_not_delayed, feed, reading, seen, views

from expression.errors import BadInputError, MissingFileError, MissingPackageError, RunError
from expression.live import sink_loop
from expression.live.data import Data
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.sinks import firebase, make_sink
from expression.sinks.firebase import TIMEOUT, Firebase
from expression.sinks.memory import Memory
from expression.types import Box, Frame, Reading, Seen


def quick(**options) -> Firebase:
    return Firebase(BUCKET, **{"settle": 0.0, "pause": 0.0, **options})


def test_a_face_arrives_with_label_scores_time_and_person(store, capsys):
    feed(quick(), *views("Happy"))
    (item,) = store.pictures()
    told = item["metadata"]
    assert item["contentType"] == "image/jpeg"
    assert item["name"].startswith("faces/Happy/")
    assert (told["label"], told["score"], told["person"]) == ("Happy", "0.7500", "1")
    assert json.loads(told["scores"]) == {"Happy": 0.75, "Sad": 0.25}
    assert datetime.fromisoformat(told["time"]).tzinfo is not None
    picture = store.picture(item["name"])
    assert picture.shape == (52, 52, 3)
    assert np.abs(picture.mean((0, 1)) - (200, 10, 30)).max() < 4, "in these colours, red first"


def test_the_time_is_that_of_the_frame(store):
    now = time.monotonic() - 60
    image = np.zeros((90, 120, 3), np.uint8)
    one = Reading(1, Box(10, 20, 30, 40), "Sad", 0.9, {"Sad": 0.9}, 0, now)
    feed(quick(), Seen(Frame(image, 0, now), (one,)))
    taken = datetime.fromisoformat(store.pictures()[0]["metadata"]["time"])
    assert abs(datetime.now().astimezone() - taken - timedelta(seconds=60)) < timedelta(seconds=5)


def test_a_picture_is_sent_at_a_change_that_has_settled_and_not_for_not_sure(store):
    labels = ["Happy", "Sad", "Happy", "Happy", "Happy", "not sure", "not sure", "Happy", "Sad", "Sad", "Sad"]
    feed(Firebase(BUCKET), *views(*labels))
    assert [item["metadata"]["label"] for item in store.pictures()] == ["Happy", "Sad"]


def test_the_same_picture_is_never_there_twice_also_not_from_two_runs(store):
    for _ in range(2):
        feed(quick(), *views("Happy", "Sad"))
    assert len(store.pictures()) == len(store.names) == 2
    assert store.refused == store.names


def test_a_picture_whose_answer_was_lost_is_not_followed_by_another_like_it(store, caplog):
    store.forgets = True
    feed(quick(), *views("Happy", "Happy", "Happy", "Happy"))
    assert len(store.pictures()) == 1
    assert store.refused == store.names
    assert "Google's storage cannot be reached" in caplog.messages[0]


def test_several_people_have_pictures_of_their_own(store):
    feed(quick(), *views("Happy", people=(1, 2)))
    assert {item["metadata"]["person"] for item in store.pictures()} == {"1", "2"}


def test_while_the_run_is_paused_nothing_is_sent(store):
    data = Patient()
    data.control.paused = True
    feed(quick(), *views("Happy", "Sad"), data=data)
    assert store.pictures() == []


def test_what_goes_where_is_said_once_and_before_anything_is_sent(store, capsys):
    sink = quick()
    feed(sink, seen(0))
    feed(sink, seen(0))
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.startswith(f"Pictures of faces are sent to the bucket {BUCKET} at http://127.0.0.1")
    assert "label, scores, time and person" in out


def test_labels_of_any_kind_make_names(store):
    feed(quick(folder="a/b"), *views("über/../froh?"))
    (item,) = store.pictures()
    assert item["name"].startswith("a/b/über_froh_/")
    assert item["metadata"]["label"] == "über/../froh?"


@pytest.mark.parametrize("place", ["variable", "option"])
def test_a_key_logs_in_once(store, key, monkeypatch, place):
    path = key(store.address)
    if place == "variable":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
    feed(quick(credentials=path if place == "option" else ""), *views("Happy", "Sad"))
    assert len(store.pictures()) == 2
    assert len(store.logins) == 1


def ended_by(sink: Firebase, *frames: Seen) -> BaseException:
    """Runs the loop in its thread until it ends the run, and returns the reason."""
    loop = SinkLoop(Data(), sink)
    loop.start()
    for frame in frames:
        loop.data.readings.publish(frame)
    loop.join(PATIENCE)
    assert not loop.is_alive()
    return loop.data.error[1]


def test_a_key_that_google_does_not_know_ends_the_run(store, key, pem):
    store.trouble = 400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    error = ended_by(quick(credentials=key(store.address)))
    assert isinstance(error, BadInputError)
    assert "did not accept the key (invalid_grant: Invalid JWT Signature)." in error.happened
    whole = "".join(traceback.format_exception(error))
    assert not any(line in whole for line in pem.splitlines()[1:-1])


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (404, "The specified bucket does not exist.", "Copy it from the Firebase console: Storage"),
        (403, "a@test has no access.", "Give its service account the role Storage Object Creator"),
    ],
)
def test_a_bucket_that_takes_nothing_ends_the_run(store, code, message, remedy):
    store.trouble = code, {"error": {"message": message}}
    error = ended_by(quick(), *views("Happy"))
    assert isinstance(error, BadInputError)
    assert error.happened == f"The bucket {BUCKET} rejected the picture ({code}: {message.rstrip('.')})."
    assert error.remedy.startswith(remedy)


def test_trouble_of_the_server_and_refusals_after_it_has_worked_are_tried_again(store, caplog):
    data, sink = Patient(), quick()
    loop = SinkLoop(data, sink)
    loop.setup()
    troubles = None, (503, {}), (403, {"error": {"message": "quota"}}), None
    for trouble, view in zip(troubles, views("Happy", "Sad", "Sad", "Sad"), strict=True):
        store.trouble = trouble
        data.readings.publish(view)
        loop.step()
    data.readings.close()
    loop.teardown()
    assert data.error is None
    assert [item["metadata"]["label"] for item in store.pictures()] == ["Happy", "Sad"]
    (message,) = caplog.messages
    assert (
        f"The bucket {BUCKET} rejected the picture (503: Service Unavailable). Expected it to be accepted."
        in message
    )


@pytest.mark.parametrize("part", ["login", "storage"])
def test_without_a_network_it_is_tried_again(store, key, monkeypatch, caplog, part):
    with socket.create_server(("127.0.0.1", 0)) as server:
        nowhere = f"http://127.0.0.1:{server.getsockname()[1]}"
    if part == "storage":
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", nowhere)
    loop = feed(quick(credentials=key(nowhere) if part == "login" else ""), *views("Happy"))
    assert loop.data.error is None
    (message,) = caplog.messages
    assert "The sink firebase failed. Google's storage cannot be reached (" in message
    assert "refused" in message


@pytest.mark.slow
@pytest.mark.parametrize("part", ["login", "storage"])
def test_a_server_that_never_answers_delays_neither_readings_nor_the_stop(
    store, key, monkeypatch, caplog, part
):
    monkeypatch.setattr(sink_loop, "FIRST_PAUSE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        hanging = f"http://127.0.0.1:{server.getsockname()[1]}"
        if part == "storage":
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", hanging)
        sink = quick(credentials=key(hanging) if part == "login" else "")
        memory = Memory()
        with Session("demo", display="none", sinks=[memory, sink]) as run:
            wait_for(lambda: caplog.messages and len(memory.readings) > 20)  # the wait for it was in vain
    check_not_delayed(run, memory, TIMEOUT)
    assert "Expected an answer within 3 s." in caplog.messages[0]


@pytest.mark.slow
def test_a_login_and_a_picture_have_one_deadline(store, key, monkeypatch):
    sink = quick(credentials=key(store.address))
    sink.open()
    sink._login.expiry = datetime(2020, 1, 1)  # so that it has to log in again
    sink.frame, (face,) = (view := views("Happy")[0]).frame, view.items
    monkeypatch.setattr(firebase, "TIMEOUT", 0.8)
    store.slow = 0.5
    began = time.monotonic()
    with pytest.raises(
        RunError, match=r"cannot be reached \(.*timed out.*\)\. Expected an answer within 0\.8"
    ):
        sink.send(face)
    assert time.monotonic() - began > 0.75
    store.slow = 0.0
    sink.send(face)
    sink.close()
    assert len(store.pictures()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("part", ["login", "storage"])
def test_a_host_with_three_dead_addresses_takes_no_longer_than_one(store, key, dead, monkeypatch, part):
    monkeypatch.setattr(firebase, "TIMEOUT", 1.0)
    nowhere = f"http://localhost:{dead}"
    if part == "storage":
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", nowhere)
    sink = quick(credentials=key(nowhere) if part == "login" else "")
    sink.frame, (face,) = (view := views("Happy")[0]).frame, view.items
    began = time.monotonic()
    with pytest.raises(RunError, match="cannot be reached"):
        sink.open()
        sink.send(face)
    assert 0.9 < time.monotonic() - began < 3
    if part == "storage":
        sink.close()


def test_without_firebase_admin_it_names_the_extra(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "firebase_admin", None)
    error = ended_by(quick())
    assert isinstance(error, MissingPackageError)
    assert '".[firebase]"' in error.remedy


def test_a_key_that_is_not_there_or_damaged_is_told(store, tmp_path):
    with pytest.raises(MissingFileError, match=r"none\.json cannot be read"):
        quick(credentials=str(tmp_path / "none.json")).open()
    (tmp_path / "bad.json").write_text('{"type": "service_account", "private_key": "SECRET"}')
    with pytest.raises(BadInputError, match="is not the key of a service account") as caught:
        quick(credentials=str(tmp_path / "bad.json")).open()
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


def test_without_credentials_it_says_where_to_get_them(monkeypatch):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    with pytest.raises(
        BadInputError, match=r"Expected GOOGLE_APPLICATION_CREDENTIALS or .* to name the file with .* key\."
    ):
        make_sink("firebase:a-bucket")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("firebase", "The sink firebase was given no bucket. Expected firebase:BUCKET"),
        (
            "firebase:gs://a",
            "The option bucket of the sink firebase is not the name of a bucket. Expected only its name",
        ),
        ("firebase:-----BEGIN PRIVATE KEY-----MIIE", "is not the name of a bucket."),
        ("firebase:bucket=abc,folder=../x", "folder of the sink firebase is '../x'."),
        ("firebase:bucket=abc,settle=-1", "settle of the sink firebase is -1.0."),
    ],
)
def test_options_out_of_range_are_told(store, text, words):
    with pytest.raises(BadInputError) as caught:
        make_sink(text)
    assert words in str(caught.value)
    assert "MIIE" not in str(caught.value)


def test_not_sure_is_not_wanted(store):
    sink = quick()
    sink.control = Data().control
    assert [sink.wants(reading(label=label)) for label in ("Happy", "not sure")] == [True, False]


@pytest.mark.parametrize("form", ['{{"private_key": "{}"}}', "-----BEGIN PRIVATE KEY-----\n{}"])
def test_a_key_in_place_of_its_file_is_told_and_not_shown(form, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", form.format("secret" * 99))
    with pytest.raises(
        BadInputError, match=r"contains the key itself\. Expected the name of the file"
    ) as caught:
        Firebase(BUCKET)
    assert "secretsecret" not in "".join(traceback.format_exception(caught.value))


def test_where_the_bucket_cannot_be_made_the_next_try_works(store, monkeypatch):
    from firebase_admin import storage

    sink = quick()
    with monkeypatch.context() as patch:
        patch.setattr(storage, "bucket", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sink.open()
    sink.open()
    closed, client = [], sink._bucket.client
    monkeypatch.setattr(client, "close", lambda: closed.append(client))
    sink.close()
    assert closed == [client]
