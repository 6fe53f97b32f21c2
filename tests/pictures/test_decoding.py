"""Picture files: recognised by content, upright, complete, and never larger than the memory."""

from __future__ import annotations

import io
import itertools
import logging
import pickle
import random
import re
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from expression.errors import BadInputError, ExpressionError
from expression.pictures.decoding import PictureError
from expression.pictures.image import decode_picture, is_picture, picture_frames, read_picture
from expression.pictures.kinds import is_jpeg_stream, picture_format

WIDTH, HEIGHT = 64, 48
CORNERS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
CORNERS[:24, :32], CORNERS[:24, 32:], CORNERS[24:, :32], CORNERS[24:, 32:] = (
    *((250, 0, 0), (0, 250, 0)),
    *((0, 0, 250), (250, 250, 0)),
)
"""A picture with a different colour in each corner, so that its orientation is visible."""

PHOTO = Image.fromarray(CORNERS)
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "BMP", "PPM", "HEIF"]
WITH_EXIF = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"]
UPRIGHT = {  # how a camera in this orientation stored CORNERS
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, 1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: np.rot90(image, -1),
}


def file_of(image: Image.Image, kind: str, **options) -> bytes:
    """A picture as the bytes of a file; a test that needs HEIC is skipped if it cannot be written."""
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
        if "exif" in options:
            options["exif"] = options["exif"].tobytes()
    if kind == "WEBP":
        options["lossless"] = True
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The average difference of two pictures, in levels; infinite if their sizes differ."""
    return np.abs(one.astype(int) - other).mean() if one.shape == other.shape else np.inf


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("ending", ["", ".jpg", ".jfif", ".jpg_large", ".txt"])
def test_a_picture_is_known_by_its_content_whatever_its_name_says(tmp_path, kind, ending):
    path = tmp_path / f"photo{ending}"
    path.write_bytes(file_of(PHOTO, kind))
    got = read_picture(path)
    assert is_picture(path)
    assert (got.dtype, got.flags.writeable) == (np.uint8, True)
    assert difference(got, CORNERS) < 9


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", WITH_EXIF)
def test_a_photo_is_read_upright_however_the_camera_was_held(kind, orientation):
    stored = Image.fromarray(np.ascontiguousarray(UPRIGHT[orientation](CORNERS)))
    got = decode_picture(file_of(stored, kind, exif=exif(orientation)))
    assert difference(got, CORNERS) < 9


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate"])
def test_a_turned_tiff_is_turned_once_however_it_is_compressed(compression):
    stored = Image.fromarray(np.ascontiguousarray(UPRIGHT[6](CORNERS)))
    got = decode_picture(file_of(stored, "TIFF", compression=compression, exif=exif(6)))
    assert difference(got, CORNERS) < 9


def test_a_heic_that_was_saved_with_exif_alone_is_read_upright():
    pillow_heif = pytest.importorskip("pillow_heif")
    stored = Image.fromarray(np.ascontiguousarray(UPRIGHT[6](CORNERS)))
    heif = pillow_heif.from_pillow(stored)
    heif.info["exif"] = b""
    file = io.BytesIO()
    stored.save(file, "HEIF", exif=exif(6))  # an object, of which the package makes no box that turns it
    assert b"irot" not in file.getvalue()
    assert difference(decode_picture(file.getvalue()), CORNERS) < 9


@pytest.mark.parametrize("orientation", [0, 9, 77, 60000])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation):
    assert difference(decode_picture(file_of(PHOTO, "JPEG", exif=exif(orientation))), CORNERS) < 9


def test_a_photo_whose_exif_is_damaged_is_read_as_it_is_stored():
    data = file_of(PHOTO, "PNG", exif=exif(6))
    at = data.index(b"eXIf")
    length = struct.unpack(">I", data[at - 4 : at])[0]
    chunk = b"eXIf" + b"\x7f" * length
    data = data[:at] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[at + 8 + length :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert difference(decode_picture(data), CORNERS) < 9


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *itertools.product(["PNG"], ["1", "L", "LA", "P", "RGB", "RGBA"]),
        *itertools.product(["TIFF"], ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"]),
        *itertools.product(["JPEG"], ["L", "RGB", "CMYK"]),
        *itertools.product(["GIF"], ["1", "L", "P", "RGBA"]),
        *itertools.product(["WEBP", "AVIF"], ["L", "RGBA"]),
        *itertools.product(["BMP", "PPM"], ["1", "L"]),
    ],
)
def test_grey_palette_cmyk_and_opaque_pictures_become_rgb(kind, mode):
    stored = PHOTO.convert(mode)
    wanted = np.asarray(stored.convert("RGB"))
    assert difference(decode_picture(file_of(stored, kind)), wanted) < 5


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bits_become_8(kind):
    levels = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 21
    got = decode_picture(file_of(Image.fromarray(levels), kind))
    assert np.abs(got[..., 1].astype(int) - levels // 256).max() <= 1


def test_floats_of_a_tiff_are_read_from_0_to_1():
    levels = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    assert decode_picture(file_of(Image.fromarray(levels), "TIFF"))[-1, -1].tolist() == [255] * 3
    with pytest.raises(PictureError, match="its grey levels go from 0 to 100000"):
        decode_picture(file_of(Image.fromarray(levels * 1e5), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_what_is_transparent_is_white(kind):
    image = PHOTO.convert("RGBA")
    image.putalpha(
        Image.fromarray(np.where(np.arange(WIDTH) < 32, 0, 255)[None].repeat(HEIGHT, 0).astype("u1"))
    )
    got = decode_picture(file_of(image, kind))
    assert difference(got[:, :30], np.full((HEIGHT, 30, 3), 255)) < 3
    assert difference(got[:, 34:], CORNERS[:, 34:]) < 9


def test_a_phone_photo_in_tiles_is_read_whole(tmp_path):
    pytest.importorskip("pillow_heif")
    large = PHOTO.resize((512, 384), Image.Resampling.NEAREST)
    data = file_of(large, "HEIF", tile_size=128)
    assert b"grid" in data
    assert difference(decode_picture(data), np.asarray(large)) < 9


def test_a_heic_photo_without_the_package_for_it_is_an_error_that_names_the_package(tmp_path, monkeypatch):
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    said = (
        r"IMG_0001\.HEIC is a HEIC file, and the package pillow-heif is not installed\. .* pip install .*heic"
    )
    with pytest.raises(PictureError, match=said) as caught:
        read_picture(path)
    assert is_picture(path)
    assert caught.value.reason == "HEIC without the package pillow-heif"


FRAMES = [Image.fromarray(np.roll(CORNERS, 16 * step, axis=1)) for step in range(4)]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_read_picture_by_picture_and_its_first_is_reported(tmp_path, caplog, kind):
    path = tmp_path / "party.img"
    path.write_bytes(file_of(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], duration=200))
    frames = list(picture_frames(path))
    assert [seconds for _, seconds in frames] == pytest.approx([0.2] * 4, abs=0.01)
    for (got, _), wanted in zip(frames, FRAMES, strict=True):
        assert difference(got, np.asarray(wanted)) < 9
    assert not caplog.records
    assert difference(read_picture(path), CORNERS) < 9
    assert "party.img contains several pictures, as animations do. Only the first is read." in caplog.text


def test_a_frame_of_an_animation_without_a_time_lasts_as_long_as_in_a_browser(tmp_path):
    path = tmp_path / "quick.gif"
    path.write_bytes(file_of(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:], duration=0))
    assert [seconds for _, seconds in picture_frames(path)] == [0.1] * 4


def test_an_animation_that_is_cut_off_gives_its_first_pictures_and_then_an_error(tmp_path):
    path = tmp_path / "party.gif"
    data = file_of(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:], duration=200)
    path.write_bytes(data[: len(data) // 2])
    frames = picture_frames(path)
    assert difference(next(frames)[0], CORNERS) < 9
    with pytest.raises(PictureError, match=r"party\.gif is damaged"):
        list(frames)


def test_every_page_of_a_tiff_is_a_picture_of_its_own(tmp_path, caplog):
    path = tmp_path / "scan.tif"
    path.write_bytes(file_of(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]))
    pages = list(picture_frames(path))
    assert [seconds for _, seconds in pages] == [None] * 4
    assert np.array_equal(pages[2][0], np.asarray(FRAMES[2]))


@pytest.mark.parametrize("tag", [{254: 1}, {50706: b"\x01\x04\x00\x00"}], ids=["a preview first", "DNG"])
def test_a_raw_file_of_a_camera_is_not_read_as_its_small_preview(tag):
    with pytest.raises(PictureError, match=r"only a small preview can be read.*Export it as JPEG"):
        decode_picture(file_of(PHOTO, "TIFF", tiffinfo=tag))


def test_several_jpegs_one_after_the_other_are_a_video_and_a_photo_with_a_preview_is_not(tmp_path):
    photo, stream = tmp_path / "photo", tmp_path / "stream"
    photo.write_bytes(file_of(PHOTO, "JPEG"))
    stream.write_bytes(file_of(PHOTO, "JPEG") * 3)
    assert (is_jpeg_stream(photo), is_jpeg_stream(stream)) == (False, True)
    photo.write_bytes(file_of(PHOTO, "MPO", save_all=True, append_images=[PHOTO] * 3))
    assert not is_jpeg_stream(photo)
    assert difference(read_picture(photo), CORNERS) < 9
    assert not is_jpeg_stream(tmp_path / "missing")


OTHERS = {
    "text": b"BMI,weight\n22,70\n",
    "a text about pictures": b"GIF, PNG and P5 are formats",
    "mp4": b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2avc1mp41",
    "mov": b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
    "wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "avi": b"RIFF\x24\0\0\0AVI LIST",
    "what macOS leaves": b"\0\x05\x16\x07\0\x02\0\0Mac OS X",
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_what_is_not_a_picture_is_not_taken_for_one(tmp_path, data):
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    assert not is_picture(path)
    said = r"photo\.jpg is not a picture\. Expected a JPEG, PNG, .* Open it in a viewer"
    with pytest.raises(PictureError, match=said) as caught:
        read_picture(path)
    assert caught.value.reason == "not a picture"


@pytest.mark.parametrize(
    ("data", "what", "remedy"),
    [
        (b"%PDF-1.7", "a PDF file", "Open it in a viewer"),
        (b"PK\x03\x04", "a zip archive", "Unpack it"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing", "Open it in a viewer"),
        (b"FUJIFILMCCD-RAW 0201", "a camera raw file", "Open it in a viewer"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(tmp_path, data, what, remedy):
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    assert not is_picture(path)
    with pytest.raises(PictureError, match=rf"photo\.jpg is {what}\. Expected a JPEG, .* {remedy}") as caught:
        read_picture(path)
    assert caught.value.reason == what


@pytest.mark.parametrize(
    ("data", "what", "remedy"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
            "a Git LFS pointer",
            "pull.",
        ),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html></html>", "a web page.", "Download the file itself."),
        (b"<HTML><body>404</body></HTML>", "a web page.", "Download the file itself."),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 file.", "save it again as PNG."),
        (b"8BPS\x00\x01", "a Photoshop file.", "save it again as PNG."),
    ],
)
def test_what_came_in_the_place_of_a_picture_is_called_by_its_name(tmp_path, data, what, remedy):
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=rf"photo\.jpg is {what}") as caught:
        read_picture(path)
    assert str(caught.value).endswith(remedy)
    assert caught.value.reason.startswith(what.rstrip("."))


def test_an_empty_file_is_called_empty(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"")
    assert not is_picture(path)
    with pytest.raises(PictureError, match=r"photo\.jpg is empty\.") as caught:
        read_picture(path)
    assert caught.value.reason == "empty"


def test_a_folder_or_a_missing_file_is_not_a_picture(tmp_path):
    assert not is_picture(tmp_path)
    assert not is_picture(str(tmp_path / "missing.jpg"))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_picture_that_is_cut_off_is_an_error_message(kind, share):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8))
    data = file_of(noise, kind)
    with pytest.raises(
        PictureError, match=r"holiday\.jpg is damaged, incomplete .* save it again as PNG"
    ) as caught:
        decode_picture(data[: int(share * len(data))], "holiday.jpg")
    assert caught.value.reason == "damaged"


def test_control_characters_in_a_name_never_reach_the_terminal(tmp_path):
    path = tmp_path / "a\x1b[31m\n.jpg"
    try:
        path.write_bytes(b"no picture")
    except OSError:
        pytest.skip("this system has no such names")
    with pytest.raises(PictureError, match=r"a\\x1b\[31m\\n\.jpg is not a picture"):
        read_picture(path)


def test_the_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(PictureError("It is empty.", "Expected more.", "Look.", "empty")))
    assert (str(error), error.reason) == ("It is empty. Expected more. Look.", "empty")


def png(width: int, height: int) -> bytes:
    """A black PNG with one bit per pixel: 2^30 pixels take 130 kB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    squeezer, row = zlib.compressobj(9), bytes(1 + (width + 7) // 8)
    rows = b"".join(squeezer.compress(row * 1024) for _ in range(height // 1024)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def with_size(kind: str) -> bytes:
    """A small file whose header says that it has 2^30 pixels or nearly so."""
    data = bytearray(file_of(PHOTO, kind))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", 32767, 32767)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", 32768, 32768)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", 32768, 32768)
    elif kind == "PPM":
        data = data.replace(b"64 48", b"32768 32768", 1)
    elif kind == "TIFF":
        for tag, size in (
            (b"\x00\x01\x04\x00\x01\x00\x00\x00", WIDTH),
            (b"\x01\x01\x04\x00\x01\x00\x00\x00", HEIGHT),
        ):
            data = data.replace(tag + struct.pack("<I", size), tag + struct.pack("<I", 32768), 1)
    elif kind == "WEBP":
        at = data.index(b"VP8L") + 9
        data[at : at + 4] = struct.pack("<I", 0x0FFFFFFF)
    elif kind in ("AVIF", "HEIF"):
        data = re.sub(rb"ispe\0{4}.{8}", b"ispe\0\0\0\0" + b"\0\0\x7f\xff" * 2, data, flags=re.DOTALL)
    return bytes(data)


@pytest.mark.slow
def test_a_picture_of_2_to_the_30_pixels_in_a_small_file_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(32768, 32768))
    assert path.stat().st_size < 200_000
    code = """if True:
        import resource, sys
        from expression.errors import BadInputError
        from expression.pictures.image import read_picture
        try:
            read_picture(sys.argv[1])
        except BadInputError as error:
            print(error)
        if sys.platform == "linux":  # where getrusage includes the parent process
            print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
        else:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        """
    if sys.platform == "win32":
        pytest.skip("needs the memory of a process as Linux and macOS tell it")
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    said, memory = out.stdout.splitlines()
    assert "bomb.png has 32,768 x 32,768 pixels. Expected a picture of at most 120 million pixels." in said
    assert "EXPRESSION_LARGEST_PICTURE=1074" in said
    assert int(memory) < 400 * 1024 * (1024 if sys.platform == "darwin" else 1), "MiB"


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "PNG"])
def test_a_header_that_announces_more_than_the_limit_is_refused_in_every_format(kind):
    data = with_size(kind)
    assert data != file_of(PHOTO, kind)
    with pytest.raises(PictureError) as caught:
        decode_picture(data)
    assert caught.value.reason in ("too large", "damaged")


