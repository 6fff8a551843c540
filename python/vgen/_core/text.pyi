"""
CLIP's tokenizer and the cleaning of captions
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import typing
__all__: list[str] = ['Tokenizer', 'Tokens', 'clean']
class Tokens:
    """
    What Tokenizer.tokenize gives.
    """
    def __len__(self) -> int:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def context_length(self) -> int:
        """
        Columns of ids: the window.
        """
    @property
    def dropped_words(self) -> list[list[str]]:
        """
        [n] cleaned words that did not fit, wholly or in part; empty if all did
        """
    @property
    def ids(self) -> numpy.typing.NDArray[numpy.int32]:
        """
        int32 [n, context_length], padded with 0
        """
    @property
    def lengths(self) -> list[int]:
        """
        [n] ids used, start and end included
        """
class Tokenizer:
    """
    CLIP's tokenizer: byte-level BPE over cleaned, lower-case text (Radford et al. 2021, section 2.4; Sennrich et al.
    2016). Gives the ids of open_clip's SimpleTokenizer. Stateless after construction, so one object serves all threads.

      const auto& t = text::Tokenizer::clip();
      auto tokens = t.tokenize({"a green frog"});    // tokens.ids [1 * 77]: 49406, 320, 1901, 11438, 49407, 0, ...
    """
    @staticmethod
    def clip() -> Tokenizer:
        """
        The tokenizer of CLIP, open_clip and Stable Diffusion, from the vocabulary inside the library. Built once, in about
        a millisecond.
        """
    @staticmethod
    def from_merges(path: os.PathLike | str | bytes, max_merges: typing.SupportsInt = 48894) -> Tokenizer:
        """
        From a text file with one merge "a b" a line (merges.txt of transformers, or the unpacked vocabulary of open_clip);
        a first line that is a header is skipped and at most `max_merges` are used. IoError; FormatError with the line.
        """
    def __repr__(self) -> str:
        ...
    def decode(self, ids: collections.abc.Sequence[typing.SupportsInt]) -> str:
        """
        The text of ids: a space after each word, U+FFFD for bytes that are no UTF-8. ConfigError for an id outside the
        vocabulary.
        """
    def encode(self, text: str) -> list[int]:
        """
        Ids of a text without start and end, not cut. ConfigError: not UTF-8, or longer than kMaxBytes.
        """
    @typing.overload
    def tokenize(self, texts: collections.abc.Sequence[str], context_length: typing.SupportsInt = 77) -> Tokens:
        """
        Rows of `context_length` ids: start, text, end, zeros. A longer text is cut and its last id is the end.
        """
    @typing.overload
    def tokenize(self, texts: str, context_length: typing.SupportsInt = 77) -> Tokens:
        ...
    @property
    def end_id(self) -> int:
        """
        Id of the end token.
        """
    @property
    def start_id(self) -> int:
        """
        Id of the start token.
        """
    @property
    def vocab_size(self) -> int:
        """
        Number of ids.
        """
def clean(text: str) -> str:
    """
    What CLIP's tokenizer does to a caption before it splits it: repair of mis-decoded text, HTML entities, white space,
    lower case.

    `repair` follows the behaviour of ftfy 6.3.1's fix_text with its defaults (R. Speer, "ftfy: fixes text for you",
    Zenodo 2019), because the vocabulary was trained on captions that went through it. Equal on the goldens and on the
    generated strings of tests/python/test_tokenizer_long.py.

    repair, unescape twice, white space to single spaces, lower case; UTF-8 in and out. ConfigError if the text is not
    UTF-8.
    """
