"""Names of labels and splits in other datasets: words, misspellings, and the numbers of known datasets.

`folders.py`, `file_lists.py` and `pixel_tables.py` look up each folder name and each cell of a
table. An unknown name stays unknown: nothing here is a guess.

Notebook: 04_labels_and_data
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from ..labels import FER2013, Labels

WORDS = {
    "angry": "angry anger angered angery angrey agry ang angrily enraged furious fury mad rage",
    "disgust": "disgust disgusted disgusting disgusts digust disgut disguist disgus dis revulsion repulsed",
    "fear": "fear fearful fearfull feared fears fea afraid fright frightened scared scare scary terrified",
    "happy": "happy happiness happines hapiness happyness hapy hap cheerful glad happily joy joyful joyous",
    "sad": "sad sadness sadnes sadly sorrow sorrowful unhappy",
    "surprise": "surprise surprised surprising suprise suprised surprize surprized surpise surpised surprice "
    "sur amazed astonished astonishment shock shocked",
    "neutral": "neutral neutrality nuetral netural neutal nutral natural normal neu calm calmness "
    "emotionless expressionless noemotion noexpression",
    "contempt": "contempt contemptuous contemptful contemp disdain scorn",
    "none": "none",
    "uncertain": "uncertain unknown unsure",
    "no face": "noface nonface",
}
"""Words for each label, in lower case; the last three are not labels."""

NO_LABELS = ("none", "uncertain", "no face")
"""Names for pictures without an expression or without a face; they are left out and counted."""

CODES = {
    **{"an": "angry", "af": "fear", "co": "contempt", "di": "disgust", "fe": "fear", "ha": "happy"},
    **{"ne": "neutral", "sa": "sad", "su": "surprise"},
}
"""Two letters for a label, as JAFFE and KDEF write them in their file names."""

SPLIT_WORDS = {
    "training": "train training trn trains trainset traindata trainingset",
    "validation": "val valid validation validate validating vali dev devel development valset "
    "validset publictest",
    "test": "test testing tests tst testset testdata heldout holdout privatetest",
}
"""Words for each split. FER2013 calls validation and test PublicTest and PrivateTest."""

_BESIDE = (
    "face faces facial image images img imgs picture pictures pic pics photo photos expression expressions "
    "emotion emotions emo exp label labels class classes category categories person people "
    "the of and with my our all full set sets data dataset datasets split splits part subset folder dir "
    "fer ferplus raf rafdb db affectnet afew ck ckplus kdef jaffe "
    "aligned cropped crop resized gray grey original orig final new copy clean cleaned aug augmented balanced"
)
NOISE = frozenset(_BESIDE.split())
"""Words next to the one that matters, as in "happy_faces" or "FER2013Train"."""

_COUNTED = "class classes category label labels emotion emotions expression expressions emo exp"
NUMBERED = frozenset(_COUNTED.split())
"""Words next to a number that stands for a label, as in "class_3"."""

NUMBERS = {
    "FER2013": (0, "angry disgust fear happy sad surprise neutral contempt"),
    "AffectNet": (0, "neutral happy sad surprise fear disgust angry contempt none uncertain noface"),
    "RAF-DB": (1, "surprise fear disgust happy sad angry neutral"),
    "CK+": (0, "neutral angry contempt disgust fear happy sad surprise"),
}
"""The first number of each dataset, and what its numbers stand for.

FER2013 does not have contempt; CK+ in FER2013's form numbers it 7.

