"""Every reader of small files, with contents that no program should fall over."""

from __future__ import annotations

import json
import random
import zipfile

import pytest
from damage import damaged_text

from expression.errors import ExpressionError
from expression.labelbook.rows import read_table
from expression.labels import FER2013, Labels
from expression.lights.credentials import Paired, remember
from expression.lights.credentials import path as keys_path
from expression.lights.credentials import read as read_keys
from expression.lights.settings import LightSettings
from expression.lights.snapshot import read_before
from expression.models.metadata import Card, read_card, write_card
from expression.settings import Settings
from expression.sinks import make_sink, names, sink_class
from expression.sinks._options import _options
from expression.sinks._secrets import secret
from expression.sinks.csvfile import Csvfile
from expression.sources import open_source
from expression.teaching.haar_stages import read_stages
from expression.training.charts import learning_curves, read_history

DEEP, LONG = 100_000, b"x" * 999
CONTENTS = {
    "empty": b"",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "blanks": b" \t\r\n" * 100,
    "nulls": b"\0" * 5000,
    "UTF-16": "0,Happy\n1,Sad\npeople = 2\n".encode("utf-16"),
    "UTF-16 without a mark": "0,Happy\n1,Sad\n".encode("utf-16-le"),
    "UTF-16 cut off": "ab".encode("utf-16")[:-1],
    "another encoding": "0,Glück\n1,Sad".encode("cp1252"),
    "surrogates": b"0,\xed\xa0\x80\n1,Sad\n",
    "escaped surrogates": b'["\\ud800", {"\\udfff": "\\ud800"}]',
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 10,
    "deep lists": b"[" * DEEP,
    "deep lists that are closed": b"[" * DEEP + b"]" * DEEP,
    "deep tables": b'{"a":' * DEEP,
    "deep tables that are closed": b'{"a":' * 900 + b"1" + b"}" * 900,
    "digits": b"1" * 100_000,
    "a table of digits": b'{"a": {"b": ' + b"9" * 100_000 + b"}}",
    "a row of digits": b"1" * 100_000 + b",Happy\n2,Sad\n",
    "infinity": b'{"a": Infinity, "b": {"c": -Infinity, "d": NaN}}',
    "a list of infinities": b"[Infinity, NaN]",
    "large exponents": b'{"a": {"1": {"state": 1e999, "name": 1e999}}}',
    "null": b"null",
    "true": b"true",
    "a number": b"5",
    "a word": b'"word"',
    "a list": b"[1, 2, 3]",
    "a list of lists": b"[[], [[]], {}]",
    "a table of nothing": b'{"a": null, "b": [], "c": {"d": null}}',
    "quotation marks": b'"' * 9999,
    "one long line": b"x" * 900_000,
    "one long cell": b'0,"' + b"y" * 500_000 + b'"\n1,Sad\n',
    "many lines": b"0,Happy\n" * 100_000,
    "many columns": b"a," * 200_000,
    "huge": b"[" + b"1," * 5_000_000 + b"1]",
    "escape codes": b"0,\x1b[2J\n1,\x1b]0;title\x07\n",
    "carriage returns": b"0,Hap\rpy\r1,Sad\r",
    "a formula": b"0,=1+1\n1,@SUM(A1)\n",
    "an entity bomb": b'<!DOCTYPE a [<!ENTITY b "%s"><!ENTITY c "%s">]><a>&c;</a>' % (LONG, b"&b;" * 999),
    "an entity of a file": b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>',
    "deep elements": b"<a>" * 50_000,
}  # fmt: skip


