"""The images sink: guesses stay apart from labels, and their number is limited."""

from __future__ import annotations

import csv
import os
import re
import stat
from datetime import datetime

import numpy as np
import pytest
from parts import PATIENCE, disk, expression_process, wait_for
from readings import Patient, feed, seen, views

from expression.errors import BadInputError, OutputError
from expression.files import write_text
from expression.live.session import Session
from expression.live.sink_loop import SinkLoop
from expression.pictures.image import read_picture
from expression.sinks import images, make_sink
from expression.sinks.images import Images


def table(folder) -> list[dict]:
    with (folder / "guesses.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pictures(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def quick(folder, **options) -> Images:
    return Images(str(folder), **{"settle": 0.0, **options})


def test_a_face_is_kept_at_a_change_that_has_settled_with_a_row(tmp_path, capsys):
    folder = tmp_path / "Guesses"
    labels = ["Happy", "Sad", "Happy", "Happy", "Happy", "not sure", "not sure", "Happy", "Sad", "Sad"]
    feed(Images(str(folder)), *views(*labels))
    rows = table(folder)
    assert [row["label"] for row in rows] == ["Happy", "Sad"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d/\d{6}-person1-Happy-75\.png", rows[0]["file"])
    assert (rows[0]["person"], rows[0]["score"]) == ("1", "0.7500")
    assert datetime.fromisoformat(rows[0]["time"]).tzinfo is not None
    assert pictures(folder) == sorted(row["file"] for row in rows)
    picture = read_picture(folder / rows[0]["file"])
    assert picture.shape == (52, 52, 3)
    assert np.abs(picture.mean((0, 1)) - (200, 14, 30)).max() < 4, "in these colours, red first"
    assert capsys.readouterr().out.splitlines() == [
        f"Pictures of faces are saved in {folder}, 1000 at most.",
        f"{folder}: 2 pictures added, 2 in total.",
    ]


def test_the_oldest_give_way_also_those_of_earlier_runs(tmp_path):
    feed(quick(tmp_path / "g", limit=5), *views(*["Happy", "Sad"] * 4))
    assert len(pictures(tmp_path / "g")) == len(table(tmp_path / "g")) == 5
    old = tmp_path / "g" / "2020-01-31" / "235959-person1-Happy-73.png"
    old.parent.mkdir()
    old.write_bytes(b"old")
    before = table(tmp_path / "g")
    feed(quick(tmp_path / "g", limit=5), *views("Sad"))
    after = table(tmp_path / "g")
    assert not old.parent.exists()
    assert [row["file"] for row in after[:-1]] == [row["file"] for row in before[1:]]
    assert pictures(tmp_path / "g") == sorted(row["file"] for row in after)
    feed(quick(tmp_path / "g", limit=2), seen(0))
    assert len(pictures(tmp_path / "g")) == len(table(tmp_path / "g")) == 2


def test_two_runs_do_not_share_a_folder_and_the_next_one_may_have_it(tmp_path):
    first, second = quick(tmp_path / "g"), quick(tmp_path / "g")
    first.open()
    with pytest.raises(BadInputError) as caught:
        second.open()
    assert str(caught.value) == (
        f"Another run is saving pictures in {tmp_path / 'g'}. Expected one run at a time. "
        "Stop the other one, or choose another folder, such as images:Guesses2."
    )
    first.close()
    second.open()
    second.close()


@pytest.mark.slow
def test_another_process_does_not_get_the_folder_either(tmp_path):
    sink = quick(tmp_path / "g")
    sink.open()
    other = expression_process(
        *("live", "--source", "demo", "--display", "none", "--sink", f"images:{tmp_path / 'g'}")
    )
    _, errors = other.communicate(timeout=PATIENCE)
    sink.close()
    assert other.returncode == 2
    assert "Another run is saving pictures in" in errors
    assert errors.count("\n") == 1


def test_a_folder_that_could_not_be_taken_is_free_again(tmp_path):
    (tmp_path / "guesses.csv").write_text("team,goals\n")
    one = quick(tmp_path)
    with pytest.raises(OutputError):
        one.open()
    (tmp_path / "guesses.csv").unlink()
    feed(quick(tmp_path), *views("Happy"))
    assert len(table(tmp_path)) == 1


def test_the_table_is_written_anew_only_when_pictures_give_way(tmp_path, monkeypatch):
    texts = []

    def noted(path, text, mode):
        texts.append(text)
        write_text(path, text, mode)

    monkeypatch.setattr(images, "write_text", noted)
    folder = tmp_path / "g"
    feed(quick(folder, limit=200), *views(*["Happy", "Sad"] * 101))
    assert [text.count("\n") for text in texts] == [1, 199], "at the start, and once for 202 pictures"
    assert len(table(folder)) == 200
    assert pictures(folder) == sorted(row["file"] for row in table(folder))


def test_a_table_that_somebody_changed_meanwhile_gets_whole_rows(tmp_path):
    data, sink = Patient(), quick(tmp_path)
    loop = SinkLoop(data, sink)
    loop.setup()
    for number, view in enumerate(views("Happy", "Sad", "Happy")):
        data.readings.publish(view)
        loop.step()
        text = (tmp_path / "guesses.csv").read_text()
        if number == 0:
            (tmp_path / "guesses.csv").write_text(text.rstrip("\n"))
        elif number == 1:
            assert [row["label"] for row in table(tmp_path)] == ["Happy", "Sad"]
            (tmp_path / "guesses.csv").unlink()
    data.readings.close()
    loop.teardown()
    assert [row["label"] for row in table(tmp_path)] == ["Happy"]


def test_what_it_did_not_write_is_left_alone(tmp_path):
    folder = tmp_path / "g"
    mine = [
        folder / "me.png",
        folder / "2020-01-31" / "holiday.png",
        folder / "Happy" / "111111-person1-a-1.png",
    ]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    feed(quick(folder, limit=1), *views("Happy", "Sad", "Happy"))
    assert all(path.read_bytes() == b"mine" for path in mine)
    assert len(table(folder)) == 1


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_folder_that_a_link_leads_to_is_left_alone(tmp_path):
    folder, elsewhere = tmp_path / "g", tmp_path / "elsewhere"
    mine = [elsewhere / f"11111{n}-person1-Happy-{n}.png" for n in range(5)]
    for path in (folder, elsewhere):
        path.mkdir()
    for path in mine:
        path.write_bytes(b"mine")
    (folder / "2020-01-31").symlink_to(elsewhere)
    feed(quick(folder, limit=1), *views("Happy", "Sad", "Happy"))
    assert sorted(elsewhere.iterdir()) == mine
    assert len(table(folder)) == 1


def test_a_table_with_an_endless_cell_is_told_and_left_as_it_is(tmp_path):
    text = "time,person,label,score,file\n" + '"' + "x" * 140_000
    (tmp_path / "guesses.csv").write_text(text)
    with pytest.raises(BadInputError, match=r"guesses\.csv is not readable \(field larger"):
        quick(tmp_path).open()
    assert (tmp_path / "guesses.csv").read_text() == text


def test_a_quotation_mark_without_a_second_one_costs_its_own_row_only(tmp_path):
    feed(quick(tmp_path), *views("Happy", "Sad"))
    lines = (tmp_path / "guesses.csv").read_text().splitlines()
    (tmp_path / "guesses.csv").write_text("\n".join([*lines[:2], '2026-11-26T15:30:12,1,"Ha', *lines[2:]]))
    feed(quick(tmp_path), *views("Happy"))
    assert [row["label"] for row in table(tmp_path)] == ["Happy", "Sad", "Happy"]


def test_two_pictures_of_a_second_have_two_names(tmp_path):
    feed(quick(tmp_path / "g"), *views("Happy", "Sad", "Happy", step=0.001))
    assert len(pictures(tmp_path / "g")) == len(table(tmp_path / "g")) == 3


def test_rows_of_pictures_that_somebody_deleted_go_and_a_row_cut_off_does_no_harm(tmp_path):
    folder = tmp_path / "g"
    feed(quick(folder), *views("Happy", "Sad"))
    (folder / table(folder)[0]["file"]).unlink()
    with (folder / "guesses.csv").open("a") as file:
        file.write("2026-11-26T15:30:12,1,Ha")
    feed(quick(folder), *views("Happy"))
    assert [row["label"] for row in table(folder)] == ["Sad", "Happy"]


@pytest.mark.parametrize("name", ["Images", "images", "Images/guesses", ".", "mine/Images"])
def test_guesses_never_go_where_labelled_pictures_are(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faceLabels.csv").touch()
    with pytest.raises(BadInputError) as caught:
        make_sink(f"images:{name}")
    assert "which is for labelled pictures. Expected a separate folder" in str(caught.value)
    assert not (tmp_path / name).exists() or name == "."


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_not_by_a_link_either(tmp_path):
    (tmp_path / "Images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "Images")
    with pytest.raises(BadInputError):
        quick(tmp_path / "link")


def test_a_project_that_lies_in_a_folder_called_images_may_have_guesses(tmp_path):
    folder = tmp_path / "Images" / "project" / "Guesses"
    feed(quick(folder), *views("Happy"))
    assert len(pictures(folder)) == 1


def test_a_set_that_was_begun_meanwhile_is_heeded(tmp_path):
    sink = quick(tmp_path)
    (tmp_path / "faceLabels.csv").touch()
    with pytest.raises(BadInputError):
        sink.open()


def test_another_table_of_that_name_is_left_as_it_is(tmp_path):
    (tmp_path / "guesses.csv").write_text("team,goals\n")
    with pytest.raises(
        OutputError, match=r"begins with 'team,goals'\. Expected time,person,label,score,file"
    ):
        quick(tmp_path).open()
    assert (tmp_path / "guesses.csv").read_text() == "team,goals\n"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        quick(tmp_path / "file" / "g").open()


def test_on_a_full_disk_neither_half_a_picture_nor_a_row_is_left(tmp_path, caplog):
    folder = tmp_path / "disk"
    with disk(folder, "size=32k"):
        labels = ["Happy", "Sad"] * 20
        feed(quick(folder), *views(*labels))
        rows = table(folder)
        assert 1 <= len(rows) < 20
        assert pictures(folder) == sorted(row["file"] for row in rows)
        assert all(read_picture(folder / row["file"]).shape[2] == 3 for row in rows)
    assert "The sink images failed. " in caplog.messages[0]
    assert "cannot be written (No space left on device)" in caplog.messages[0]


def test_a_picture_whose_row_cannot_be_written_is_not_kept(tmp_path):
    sink = quick(tmp_path)
    sink.open()
    (tmp_path / "guesses.csv").unlink()
    (tmp_path / "guesses.csv").mkdir()
    sink.frame, (face,) = (view := views("Happy")[0]).frame, view.items
    with pytest.raises(OutputError, match=r"guesses\.csv cannot be written"):
        sink.send(face)
    assert pictures(tmp_path) == []
    sink.close()


def test_labels_of_any_kind_make_names(tmp_path):
    feed(quick(tmp_path), *views("über/../froh, sehr?"))
    (row,) = table(tmp_path)
    assert row["label"] == "über/../froh, sehr?"
    assert row["file"].endswith("-person1-über_froh_sehr_-30.png")
    assert pictures(tmp_path) == [row["file"]]


@pytest.mark.slow
def test_in_a_run_each_settled_change_is_kept_and_no_label_is_touched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Session("demo", display="none", sinks=["images:settle=0.2"]) as run:
        wait_for(lambda: pictures(tmp_path))
    rows = table(tmp_path / "Guesses")
    assert rows
    assert {row["label"] for row in rows} <= set(run.statistics()["labels"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Guesses"]
    assert run.statistics()["threads_left"] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("images:limit=0", "The limit of the sink images is 0. Expected 1 to 100000."),
        ("images:folder=", "The folder of the sink images has no name. Expected a name. Try folder=Guesses."),
        ("images:settle=-1", "settle of the sink images is -1.0. Expected 0 to 3600 seconds."),
    ],
)
def test_options_out_of_range_are_told(text, words):
    with pytest.raises(BadInputError) as caught:
        make_sink(text)
    assert words in str(caught.value)


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "taken").touch()
    said = r"taken is a file\. Expected a folder for pictures\. Choose another name"
    with pytest.raises(OutputError, match=said):
        Images(folder=str(tmp_path / "taken")).open()


@pytest.mark.skipif(os.name != "posix", reason="modes as Linux and macOS have them")
def test_faces_and_their_rows_are_for_their_owner_only(tmp_path):
    folder = tmp_path / "g"
    feed(quick(folder), *views("Happy"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert len(modes) == 4, "the folder, a day, a picture and the table; no lock is left"


def test_a_label_that_a_spreadsheet_would_run_is_text_in_the_table(tmp_path):
    feed(quick(tmp_path / "g"), *views("=1+1"))
    assert [row["label"] for row in table(tmp_path / "g")] == ["'=1+1"]
