"""Tables of pixels are read whatever their separator, encoding, columns and words."""

from __future__ import annotations

import codecs
import json

import numpy as np
import pytest
from sets import counted, labels_of, row_of

from expression.datasets.dataset import read
from expression.errors import BadInputError
from expression.labels import FER2013, Labels

COUNT = 21


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(4).integers(0, 256, (COUNT, 48, 48), np.uint8)


INDEXES = [n % 7 for n in range(COUNT)]
USAGES = ["Training", "PublicTest", "PrivateTest"]


def table(pictures, separator=",", header="emotion,pixels,Usage", row="{label},{pixels},{usage}", ends="\n"):
    rows = [
        row.format(
            label=INDEXES[n], word=FER2013[INDEXES[n]].lower(), pixels=row_of(picture), usage=USAGES[n % 3]
        )
        for n, picture in enumerate(pictures)
    ]
    lines = ([header] if header else []) + rows
    return ends.join(line.replace(",", separator) for line in lines) + ends


def check(dataset, pictures):
    assert dataset.sizes == {"training": 7, "validation": 7, "test": 7}
    for number, split in enumerate((dataset.training, dataset.validation, dataset.test)):
        np.testing.assert_array_equal(split.pictures, pictures[number::3])
        assert split.indexes.tolist() == INDEXES[number::3]


@pytest.mark.parametrize("separator", [";", "\t", "|", ", "], ids=["semicolon", "tab", "bar", "blanks"])
def test_any_separator_is_read(tmp_path, pictures, separator):
    (tmp_path / "fer2013.csv").write_text(table(pictures, separator), encoding="utf-8")
    check(read(tmp_path), pictures)


def test_excels_line_about_the_separator_is_passed_over(tmp_path, pictures):
    (tmp_path / "fer2013.csv").write_text("sep=;\n" + table(pictures, ";"), encoding="utf-8")
    check(read(tmp_path), pictures)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"]
)
def test_any_encoding_is_read(tmp_path, pictures, encoding):
    text = table(pictures, header="emotion,pixels,Usage,remark", row="{label},{pixels},{usage},caf\u00e9")
    (tmp_path / "fer2013.csv").write_bytes(text.encode(encoding))
    check(read(tmp_path), pictures)


def test_a_byte_order_mark_of_utf_16_be_is_read(tmp_path, pictures):
    (tmp_path / "a.csv").write_bytes(codecs.BOM_UTF16_BE + table(pictures).encode("utf-16-be"))
    check(read(tmp_path / "a.csv"), pictures)


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n\n"], ids=["Windows", "old Mac", "blank lines"])
def test_any_line_ends_are_read(tmp_path, pictures, ends):
    (tmp_path / "fer2013.csv").write_bytes(table(pictures, ends=ends).encode())
    check(read(tmp_path), pictures)


FORMS = {
    "another order": ("Usage,pixels,emotion", "{usage},{pixels},{label}"),
    "quoted": ('"emotion","pixels","Usage"', '"{label}","{pixels}","{usage}"'),
    "decimals": ("emotion,pixels,Usage", "{label}.0,{pixels},{usage}"),
    "words": ("emotion,pixels,Usage", "{word},{pixels},{usage}"),
    "columns called label and split": ("label,image_pixels,split", "{label},{pixels},{usage}"),
    "columns called expression and set": ("Expression,PIXELS,Set", "{word},{pixels},{usage}"),
    "columns called class and image": ("class,image,usage", "{label},{pixels},{usage}"),
    "a column of row numbers": (",emotion,pixels,Usage", "7,{label},{pixels},{usage}"),
    "further columns": ("id,emotion,age,pixels,Usage", "x,{label},31,{pixels},{usage}"),
    "a printed list": ("emotion,pixels,Usage", '{label},"[{pixels}]",{usage}'),
    "no header": ("", "{label},{pixels},{usage}"),
    "no header, another order": ("", "{pixels},{usage},{word}"),
}


@pytest.mark.parametrize(("header", "row"), FORMS.values(), ids=FORMS)
def test_columns_in_any_form_are_read(tmp_path, pictures, header, row):
    (tmp_path / "data.csv").write_text(table(pictures, header=header, row=row), encoding="utf-8")
    check(read(tmp_path), pictures)
    check(read(tmp_path / "data.csv"), pictures)


@pytest.mark.parametrize(
    "words", [("Train", "val", "TEST"), ("training", "dev", "testing")], ids=lambda words: words[0]
)
def test_other_words_for_the_usage_are_read(tmp_path, pictures, words):
    text = table(pictures)
    for usage, word in zip(USAGES, words, strict=True):
        text = text.replace(usage, word)
    (tmp_path / "fer2013.csv").write_text(text, encoding="utf-8")
    check(read(tmp_path), pictures)


def test_grey_levels_with_commas_between_in_a_quoted_cell_are_read(tmp_path, pictures):
    rows = [
        f'{INDEXES[n]},"{row_of(picture).replace(" ", ", ")}",{USAGES[n % 3]}'
        for n, picture in enumerate(pictures)
    ]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]), encoding="utf-8")
    check(read(tmp_path), pictures)