def test_the_largest_picture_is_a_setting(monkeypatch):
    monkeypatch.setenv("EXPRESSION_LARGEST_PICTURE", "0.003")
    with pytest.raises(
        PictureError, match=r"has 64 x 48 pixels\. Expected a picture of at most 0\.003 million"
    ) as caught:
        decode_picture(file_of(PHOTO, "PNG"))
    assert caught.value.remedy.endswith("EXPRESSION_LARGEST_PICTURE=1.")
    monkeypatch.setenv("EXPRESSION_LARGEST_PICTURE", "1")
    assert decode_picture(file_of(PHOTO, "PNG")).shape == (48, 64, 3)


@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "inf", "1e9"])
def test_a_largest_picture_that_is_no_number_is_an_error_message(monkeypatch, value):
    monkeypatch.setenv("EXPRESSION_LARGEST_PICTURE", value)
    with pytest.raises(
        BadInputError, match=rf"EXPRESSION_LARGEST_PICTURE is '{value}'\. Expected millions of pixels"
    ):
        decode_picture(file_of(PHOTO, "PNG"))


def seeds() -> dict[str, bytes]:
    """Small files of every format and of the more unusual kinds of some."""
    small = PHOTO.resize((32, 24))
    rest = {"save_all": True, "append_images": [small.rotate(90), small.rotate(180)]}
    found = {kind: file_of(small, kind, exif=exif(6)) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")}
    found |= {kind: file_of(small, kind) for kind in ("GIF", "BMP", "PPM")}
    found |= {f"animated {kind}": file_of(small, kind, **rest) for kind in ("PNG", "GIF", "WEBP", "TIFF")}
    found |= {
        f"TIFF, {name}": file_of(small, "TIFF", compression=name)
        for name in ("tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate")
    }
    found["progressive"] = file_of(small, "JPEG", progressive=True)
    found["CMYK"] = file_of(small.convert("CMYK"), "JPEG")
    found["palette"] = file_of(small.convert("P"), "PNG")
    return found


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, inserted, removed, copied or truncated, with correct checksums in a PNG."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(data) if chance.random() < 0.5 else min(len(data), 200))
        kind, count = chance.randrange(6), chance.randrange(1, 50)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at : at + 4] = chance.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\0\0\xff\xff"))
        elif kind == 2:
            del data[at : at + count]
        elif kind == 3:
            del data[max(1, at) :]
        elif kind == 4:
            data[at:at] = chance.randbytes(count)
        else:
            other = chance.randrange(len(data))
            data[at : at + count] = data[other : other + count]
        data = data or bytearray(b"x")
    return _with_sums(bytes(data)) if data[:4] == b"\x89PNG" else bytes(data)


