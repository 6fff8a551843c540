"""Ids of vgen's tokenizer against open_clip's on 100,000 generated strings, and the speed of both (slow, needs open_clip).

The strings come from a fixed seed and mix what captions contain with what breaks tokenizers: mojibake of every encoding that ftfy
knows, entities, marks and exotic scripts, controls, ligatures, widths, contractions, markers, long runs.
"""

import html.entities
import os
import random
import re
import struct
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORDS = [
    "a",
    "red",
    "circle",
    "moving",
    "left",
    "on",
    "black",
    "background",
    "the",
    "photo",
    "of",
    "dog",
    "cat",
    "running",
    "through",
    "snow",
    "it's",
    "don't",
    "they'd've",
    "we'll",
    "I'm",
    "café",
    "naïve",
    "Straße",
    "ÉCOLE",
    "İstanbul",
    "ΟΔΟΣ",
    "Привет",
    "мир",
    "你好",
    "世界",
    "こんにちは",
    "한국어",
    "नमस्ते",
    "مرحبا",
    "שלום",
    "4k",
    "1080p",
    "3.14",
    "state-of-the-art",
    "supercalifragilistic",
    "o'clock",
    "😀",
    "👨\u200d👩\u200d👧",
    "½",
    "²",
    "Ⅳ",
    "٣٤",
    "ﬁ",
    "ﬄ",
    "Ĳ",
    "ǅ",
    "ŉ",
    "ＬＯＵＤ",
    "ｶﾞ",
    "“smart”",
    "‘quotes’",
    "…",
    "—",
    "à",
    "la",
    "mode",
    "voilà",
    "São",
    "Paulo",
    "Łódź",
    "Škoda",
]
CODECS = ["latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "iso-8859-2", "mac_roman", "cp437"]
ENTITIES = sorted(html.entities.html5)
PIECES = [
    "<start_of_text>",
    "<END_OF_TEXT>",
    "&lt;end_of_text&gt;",
    "<ſtart_of_text>",
    "<",
    "<b>",
    "&",
    ";",
    "'",
    "'s",
    "'ſ",
    "''ll",
    "\x1b[31;1m",
    "\x1b[٣m",
    "\r\n",
    "\r",
    "\n",
    "\u2028",
    "\x85",
    "\x00",
    "\x0b",
    "\x1c",
    "\x7f",
    "\ufeff",
    "\u200b",
    "\u00ad",
    "\ufffd",
    "\u0345",
    "Σ",
    "ΑΣ",
    "Σ.",
    "\u0301",
    "\u0308\u0323",
    "…",
    "Ã ",
    "Â ",
    "à s",
    "Ã¢â‚¬â„¢",
    "â€œ",
    "â€�",
    "\x1a",
    "  ",
    "\t",
    "\u3000",
    "\xa0",
    "???",
    "!!!",
    "*",
    "#1",
    "</w>",
    "_",
    "İ",
    "ẞ",
    "K",
    "Å",
]


def mojibake(r):
    text = (
        r.choice(WORDS)
        if r.random() < 0.6
        else "".join(
            chr(r.choice([r.randrange(0x80, 0x800), r.randrange(0x2000, 0x2700), r.randrange(0x1F300, 0x1F700)]))
            for _ in range(r.randrange(1, 4))
        )
    )
    for _ in range(r.choice([1, 1, 1, 2, 3])):
        try:
            raw = text.encode("utf-8", "surrogatepass")
            if r.random() < 0.1:
                raw = raw.replace(b"\xa0", b" ")
            if r.random() < 0.05:
                raw = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8", "replace")
            codec = r.choice(CODECS)
            text = raw.decode("sloppy-windows-" + codec[2:] if codec.startswith("cp12") else codec, "replace")
        except (UnicodeError, LookupError):
            break
    return text


def entity(r):
    kind = r.random()
    if kind < 0.5:
        name = r.choice(ENTITIES)
        if r.random() < 0.2:
            name = name.upper()
        if r.random() < 0.2:
            name = name.rstrip(";") + r.choice(["x", ";", " ", "é", "1"])
        return "&" * 1 + ("amp;" if r.random() < 0.1 else "") + name
    number = r.choice([r.randrange(0x100), r.randrange(0x3000), r.randrange(0x120000), 0xD800, 0xFFFF, 59, 38])
    return (f"&#{number}" if r.random() < 0.5 else "&#{}{:x}".format(r.choice("xX"), number)) + r.choice([";", ";", "", "z"])


def scramble(r):
    where = r.choice(
        [
            (0, 0x100),
            (0x80, 0x250),
            (0x300, 0x600),
            (0x900, 0x1000),
            (0x1100, 0x1200),
            (0x1E00, 0x2100),
            (0x2100, 0x2C00),
            (0x3040, 0x3200),
            (0xA640, 0xAC00),
            (0xF900, 0x10000),
            (0x10000, 0x11000),
            (0x1D100, 0x1D800),
            (0xAC00, 0xD7B0),
            (0, 0x110000),
        ]
    )
    return "".join(c for c in (chr(r.randrange(*where)) for _ in range(r.randrange(1, 8))) if not "\ud800" <= c <= "\udfff")


def generate(r):
    parts = []
    for _ in range(r.randrange(0, 9)):
        k = r.random()
        if k < 0.4:
            w = r.choice(WORDS)
            parts.append(w.upper() if r.random() < 0.1 else w)
        elif k < 0.55:
            parts.append(mojibake(r))
        elif k < 0.67:
            parts.append(entity(r))
        elif k < 0.85:
            parts.append(r.choice(PIECES))
        elif k < 0.97:
            parts.append(scramble(r))
        else:
            parts.append(r.choice("xab!9'é好") * r.randrange(1, 200))
        if r.random() < 0.6:
            parts.append(" ")
    return "".join(parts)


def program():
    named = os.environ.get("VGEN_TEST_TEXT")
    found = [Path(named)] if named else sorted(ROOT.glob("build/*/tests/cpp/test_text"), key=lambda p: p.stat().st_mtime)
    return found[-1] if found else None


def compare(texts, tokenizer, path):
    """Returns (seconds of open_clip, seconds of vgen); fails on the first differences."""
    begin = time.perf_counter()
    ids = [tokenizer.encode(t) for t in texts]
    theirs = time.perf_counter() - begin
    with open(path, "wb") as f:
        for text, row in zip(texts, ids, strict=False):
            raw = text.encode()
            f.write(struct.pack("<II", len(raw), len(row)) + raw + struct.pack(f"<{len(row)}I", *row))
    done = subprocess.run(
        [program(), "--gtest_filter=TokenizerLong.*"],
        env={**os.environ, "VGEN_TOKENIZER_RECORDS": str(path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
    compared, ours = re.search(r"compared (\d+) strings, ours ([0-9.]+) s", done.stdout).groups()
    assert int(compared) == len(texts)
    return theirs, float(ours)


@pytest.mark.slow
@pytest.mark.compare
def test_generated_strings(tmp_path):
    open_clip = pytest.importorskip("open_clip")
    if program() is None:
        pytest.skip("build the target test_text first")
    r = random.Random(int(os.environ.get("VGEN_SEED", "20240607")))
    texts = [generate(r) for _ in range(int(os.environ.get("VGEN_STRINGS", "100000")))]
    compare(texts, open_clip.tokenizer.SimpleTokenizer(), tmp_path / "records.bin")


@pytest.mark.slow
@pytest.mark.compare
def test_three_times_faster_on_prompts(tmp_path):
    open_clip = pytest.importorskip("open_clip")
    if program() is None:
        pytest.skip("build the target test_text first")
    r = random.Random(5)
    plain = [w for w in WORDS if w.isascii()]
    texts = [" ".join(r.choice(plain) for _ in range(r.randrange(5, 25))) for _ in range(2000)]
    tokenizer = open_clip.tokenizer.SimpleTokenizer()
    compare(texts, tokenizer, tmp_path / "warm.bin")  # fills its cache
    theirs, ours = compare(texts, tokenizer, tmp_path / "records.bin")
    print(f"open_clip {theirs / len(texts) * 1e6:.1f} us, vgen {ours / len(texts) * 1e6:.2f} us a prompt")
    assert theirs >= 3 * ours