def test_grey_levels_as_shares_of_white_are_read(tmp_path, pictures):
    rows = []
    for n, picture in enumerate(pictures):
        shares = " ".join(f"{level / 255:.6f}" for level in picture.ravel())
        rows.append(f"{INDEXES[n]},{shares},{USAGES[n % 3]}")
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]), encoding="utf-8")
    check(read(tmp_path), pictures)


@pytest.mark.parametrize("where", ["label first", "label last", "no header"])
def test_grey_levels_in_a_column_each_are_read(tmp_path, pictures, where):
    names = [f"pixel{n}" for n in range(48 * 48)]
    header = ",".join(["emotion", *names] if where == "label first" else [*names, "emotion"])
    rows = []
    for n, picture in enumerate(pictures):
        cells = list(map(str, picture.ravel()))
        rows.append(
            ",".join([*cells, str(INDEXES[n])] if where == "label last" else [str(INDEXES[n]), *cells])
        )
    (tmp_path / "data.csv").write_text("\n".join([*([header] if where != "no header" else []), *rows]))
    dataset = read(tmp_path)
    np.testing.assert_array_equal(dataset.test.pictures, pictures)
    assert dataset.test.indexes.tolist() == INDEXES


@pytest.mark.parametrize("separator", [",", "\t"], ids=["comma", "tab"])
@pytest.mark.parametrize("wide", [True, False], ids=["a column each", "one cell"])
def test_row_names_without_a_cell_in_the_header_are_read(tmp_path, pictures, separator, wide):
    """As R's write.table writes them."""
    names = ["emotion", *(f"pixel{n}" for n in range(2304))] if wide else ["emotion", "pixels"]
    lines = [separator.join(f'"{name}"' for name in names)]
    for number, (index, picture) in enumerate(zip(INDEXES, pictures, strict=True), 1):
        cells = [*map(str, picture.ravel())] if wide else [f'"{row_of(picture)}"']
        lines.append(separator.join([f'"{number}"', str(index), *cells]))
    (tmp_path / "faces.csv").write_text("\n".join(lines) + "\n")
    test = read(tmp_path / "faces.csv").test
    np.testing.assert_array_equal(test.pictures, pictures)
    assert test.indexes.tolist() == INDEXES


def test_pictures_of_another_size_are_brought_to_48_pixels(tmp_path):
    large = np.kron(np.arange(36, dtype=np.uint8).reshape(6, 6) * 7, np.ones((16, 16), np.uint8))
    (tmp_path / "data.csv").write_text(f"emotion,pixels\n3,{row_of(large)}\n4,{row_of(large)}\n")
    dataset = read(tmp_path)
    np.testing.assert_array_equal(dataset.test.pictures[0], large[::2, ::2])


def test_a_row_that_was_cut_to_a_smaller_square_is_not_taken_for_a_small_picture(tmp_path, pictures):
    text = table(pictures).splitlines()
    label, pixels, usage = text[4].split(",")
    text[4] = f"{label},{' '.join(pixels.split()[: 47 * 47])},{usage}"
    (tmp_path / "fer2013.csv").write_text("\n".join(text))
    dataset = read(tmp_path)
    assert dataset.skipped.names == {"without 2,304 grey levels": ["line 5 with 2,209"]}
    assert counted(dataset) == COUNT


def test_contempt_of_ck_in_fer2013s_form_is_counted_or_learned(tmp_path, pictures):
    rows = [f"{n % 8},{row_of(picture)},Training" for n, picture in enumerate(pictures)]
    (tmp_path / "ckextended.csv").write_text("\n".join(["emotion,pixels,Usage", *rows]))
    dataset = read(tmp_path)
    assert dataset.skipped.reasons == {"of contempt, which is not one of the labels": 2}
    assert (dataset.unused, counted(dataset)) == (("Contempt",), COUNT)
    eight = read(tmp_path, Labels([*FER2013, "Contempt"]))
    assert sum(eight.sizes.values()) == COUNT
    assert "Contempt" in labels_of(eight.training, eight.labels)


def test_only_the_labels_that_a_user_names_are_read(tmp_path, pictures):
    (tmp_path / "fer2013.csv").write_text(table(pictures))
    dataset = read(tmp_path, Labels(["Sad", "Happy"]))
    assert sum(dataset.sizes.values()) == 6
    assert set(labels_of(dataset.test, dataset.labels)) == {"Happy", "Sad"}
    assert counted(dataset) == COUNT


def test_a_table_without_usages_is_a_test_set_as_a_whole_unless_its_name_says_something(tmp_path, pictures):
    text = table(pictures, header="emotion,pixels", row="{label},{pixels}")
    for name, sizes in (("faces.csv", (0, 0, 21)), ("my_train.csv", (14, 7, 0)), ("val.csv", (0, 21, 0))):
        folder = tmp_path / name[:3]
        folder.mkdir()
        (folder / name).write_text(text)
        assert tuple(read(folder).sizes.values()) == sizes


