"""How much gold each kind of candidate can represent, for three tokenizers, in scripts with and without spaces.

    python benchmarks/candidates.py [--datasets ../shared/datasets]        (a few minutes of one core)

Words are those of our splitter (text format) or of the file (token format). Subwords are those of MiniLM's WordPiece, of
a byte-level tokenizer without merges (as ByT5's), and of one token per character. Nothing here depends on the machine.
Every candidate of a gold span is taken back to its text: by its character offsets it must be one of the spans in the
file, and what its subwords decode to must be its text, where the tokenizer loses nothing (bytes, characters). A span for
which that does not hold stops the run.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common import RESULTS, machine, write_table
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from spanmatch.batching.candidates import CANDIDATES, TokenizedText, Unrepresentable, tokenize_texts
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import Example
from spanmatch.model.pretrained import DEFAULT_ENCODER, resolve_encoder

SETS = {"uner_zh_gsd": "Chinese", "thai_ner": "Thai", "conll2003": "English", "wnut17": "English", "stackoverflow_ner": "English"}
WIDTHS = (8, 12, 20, 32)
ANY_WIDTH = 1 << 20
CHUNK = 512  # texts tokenised at a time

Span = tuple[int, int, str]


def wordpiece() -> PreTrainedTokenizerFast:
    """The tokenizer of the default encoder: English, lower case."""
    return AutoTokenizer.from_pretrained(resolve_encoder(DEFAULT_ENCODER), trust_remote_code=False)


def byte_level() -> PreTrainedTokenizerFast:
    """One token per byte of UTF-8."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={symbol: index for index, symbol in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def character_level(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """One token per code point that occurs in the texts."""
    characters = sorted({character for text in texts for character in text} | {"a"})
    tokenizer = Tokenizer(models.WordLevel({character: index for index, character in enumerate(characters)}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


@dataclass(kw_only=True)
class Count:
    """Gold spans of a data set under one kind of candidate. `widths` are those of the spans that have a candidate."""

    lost: Unrepresentable = field(default_factory=Unrepresentable)
    widths: Counter[int] = field(default_factory=Counter)
    num_decoded: int | None = None

    def share_within(self, width: int) -> float:
        """The share of gold with a candidate of at most `width` units."""
        return sum(count for own, count in self.widths.items() if own <= width) / self.lost.num_gold


def count(
    examples: Sequence[Example],
    in_file: Sequence[set[Span]],
    tokenizing: SequenceTokenizer,
    candidates: str,
    *,
    is_lossless: bool,
) -> Count:
    """Count gold by the width of its candidate, and take every candidate back to its text."""
    found = Count(num_decoded=0 if is_lossless else None)
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        texts = tokenize_texts(chunk, tokenizing, candidates=candidates, max_span_width=ANY_WIDTH, lost=found.lost)
        for text, spans in zip(texts, in_file[start : start + CHUNK], strict=True):
            for first, width, label in text.gold:
                _take_back(text, first, first + width, label, spans, tokenizing if is_lossless else None)
                found.widths[width + 1] += 1
    if is_lossless:
        found.num_decoded = found.widths.total()
    assert found.widths.total() + found.lost.num_lost == found.lost.num_gold == sum(map(len, in_file))
    return found


def _take_back(
    text: TokenizedText, first: int, last: int, label: str, in_file: set[Span], tokenizing: SequenceTokenizer | None
) -> None:
    """Stop, unless a candidate is a span of the file by its offsets and, where a tokenizing is given, by its subwords."""
    units, source = text.units, text.example.text
    start, end = int(units.start_char[first]), int(units.end_char[last])
    assert (start, end, label) in in_file, f"{text.example.where}: [{start}, {end}) {label} is not in the file"
    if tokenizing is not None:
        ids = text.token_ids[units.first_token[first] : units.last_token[last] + 1]
        decoded = tokenizing.backend.decode(list(ids), skip_special_tokens=False).strip()
        assert decoded == source[start:end], f'{text.example.where}: "{decoded}" is not "{source[start:end]}"'


def spans_in_file(paths: Sequence[Path]) -> list[set[Span]]:
    """The gold spans as the files have them, read without our reader."""
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return [{(span["start"], span["end"], span["label"]) for span in row["char_spans"]} for row in rows]


def main() -> None:
    """Count, and write `results/candidates.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), metavar="DIR")
    folder = parser.parse_args().datasets
    header = [
        "data set",
        "language",
        "candidates",
        "tokenizer",
        "gold",
        "off boundary",
        *(f"within {w}" for w in WIDTHS),
        "widest",
    ]
    rows, num_spans, num_decoded = [], 0, 0
    for name, language in SETS.items():
        files = [path for path in (folder / name / f"{split}.jsonl" for split in ("train", "dev", "test")) if path.is_file()]
        corpora = {format: read_corpus([*map(str, files)], format=format).examples for format in ("text", "tokens")}
        in_file = spans_in_file(files)
        tokenizers = {
            "WordPiece": wordpiece(),
            "bytes": byte_level(),
            "characters": character_level([example.text for example in corpora["text"]]),
        }
        kinds = [("words (ours)", "text", "words"), ("words (the file's)", "tokens", "words"), ("subwords", "text", "subwords")]
        assert {kind[2] for kind in kinds} == set(CANDIDATES)
        for shown, format, candidates in kinds:
            for tokenizer_name, tokenizer in tokenizers.items():
                tokenizing = SequenceTokenizer.of(tokenizer, ANY_WIDTH)
                is_lossless = tokenizer_name != "WordPiece"
                found = count(corpora[format], in_file, tokenizing, candidates, is_lossless=is_lossless)
                num_spans += found.widths.total()
                num_decoded += found.num_decoded or 0
                shares = [f"{found.share_within(width):.2%}" for width in WIDTHS]
                counts = [str(found.lost.num_gold), str(found.lost.off_boundary)]
                rows.append([name, language, shown, tokenizer_name, *counts, *shares, str(max(found.widths))])
    facts = {key: value for key, value in machine().items() if key in {"versions", "commit"}}
    facts["round trip"] = (
        f"all {num_spans} candidates of gold are spans of their file; "
        f"all {num_decoded} of bytes and characters decode to their text"
    )
    doc = "The share of gold spans that have a candidate of at most so many units (words or subwords), all splits together."
    write_table(
        RESULTS / "candidates.md", title="Gold that candidates can represent", doc=doc, header=header, rows=rows, facts=facts
    )


if __name__ == "__main__":
    main()