def _with_sums(data: bytes) -> bytes:
    """A PNG whose chunks have correct checksums, so that damage passes them."""
    out, at = data[:8], 8
    while (
        at + 12 <= len(data) and (length := struct.unpack(">I", data[at : at + 4])[0]) <= len(data) - at - 12
    ):
        chunk = data[at + 4 : at + 8 + length]
        out += data[at : at + 4] + chunk + struct.pack(">I", zlib.crc32(chunk))
        at += 12 + length
    return out + data[at:]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("times", [10, pytest.param(400, marks=pytest.mark.slow)])
def test_random_damage_leads_to_a_picture_or_an_error_message(tmp_path, caplog, times):
    caplog.set_level(logging.CRITICAL)
    chance, path = random.Random(times), tmp_path / "photo"
    read = 0
    for data in seeds().values():
        for _ in range(times):
            path.write_bytes(damaged(data, chance))
            try:
                pictures = [read_picture(path), *(image for image, _ in picture_frames(path))]
            except ExpressionError as error:
                assert error.expected.startswith("Expected")  # noqa: PT017  checks each of the three parts
                continue
            read += 1
            for image in pictures:
                assert (image.ndim, image.shape[2], image.dtype) == (3, 3, np.uint8)
                assert image.size
    assert read, "some damage does no harm"


def test_a_kind_is_told_by_the_first_bytes():
    for kind, name in zip(
        FORMATS[:8], ["JPEG", "PNG", "WebP", "TIFF", "GIF", "AVIF", "BMP", "PGM"], strict=True
    ):
        assert picture_format(file_of(PHOTO, kind)[:512]) == name