Source: https://arxiv.org/abs/1307.0414, https://arxiv.org/abs/1708.03985 (AffectNet),
http://www.whdeng.cn/raf/model1.html (RAF-DB), https://doi.org/10.1109/CVPRW.2010.5543262 (CK+)
"""

_MEANING = {word: name for name, words in WORDS.items() for word in words.split()}
_SPLIT = {word: name for name, words in SPLIT_WORDS.items() for word in words.split()}


@lru_cache(maxsize=4096)  # called for each of thousands of pictures
def meaning(name: str) -> str | None:
    """Returns which label a name stands for in plain English, or None.

    Case, numbers and words such as "faces" or "train" are ignored; any other unknown word
    makes the result None.

    Example:
        >>> [meaning(name) for name in ("3_Happiness", "suprised faces", "not happy", "happy_sad")]
        ['happy', 'surprise', None, None]
    """
    if (whole := "".join(_words(name))) in _MEANING:  # "no face", though a face beside another word is noise
        return _MEANING[whole]
    words = [word for word in _words(name) if word not in NOISE and word not in _SPLIT]
    if "".join(words) in _MEANING:
        return _MEANING["".join(words)]
    meant = {_MEANING.get(word) for word in words}
    return meant.pop() if len(meant) == 1 else None


@lru_cache(maxsize=4096)
def split_meant(name: str) -> str | None:
    """Returns the split that a name stands for, "training", "validation" or "test", or None.

    Example:
        >>> [split_meant(name) for name in ("Train", "FER2013Valid", "PrivateTest", "train_test", "misc")]
        ['training', 'validation', 'test', None, None]
    """
    words = [word for word in _words(name) if word not in NOISE and word not in _MEANING]
    joined = "".join(words)
    if joined in _SPLIT:
        return _SPLIT[joined]
    meant = {_SPLIT.get(word) for word in words}
    return meant.pop() if len(meant) == 1 else None


def says_nothing(name: str) -> bool:
    """Returns whether a folder's name is that of a split, or of pictures of any kind.

    Example:
        >>> [says_nothing(name) for name in ("train", "images", "all faces", "joie", "01")]
        [True, True, True, False, False]
    """
    words = _words(name)
    return bool(split_meant(name)) or (bool(words) and NOISE.issuperset(words))


@lru_cache(maxsize=4096)
def label_meant(word: str, labels: Labels) -> str | None:
    """Returns which of some labels a word in a dataset means, or None.

    Example:
        >>> label_meant("3_happiness", Labels(["Happy", "Sad"]))
        'Happy'
    """
    exactly = {_plain(label): label for label in labels}
    meant = {meaning(label): label for label in reversed(labels)}
    return exactly.get(_plain(word)) or (meaning(word) and meant.get(meaning(word)))


def misspelt(name: str) -> str | None:
    """Returns the label that a name stands for if it is one letter away from a known word, or None.

    Example:
        >>> [misspelt(name) for name in ("nuetrall", "danger", "fair")]
        ['neutral', None, None]
    """
    (word, *more) = [w for w in _words(name) if w not in NOISE and w not in _SPLIT] or [""]
    if more or len(word) < 5:
        return None
    near = {name for known, name in _MEANING.items() if len(known) >= 5 and _is_a_slip(word, known)}
    return near.pop() if len(near) == 1 else None


def number_meant(name: str) -> int | None:
    """Returns a folder's name as a number if it may stand for a label; 01 could just as well be January.

    Example:
        >>> [number_meant(name) for name in ("3", "class_03", "01", "part 1", "2024")]
        [3, 3, None, None, None]
    """
    numbers, words = re.findall(r"\d+", name), _words(name)
    if len(numbers) != 1 or len(numbers[0]) > 3 or not NUMBERED.issuperset(words):
        return None
    number = int(numbers[0])
    return number if number < 100 and (words or numbers[0] == str(number)) else None


def numeral(cell: str) -> int | None:
    """Returns a cell of a table as a whole number, or None; programs also write 3 as 3.0 or 3,0.

    Example:
        >>> [numeral(cell) for cell in ("3", " 3.0", "3,00", "3.5", "three")]
        [3, 3, 3, None, None]
    """
    found = re.fullmatch(r"([+-]?\d{1,3})(?:[.,]0*)?", cell.strip().strip("'\""), re.ASCII)
    return int(found[1]) if found else None


def numbers_of(known: str, shift: int = 0) -> dict[int, str]:
    """Returns what the numbers of a known dataset stand for, in the words of `meaning`.

    Args:
        known: One of NUMBERS.
        shift: Added to its first number.
    """
    first, words = NUMBERS[known]
    return {first + shift + place: _MEANING[word] for place, word in enumerate(words.split())}


def canonical(names: Iterable[str]) -> Labels:
    """Returns the user's labels, with those of FER2013 in its spelling.

    Example:
        >>> canonical(["happy", "SAD", "wink"])
        Labels(['Happy', 'Sad', 'wink'])
    """
    usual = Labels([*FER2013, "Contempt"])
    return Labels(usual.find(name) or name for name in names)


def _plain(name: str) -> str:
    """Returns a name normalised in case, Unicode form and what separates its words."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", name).casefold()).strip()


def _words(name: str) -> list[str]:
    """Returns the words in a name, in lower case, without numbers: "FER2013Train" gives fer and train."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", parted).casefold())


def _is_a_slip(word: str, known: str) -> bool:
    """Returns whether two words start alike and differ by one letter, or by two swapped ones."""
    if word[0] != known[0] or abs(len(word) - len(known)) > 1:
        return False
    first = next((i for i, (a, b) in enumerate(zip(word, known)) if a != b), min(len(word), len(known)))  # noqa: B905
    rest, other = word[first:], known[first:]
    swapped = rest[:2] == other[:2][::-1] and rest[2:] == other[2:]
    return swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]