def test_train_val_and_test_tables_go_together(tmp_path, pictures):
    text = table(pictures, header="emotion,pixels", row="{label},{pixels}")
    for name in ("train.csv", "val.csv", "test.csv"):
        (tmp_path / name).write_text(text)
    assert read(tmp_path).sizes == {"training": 21, "validation": 21, "test": 21}


def test_an_assignments_test_rows_with_labels_are_the_test(tmp_path, pictures):
    (tmp_path / "train.csv").write_text(
        table(pictures[:14], header="emotion,pixels", row='{label},"{pixels}"')
    )
    (tmp_path / "test.csv").write_text(table(pictures[14:], header="pixels", row='"{pixels}"'))
    assert read(tmp_path).sizes["test"] == 0
    text = table(pictures[14:], header="emotion,pixels", row='{label},"{pixels}"')
    (tmp_path / "test_with_emotions.csv").write_text(text)
    np.testing.assert_array_equal(read(tmp_path).test.pictures, pictures[14:])


def test_two_tables_that_nothing_tells_apart_are_refused(tmp_path, pictures):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(table(pictures))
    with pytest.raises(BadInputError, match=r"do not say which is which: .*a\.csv, .*b\.csv\."):
        read(tmp_path)


def test_other_files_beside_a_table_do_no_harm(tmp_path, pictures):
    (tmp_path / "fer2013.csv").write_text(table(pictures))
    (tmp_path / "notes.txt").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "README.txt").write_text("About the data: emotion, pixels and so on.")
    (tmp_path / "legend.csv").write_text("image,emotion\na.png,happy\n")
    check(read(tmp_path), pictures)


def test_a_line_without_end_is_refused(tmp_path):
    (tmp_path / "fer2013.csv").write_text("emotion,pixels\n0," + "1 " * 600_000)
    with pytest.raises(BadInputError, match="a line with more than 1,048,576 characters: line 2"):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["PAR1", "\x89HDF\r\n", "\x93NUMPY", "%PDF-1.7"])
def test_files_of_other_programs_are_called_by_their_name(tmp_path, kind):
    (tmp_path / "data.bin").write_bytes(kind.encode("latin-1") + bytes(100))
    with pytest.raises(BadInputError, match=r"data\.bin is (a Parquet|an HDF5|a NumPy|a PDF).*export"):
        read(tmp_path / "data.bin")


def test_the_copy_of_a_table_is_no_older_form(tmp_path, pictures, monkeypatch):
    """A cached copy that lacks what is needed now is not used."""
    from expression.datasets import pixel_tables

    (tmp_path / "fer2013.csv").write_text(table(pictures))
    read(tmp_path)
    monkeypatch.setattr(pixel_tables, "CACHE_FORM", pixel_tables.CACHE_FORM + 1)
    parsed = []
    original = pixel_tables._parsed
    monkeypatch.setattr(pixel_tables, "_parsed", lambda *words: parsed.append(words) or original(*words))
    check(read(tmp_path), pictures)
    assert len(parsed) == 1


def test_a_table_in_json_is_not_text_that_is_read(tmp_path):
    (tmp_path / "data.csv").write_text(json.dumps([{"emotion": 3}] * 50))
    with pytest.raises(BadInputError, match="neither a table of pixels nor a list"):
        read(tmp_path / "data.csv")


@pytest.mark.parametrize("row", ["{label}|0;{pixels};{usage}", "class_{label};{pixels};{usage}"])
def test_labels_are_numbers_also_with_a_comma_or_a_word(tmp_path, pictures, row):
    text = table(pictures, header="emotion;pixels;Usage", row=row).replace("|", ",")
    (tmp_path / "data.csv").write_text(text)
    check(read(tmp_path), pictures)


def test_a_table_whose_rows_are_single_quoted_cells_is_read(tmp_path, pictures):
    """As a spreadsheet saves it that expected another separator."""
    lines = table(pictures, row='{label},""{pixels}"",{usage}').splitlines()
    (tmp_path / "data.csv").write_text("".join(f'"{line}"\n' for line in lines))
    check(read(tmp_path), pictures)


def test_a_test_set_that_is_shorter_with_labels_than_without_is_told(tmp_path, pictures):
    (tmp_path / "train.csv").write_text(table(pictures, header="emotion,pixels", row="{label},{pixels}"))
    (tmp_path / "test.csv").write_text(table(pictures, header="pixels", row="{pixels}"))
    with_labels = table(pictures, header="emotion,pixels", row="{label},{pixels}")
    (tmp_path / "test_with_emotions.csv").write_text(with_labels)
    assert not any("cut off" in note for note in read(tmp_path).notes)
    cut = "".join(line + "\n" for line in with_labels.splitlines()[:6])
    (tmp_path / "test_with_emotions.csv").write_text(cut)
    told = "test_with_emotions.csv has 5 rows, but test.csv has 21: it may be cut off. Download it again."
    assert told in read(tmp_path).notes
