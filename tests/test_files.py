"""Files: whole or as they were, private from the first moment, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
import threading

import pytest
from parts import PATIENCE

from expression.errors import BadInputError, MissingFileError, OutputError, RunError
from expression.files import PRIVATE, as_output_error, csv_cell, hold, replacing, write_bytes, write_text

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes and links as Linux and macOS have them")


BUSY = BadInputError("It is in use.", "Expected one run at a time.", "Wait.")


def test_a_file_that_is_replaced_has_the_new_content_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    write_text(path, "new ä\r\n")
    assert path.read_bytes() == "new ä\r\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_stays_as_it_was_when_writing_the_new_one_fails(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_while_a_file_is_replaced_is_an_error_message(tmp_path):
    with (
        pytest.raises(OutputError, match=r"a\.txt cannot be written \(No space"),
        replacing(tmp_path / "a.txt"),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_reported_before_the_work(tmp_path):
    with (
        pytest.raises(OutputError, match=r"cannot be written .* Create the folder"),
        replacing(tmp_path / "x/a"),
    ):
        pytest.fail("the work was begun")


@pytest.mark.parametrize("name", ["net.keras", "net.v2.tflite", "a.weights.h5", "table.npz", "noending"])
def test_the_new_file_has_the_ending_that_libraries_look_for(tmp_path, name):
    with replacing(tmp_path / name) as part:
        assert part.name.endswith(name.partition(".")[2])
        assert part.name.startswith("."), "other programs that watch the folder do not take it for a result"


@POSIX
def test_links_that_lie_beside_the_target_are_not_followed(tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "a.txt"
    victim.write_text("mine", encoding="utf-8")
    for name in ("a.txt.part", "part-a.txt", "a.part", ".a.txt.part", "a.txt.tmp"):
        (tmp_path / name).symlink_to(victim)
    write_text(path, "new")
    write_bytes(path, b"newer")
    assert victim.read_text(encoding="utf-8") == "mine"


@POSIX
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one_and_what_it_leads_to_is_replaced(tmp_path, there):
    (tmp_path / "elsewhere").mkdir()
    real, path = tmp_path / "elsewhere" / "real", tmp_path / "a.txt"
    if there:
        real.write_text("old", encoding="utf-8")
    path.symlink_to(real)
    write_text(path, "new")
    assert path.is_symlink()
    assert real.read_text(encoding="utf-8") == "new"
    assert [*real.parent.iterdir()] == [real]


@POSIX
@pytest.mark.parametrize(
    ("before", "mode", "after"), [(0o600, 0o666, 0o600), (0o664, 0o666, 0o664), (0o644, PRIVATE, 0o600)]
)
def test_who_may_read_a_file_stays_so_unless_it_is_about_people(tmp_path, before, mode, after):
    path = tmp_path / "a.txt"
    path.touch()
    path.chmod(before)
    write_text(path, "new", mode)
    assert (stat.S_IMODE(path.stat().st_mode), path.read_text(encoding="utf-8")) == (after, "new")


@POSIX
def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    reader.start()
    write_text(path, "new")
    reader.join(PATIENCE)
    assert (found, path.is_fifo(), [*tmp_path.iterdir()]) == ([b"new"], True, [path])


@pytest.mark.parametrize("error", [MissingFileError, BadInputError, RunError])
def test_an_error_of_another_thing_passes_while_a_file_is_written(tmp_path, error):
    with pytest.raises(error, match=r"^It is gone\."), as_output_error(tmp_path):
        raise error("It is gone.", "Expected it.", "Bring it back.")


@POSIX
def test_a_private_file_is_private_from_its_first_moment(tmp_path):
    with replacing(tmp_path / "a.txt", PRIVATE) as part:
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o600


def test_two_threads_that_replace_one_file_leave_one_of_their_contents_whole(tmp_path):
    path, contents = tmp_path / "a.txt", [letter * 100_000 for letter in "ab"]
    threads = [
        threading.Thread(target=lambda c=c: [write_text(path, c) for _ in range(20)]) for c in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text(encoding="utf-8") in contents
    assert list(tmp_path.iterdir()) == [path]


def test_what_one_program_holds_another_is_refused_and_gets_once_it_is_released(tmp_path):
    lock = hold(tmp_path / "lock", BUSY)
    with pytest.raises(BadInputError, match=r"It is in use\. Expected one run at a time\. Wait\."):
        hold(tmp_path / "lock", BUSY)
    lock.release()
    hold(tmp_path / "lock", BUSY).release()


def test_a_lock_that_cannot_be_made_is_an_error_message(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        hold(tmp_path / "file" / "lock", BUSY)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '=HYPERLINK("x")']
FORMULAS += ["a;=1", "a\t=1", "a\n=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_is_text_in_it(text):
    file = io.StringIO()
    csv.writer(file).writerow([csv_cell(text)])
    for separator in (",", ";", "\t"):
        for row in csv.reader(io.StringIO(file.getvalue()), delimiter=separator):
            assert not any(cell.strip().startswith(tuple("=+-@＝＋－＠")) for cell in row)


@pytest.mark.parametrize("value", ["Happy", "very-happy", "a=b", "", 3, -0.25, None, "悲しい, wirklich"])
def test_other_cells_stay_as_they_are(value):
    assert csv_cell(value) is value or csv_cell(value) == value


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files as Linux does")
def test_a_lock_that_is_refused_leaves_no_file_open(tmp_path):
    lock = hold(tmp_path / "lock", BUSY)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(BadInputError):
            hold(tmp_path / "lock", BUSY)
    assert len(os.listdir("/proc/self/fd")) == before
    lock.release()


@POSIX
def test_a_lock_that_is_waited_for_is_taken_once_it_is_released(tmp_path):
    lock = hold(tmp_path / "lock", BUSY)
    threading.Timer(0.1, lock.release).start()
    hold(tmp_path / "lock", BUSY, seconds=PATIENCE).release()


def test_a_file_where_a_folder_is_needed_is_called_that(tmp_path):
    (tmp_path / "Images").touch()
    with pytest.raises(OutputError) as caught, as_output_error(tmp_path / "Images"):
        (tmp_path / "Images").mkdir()
    assert "Images is not a folder." in str(caught.value)
    assert "Rename what is there" in str(caught.value)
    with pytest.raises(OutputError, match=r"Images is not a folder"):
        write_text(tmp_path / "Images" / "a.csv", "a")