def put(path, content: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def read_toml(folder, content):
    put(folder / "expression.toml", content)
    return Settings.load(folder, {}), LightSettings.load(folder, {})


def read_keys_file(folder, content):
    put(keys_path(), content)
    return read_keys()


def read_a_card(folder, content):
    path = put(folder / "a.tflite", b"\0\0\0\0TFL3" + bytes(100))
    write_card(path, Card(FER2013))
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == ["expression.json"]
    path.write_bytes(b"\0\0\0\0TFL3" + bytes(100))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("expression.json", content)
    return read_card(path)


def add_to_csv(folder, content):
    sink = Csvfile(str(put(folder / "a.csv", content)))
    sink.open()
    sink.close()


def draw(folder, content):
    return learning_curves(read_history(put(folder / "history.csv", content)))


READERS = {
    "expression.toml": (read_toml, b'people = 2\nsinks = ["lamp"]\n[lights]\nblend = true\nlights = ["a"]\n'),
    "a file of secrets": (
        lambda folder, content: secret("EXPRESSION_MQTT_USER", str(put(folder / "s", content))),
        b'# the broker\nEXPRESSION_MQTT_USER=ada\nEXPRESSION_MQTT_PASSWORD="x"\n',
    ),
    "bridges.json": (
        read_keys_file,
        json.dumps([{"url": "http://10.0.0.9", "key": "abc", "certificate": "", "id": ""}]).encode(),
    ),
    "lights.json": (
        lambda folder, content: read_before(put(folder / "lights.json", content)),
        json.dumps({"001788FFFE123456": {"1": {"name": "Sofa", "time": "", "state": {"bri": 5}}}}).encode(),
    ),
    "labelList.csv": (
        lambda folder, content: Labels.read(put(folder / "labelList.csv", content)),
        b"index,label\n0,Happy\n1,Sad\n2,\"So, so\"\n",
    ),
    "faceLabels.csv": (
        lambda folder, content: read_table(put(folder / "faceLabels.csv", content), FER2013),
        b"image,label,session\nface1.png,Happy,monday\nface2.png,3,\n",
    ),
    "a card": (read_a_card, Card(FER2013, 48, facts={"accuracy": 0.7}).to_json().encode()),
    "history.csv": (draw, b"epoch,loss,training,validation\n1,2.5,0.3,0.4\n2,1.5,0.5,0.6\n"),
    "a csv file of readings": (add_to_csv, b"frame,time,person,x,y,width,height,label,score,Happy,Sad\n"),
    "a cascade": (
        lambda folder, content: read_stages(put(folder / "c.xml", content)),
        b"<a><cascade><width>24</width><height>24</height><features/><stages/></cascade></a>",
    ),
}  # fmt: skip


def read_or_refuse(read, folder, content) -> bool:
    """Reads, and says whether it worked; anything but an error of ours passes on."""
    try:
        read(folder, content)
    except ExpressionError as error:
        check(error)
        return False
    return True


def check(error: ExpressionError) -> None:
    for sentence in (error.happened, error.expected, error.remedy):
        assert sentence.strip()
        assert sentence.isprintable()
        assert len(sentence) < 2500


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("reader", READERS)
def test_a_hostile_file_is_read_or_is_one_error(tmp_path, reader, content, recwarn):
    read_or_refuse(READERS[reader][0], tmp_path, content)
    assert not [str(warning.message) for warning in recwarn if warning.category is not UserWarning]


@pytest.mark.parametrize("reader", READERS)
def test_what_is_whole_is_read(tmp_path, reader):
    read, whole = READERS[reader]
    assert read_or_refuse(read, tmp_path, whole)


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_in_place_of_a_file_is_one_error_or_as_if_there_were_none(tmp_path, reader, monkeypatch):
    remember(Paired("http://10.0.0.9", "abc"))

    def folder_instead(path, content):
        path.unlink(missing_ok=True)
        path.mkdir(parents=True)
        return path

    monkeypatch.setitem(globals(), "put", folder_instead)
    if reader != "a card":
        read_or_refuse(READERS[reader][0], tmp_path, b"")


EXTREMES = [
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e308",
    "1e-400",
    "9" * 400,
    "9" * 5000,
    "",
    "\0",
    "\ud800",
    "1_0",
]
WITH = {
    "mqtt": "host=127.0.0.1",
    "csvfile": "path=a.csv",
    "firebase": "bucket=my-bucket",
    "blynk": "switch=v0",
    "images": "folder=G",
}


@pytest.mark.parametrize("name", names())
def test_an_option_of_a_sink_with_an_extreme_value_is_taken_or_is_one_error(name, monkeypatch):
    monkeypatch.setenv("EXPRESSION_BLYNK_TOKEN", "abc")
    for option in _options(sink_class(name)):
        for value in EXTREMES:
            others = "" if WITH.get(name, "").startswith(f"{option}=") else WITH.get(name, "")
            words = ",".join(filter(None, (others, f"{option}={value}")))
            read_or_refuse(lambda _, text: make_sink(text), None, f"{name}:{words}")


@pytest.mark.parametrize("number", ["9" * 10, "9" * 5000, "-" + "9" * 5000, "٣", "1_0"])
def test_a_number_of_a_camera_that_is_none_is_one_error(number):
    assert not read_or_refuse(lambda *_: open_source(number).open(), None, b"")


def read_damaged(tmp_path, reader, numbers) -> None:
    read, whole = READERS[reader]
    for number in numbers:
        read_or_refuse(read, tmp_path, damaged_text(whole, random.Random(number)))


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_file_is_read_or_is_one_error(tmp_path, reader):
    read_damaged(tmp_path, reader, range(10 if reader == "history.csv" else 60))


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_many_damaged_files_are_read_or_are_one_error(tmp_path, reader):
    read_damaged(tmp_path, reader, range(60, 100 if reader == "history.csv" else 400))
