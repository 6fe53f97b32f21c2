"""What hinders reading is found in constructed pictures, and nothing in good ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from expression.cli import app
from expression.pictures.image import read_picture, write_picture
from expression.sources.demo import Demo
from expression.sources.sitter import Sitter
from expression.types import Box, Face
from expression.vision.conditions import Conditions
from expression.vision.detectors import Detector, YuNet

HEIGHT, WIDTH = 480, 640


@pytest.fixture(scope="module")
def sitter() -> np.ndarray:
    """A frame with a drawn person in a room."""
    source = Sitter(day=1)
    source.open()
    return source.read()


@pytest.fixture
def found(yunet):
    """Returns the names of what hinders reading in a picture."""
    detector = YuNet(yunet)

    def names(image: np.ndarray) -> list[str]:
        conditions = Conditions(detector)
        for _ in range(3):
            conditions.look(image)
        return [hindrance.name for hindrance in conditions.hindrances()]

    return names


def turned(image: np.ndarray, degrees: float, scale: float = 1.0) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, scale)
    return cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)


def against_the_light(image: np.ndarray) -> np.ndarray:
    """A dark person in front of a bright window: the drawn one stands in the middle."""
    light = np.full(image.shape[:2], 1.0)
    cv2.ellipse(light, (WIDTH // 2, HEIGHT // 2 + 60), (170, 260), 0, 0, 360, 0.0, -1)
    light = cv2.GaussianBlur(light, (0, 0), 15)[..., None]
    return np.uint8(image * 0.4 * (1 - light) + 235 * light)


def moved_up(image: np.ndarray) -> np.ndarray:
    return np.concatenate([image[150:], np.repeat(image[-1:], 150, 0)])


CASES = {
    "good": (lambda image: image, []),
    "a little dark": (lambda image: np.uint8(image * 0.7), []),
    "dark": (lambda image: np.uint8(image * 0.25), ["dark"]),
    "backlit": (against_the_light, ["backlit"]),
    "blurred": (lambda image: cv2.GaussianBlur(image, (0, 0), 9), ["blurred"]),
    "far": (lambda image: turned(image, 0, 0.28), ["far"]),
    "tilted": (lambda image: turned(image, 24), ["tilted"]),
    "tilted the other way": (lambda image: turned(image, -24), ["tilted"]),
    "at the top edge": (moved_up, ["low"]),
    "nobody": (lambda image: np.full_like(image, 120), ["nobody"]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_hinders_is_named_and_nothing_else(found, sitter, case):
    change, expected = CASES[case]
    assert found(change(sitter)) == expected


@pytest.mark.parametrize("name", ["man_a", "man_b", "man_c", "man_d", "woman_a", "woman_b", "woman_c"])
def test_a_good_portrait_is_good(found, shared_data, name):
    assert found(read_picture(shared_data / "portraits" / f"{name}.jpg")) == []


class Given(Detector):
    """Finds the faces it is given, picture by picture."""

    def __init__(self, *faces: list[Face]):
        super().__init__()
        self.faces = list(faces)

    def detect(self, image, near=(), everywhere=True):
        return self.faces.pop(0) if self.faces else []


def test_a_moment_without_a_face_does_not_matter(sitter):
    face = [Face(Box(240, 150, 170, 170))]
    conditions = Conditions(Given(face, *[[]] * 13, face, [], face))
    for _ in range(4):
        conditions.look(sitter)
    assert len(conditions.faces) == 3
    assert conditions.hindrances() == []


@pytest.mark.parametrize(("nose", "hindered"), [(0.55, False), (0.45, False), (0.36, True)])
def test_a_nose_near_the_eyes_is_seen_from_below(sitter, nose, hindered):
    """A tip that stands out by 0.46 of the distance from eyes to mouth moves by 0.2 at 25 degrees."""
    points = ((280.0, 200.0), (360.0, 200.0), (320.0, 200 + 80 * nose), (290.0, 280.0), (350.0, 280.0))
    conditions = Conditions(Given([Face(Box(240, 150, 170, 170), points=points)]))
    conditions.look(sitter)
    assert ("low" in [hindrance.name for hindrance in conditions.hindrances()]) == hindered


def test_points_are_where_the_face_is_at_any_size_of_the_picture(sitter, yunet):
    detector = YuNet(yunet)
    (small,), (large,) = (
        detector.detect(image) for image in (sitter, cv2.resize(sitter, None, fx=2.5, fy=2.5))
    )
    np.testing.assert_allclose(np.array(large.points) / 2.5, small.points, atol=6)
    right, left, nose, mouth, _ = small.points
    assert right[0] < nose[0] < left[0]
    assert right[1] < nose[1] < mouth[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        pytest.param(lambda image: image, 0, "This looks good.", id="good"),
        pytest.param(
            lambda image: np.uint8(image * 0.25),
            1,
            "Turn on a light in front of you.",
            id="dark",
        ),
    ],
)
def test_the_command_names_what_hinders_and_how_to_fix_it(
    yunet, sitter, tmp_path, capsys, monkeypatch, change, code, said
):
    monkeypatch.setenv("EXPRESSION_MODELS", str(yunet.parent))
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "me.png", change(sitter))
    assert app.main(["check", "--camera", "--source", "me.png"]) == code
    assert said in capsys.readouterr().out


def test_without_a_camera_the_command_says_so(monkeypatch, capsys):
    monkeypatch.setattr("expression.cli.check_camera.first_camera", lambda: None)
    assert app.main(["check", "--camera"]) == 2
    assert capsys.readouterr().err.startswith(
        "There is no camera. Expected a camera to look through. Plug one in"
    )


def test_the_demo_is_good_when_somebody_is_in_view(found):
    demo = Demo()
    demo.open()
    assert found(demo.picture(30)) == []
