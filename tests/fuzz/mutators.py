"""Changes to files, drawn from a seeded source: to bytes, text, JSON and DICOM."""

import copy
import json
import re
from random import Random
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

INTERESTING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\n"]
ODD_WORDS = [
    *["", " ", "0", "-1", "-0.0", "1.5", "1e300", "1e400", "-1e308", "NaN", "inf", "9" * 30],
    *["9" * 5000, "0x10", "1_000", "٣", "−1", "1,5", "None", "true", "null", "[]", "{}", "'", '"'],
    *["=1+1", "\n=1+1", "@x", "\x1b[31mred", "\u202egnp", "\x00", "\x85", "\r", "\t", "ü", "🦴"],
    *["../../etc/passwd", "/etc/passwd", "C:\\x", "a" * 3000, "L6/S1", "L4/L5", "Severe", "\ufeff"],
    *["1e-320", "2147483648", "-9223372036854775809", "1e19", "0.30000000000000004", "\ud800"],
]
ODD_VALUES: list[Any] = [
    *[None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 1.5, 1e300, -1e300, 1e-320],
    *[float("nan"), float("inf"), float("-inf"), "", "\ud800", "\x00", [], {}, [[]], [None]],
    *[{"": None}, [1, 2], [1, 2, 3], [1e300, 0], "1", "left", "L4/L5", [0] * 1000, "x" * 3000],
]
SYNTAXES = [
    *[ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless],
    *[DeflatedExplicitVRLittleEndian, JPEGLSLossless, JPEG2000Lossless, "1.2.3", ""],
]
# Of each VR, and of none.
ODD_TAGS: list[Any] = [
    *["", "0", "-1", "1e300", "NaN", "9" * 20, "A\\B\\C", "1\\0\\0\\0\\1\\0", "0\\0\\0\\0\\0\\0"],
    *["1\\1\\1\\1\\1\\1", "\x1b[31m", "9999-XX", "QQ", "a" * 300, "ISO_IR 999", "\\ISO 2022 IR 87"],
    *["MONOCHROME1", "RGB", "1.2.840.10008.5.1.4.1.1.4", "0\\0", "1e-300\\1e-300", "-1\\-1"],
]
ODD_NUMBERS = [0, 1, 2, 3, 7, 8, 12, 15, 16, 17, 31, 32, 64, 65535, 30000]


def mutate_bytes(random: Random, content: bytes) -> bytes:
    """Do one to four things that a bad disk, a bad program or an attacker does."""
    data = bytearray(content)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        run = min(len(data) - at, 2 ** random.randint(0, 12))
        match random.randrange(8):
            case 0 if data:
                at = min(at, len(data) - 1)
                data[at] ^= 1 << random.randrange(8)
            case 1:
                piece = random.choice(INTERESTING)
                data[at : at + len(piece)] = piece
            case 2:
                del data[at : at + run]
            case 3:
                data[at:at] = random.randbytes(run)
            case 4:
                data[at:at] = data[at : at + run]
            case 5:
                data[at : at + run] = bytes(run)
            case 6:
                del data[at:]
            case 7:
                # Most formats tell the most about themselves at their beginning.
                at = random.randrange(min(len(data), 400) + 1)
                data[at : at + 1] = random.choice(INTERESTING)
    return bytes(data)


def mutate_text(random: Random, text: str) -> bytes:
    """Change words, lines and separators; then perhaps the encoding, or single bytes."""
    for _ in range(random.randint(1, 3)):
        lines = text.split("\n")
        at = random.randrange(len(lines))
        match random.randrange(9):
            case 0 | 1 | 2 | 3:
                words = [word.span() for word in re.finditer(r"[^\s,;\"=:{}\[\]]+", text)]
                begin, end = random.choice(words or [(0, 0)])
                text = text[:begin] + random.choice(ODD_WORDS) + text[end:]
            case 4:
                del lines[at]
                text = "\n".join(lines)
            case 5:
                lines.insert(random.randrange(len(lines)), lines[at])
                text = "\n".join(lines)
            case 6:
                marks = ",;\"'=\n\t[]{}:\\#"
                text = text.replace(
                    random.choice(marks), random.choice(marks), random.choice([1, 9])
                )
            case 7:
                text = text.replace("\n", random.choice(["\r\n", "\r", "\n\n"]))
            case 8:
                place = random.randrange(len(text) + 1)
                deep = random.choice(["[", '{"a":', "a.", "(", '"']) * random.choice(
                    [3, 2000, 60_000]
                )
                text = text[:place] + deep + text[place:]
    coding = random.choice([*["utf-8"] * 8, "utf-8-sig", "latin-1", "utf-16", "utf-32"])
    content = text.encode(coding, "surrogatepass" if coding.startswith("utf") else "replace")
    return mutate_bytes(random, content) if random.random() < 0.2 else content


def mutate_json(random: Random, document: Any) -> bytes:
    """Change one to three values or keys of a JSON document; sometimes its text."""
    document = json.loads(json.dumps(document))
    for _ in range(random.randint(1, 3)):
        parent, key = _place(random, document)
        if parent is None:
            document = _odd(random)
        elif random.random() < 0.2:
            del parent[key]
        elif random.random() < 0.2 and isinstance(parent, dict):
            parent[random.choice(ODD_WORDS)] = copy.deepcopy(parent[key])
        elif isinstance(parent[key], str) and random.random() < 0.5:
            parent[key] = random.choice(ODD_WORDS)
        else:
            parent[key] = _odd(random)
    text = json.dumps(document)
    if random.random() < 0.3:
        return mutate_text(random, text)
    return text.encode()


def _odd(random: Random) -> Any:
    # A copy: what is put into it afterwards must not be there in the next case.
    return copy.deepcopy(random.choice(ODD_VALUES))


def _place(random: Random, document: Any) -> tuple[Any, Any]:
    """Somewhere in a document: what holds it, and its key there; of the document itself none."""
    parent, key = None, None
    here = document
    while isinstance(here, dict | list) and here and (parent is None or random.random() < 0.7):
        parent, key = (
            here,
            random.choice(list(here) if isinstance(here, dict) else range(len(here))),
        )
        here = parent[key]
    return parent, key


def mutate_dataset(random: Random, dataset: Dataset) -> None:
    """Take elements away, or give them values that they should not have."""
    for _ in range(random.randint(1, 4)):
        element = random.choice(list(dataset) or [None])
        if element is None:
            return
        if random.random() < 0.3:
            del dataset[element.tag]
            continue
        odd = random.choice(ODD_NUMBERS if element.VR in {"US", "SS", "UL"} else ODD_TAGS)
        if element.VR in {"OW", "OB"}:
            odd = element.value[: random.choice([0, 1, 7, len(element.value) // 2])]
        if element.VR == "SQ":
            continue
        try:
            dataset[element.tag] = pydicom.DataElement(element.tag, element.VR, odd, 0, False, 0)
        except (ValueError, TypeError, OverflowError):
            # Numbers are read when they are set; as bytes, they are taken as they come.
            length = len(str(odd)) + len(str(odd)) % 2
            raw = str(odd).encode("utf-8", "replace").ljust(length)
            dataset._dict[element.tag] = pydicom.dataelem.RawDataElement(
                element.tag, element.VR, len(raw), raw, 0, False, True
            )


def change_syntax(random: Random, dataset: Dataset) -> None:
    """Say that the file is encoded in another way than it is, or encode it so."""
    syntax = random.choice(SYNTAXES)
    if syntax in {RLELossless} and random.random() < 0.5:
        dataset.compress(syntax)
    else:
        dataset.file_meta.TransferSyntaxUID = syntax
