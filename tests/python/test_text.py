"""The tokenizer from Python."""

from pathlib import Path

import numpy as np
import pytest

import vgen
from vgen import text

ROOT = Path(__file__).resolve().parents[2]


def test_ids():
    tokenizer = text.Tokenizer.clip()
    tokens = tokenizer.tokenize("a green frog")
    assert tokens.ids.dtype == np.int32 and tokens.ids.shape == (1, 77) and len(tokens) == 1
    assert tokens.ids[0, :6].tolist() == [49406, 320, 1901, 11438, 49407, 0]
    assert tokenizer.decode(tokenizer.encode("A  GREEN frog!")).strip() == "a green frog !"
    assert tokenizer.vocab_size == 49408 and (tokenizer.start_id, tokenizer.end_id) == (49406, 49407)


def test_dropped_words():
    tokens = text.Tokenizer.clip().tokenize(["short", "one two three four five"], context_length=5)
    assert tokens.ids.shape == (2, 5) and tokens.lengths == [3, 5]
    assert tokens.dropped_words == [[], ["four", "five"]]


def test_cleaning():
    assert text.clean("  Caf\u00c3\u00a9 &amp;amp; M\u00dcSLI ") == "café & müsli"
    with pytest.raises(vgen.ConfigError):
        text.Tokenizer.clip().encode("x" * 2_000_000)
