"""Statistics of data: counts made by hand on small files, in both formats, as dict, as JSON and as tables."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import ROOT, run_in_process
from transformers import AutoTokenizer, ByT5Tokenizer

from spanmatch.cli import main as cli
from spanmatch.errors import InputError
from spanmatch.evaluation.data_stats import corpus_stats
from spanmatch.evaluation.options import StatsOptions
from spanmatch.model.pretrained import DEFAULT_ENCODER, resolve_encoder
from spanmatch.prediction.shipped import DEFAULT_MODEL


def span(start: int, end: int, label: str) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def write(path: Path, *lines: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


def stats_of(
    *files: str, format: str = "text", width: int = 3, tokenizer: str = DEFAULT_ENCODER, **options: Any
) -> dict[str, Any]:
    return corpus_stats(StatsOptions(files=files, format=format, tokenizer=tokenizer, max_span_width=width, **options))


@pytest.fixture
def first(tmp_path: Path) -> str:
    """Nested, off a word boundary, crossing, one span with two labels, an empty text, a text twice."""
    (tmp_path / "labels.json").write_text(json.dumps({"person": "a human being", "org": "an organization"}))
    # WordPiece: anna smith flew to tokyo ##20 ##20 .
    flight = {"text": "Anna Smith flew to Tokyo2020 ."}
    council = {"text": "The New York City Council met ."}
    return write(
        tmp_path / "first.jsonl",
        flight | {"char_spans": [span(0, 10, "person"), span(0, 4, "given name"), span(19, 24, "city")]},
        council | {"char_spans": [span(4, 17, "city"), span(4, 17, "org"), span(8, 25, "org")]},
        {"text": "", "char_spans": []},
        {"text": "It rained .", "char_spans": []},
        {"text": "It rained .", "char_spans": []},
    )


@pytest.fixture
def second(tmp_path: Path) -> str:
    """A text that the first file has, a span that is too wide, and one that ends within a subword."""
    return write(
        tmp_path / "second.jsonl",
        {"text": "It rained .", "char_spans": []},
        {"text": "a b c d e f", "char_spans": [span(0, 11, "org")]},
        {"text": "Anna met Bob", "char_spans": [span(0, 2, "person")]},
    )


def test_sizes(first: str) -> None:
    own = stats_of(first)["sources"][0]
    assert own["source"] == first
    assert (own["num_texts"], own["num_empty_texts"], own["num_duplicate_texts"]) == (5, 1, 1)
    assert own["words"] == {"mean": 3.8, "p50": 3, "p95": 7, "max": 7}
    assert own["subwords"] == {"mean": 4.2, "p50": 3, "p95": 8, "max": 8}
    assert own["num_spans"] == 6
    assert own["share_without_span"] == 3 / 5


def test_types(first: str) -> None:
    found = stats_of(first)["sources"][0]["types"]
    counts = {"city": 2, "given name": 1, "org": 2, "person": 1}
    assert {label: entry["num_spans"] for label, entry in found.items()} == counts
    assert {label for label, entry in found.items() if entry["has_description"]} == {"org", "person"}
    # Without "labels" on a line, a text is annotated for all that occurs in its file.
    assert {entry["num_texts"] for entry in found.values()} == {5}


def test_types_are_counted_where_they_were_annotated(tmp_path: Path) -> None:
    line = {"text": "Anna met Bob", "labels": ["person"], "char_spans": [span(0, 4, "person")]}
    file = write(tmp_path / "own.jsonl", line, {"text": "It rained", "labels": ["person", "MISC", "city"], "char_spans": []})
    found = stats_of(file)["total"]["types"]
    assert {label: entry["num_texts"] for label, entry in found.items()} == {"MISC": 1, "city": 1, "person": 2}
    assert found["MISC"] == {"name": "miscellaneous", "has_description": False, "num_texts": 1, "num_spans": 0}


def test_two_spellings_of_a_type_are_counted_as_one(tmp_path: Path) -> None:
    """... in a source, and in the total of sources that each have their own."""
    line = {"text": "Anna met Bob", "char_spans": [span(0, 4, "person"), span(9, 12, "PER")]}
    both = write(tmp_path / "both.jsonl", line)
    other = write(tmp_path / "other.jsonl", {"text": "Anna left", "char_spans": [span(0, 4, "Person")]})
    stats = stats_of(both, other)
    assert {label: entry["num_spans"] for label, entry in stats["sources"][0]["types"].items()} == {"PER": 2}
    assert stats["total"]["types"] == {"PER": {"name": "person", "has_description": False, "num_texts": 2, "num_spans": 3}}


def test_widths_and_overlaps(first: str) -> None:
    own = stats_of(first)["sources"][0]
    assert own["span_widths"]["words"] == {"1": 2, "2": 1, "3": 3}
    assert own["span_widths"]["subwords"] == {"mean": 13 / 6, "p50": 2, "p95": 3, "max": 3}
    assert own["overlaps"] == {"nested": 1, "crossing": 1, "several_labels": 1, "num_texts": 2}


def test_gold_without_a_candidate(first: str, second: str) -> None:
    stats = stats_of(first, second)
    nothing = {"num_gold": 6, "num_lost": 0, "share": 0.0, "off_boundary": 0, "across_lines": 0, "too_wide": {}}
    in_first, in_second = (own["unrepresentable"] for own in stats["sources"])
    assert in_first == {"words": nothing | {"num_lost": 1, "share": 1 / 6, "off_boundary": 1}, "subwords": nothing}
    lost = {"num_gold": 2, "num_lost": 2, "share": 1.0, "off_boundary": 1, "across_lines": 0, "too_wide": {"6": 1}}
    assert in_second == {"words": lost, "subwords": lost}
    assert stats["total"]["unrepresentable"]["words"] == lost | {
        "num_gold": 8, "num_lost": 3, "share": 3 / 8, "off_boundary": 2
    }  # fmt: skip


def test_duplicates_within_and_between_sources(first: str, second: str, tmp_path: Path) -> None:
    third = write(tmp_path / "third.jsonl", {"text": "it rained .", "char_spans": []}, {"text": "", "char_spans": []})
    stats = stats_of(first, second, third)
    # Neither another case nor an empty text makes a duplicate.
    assert stats["shared_texts"] == [{"sources": [first, second], "num_texts": 1}]
    assert [own["num_duplicate_texts"] for own in stats["sources"]] == [1, 0, 0]
    assert stats["total"]["num_duplicate_texts"] == 2
    assert (stats["total"]["num_texts"], stats["total"]["num_empty_texts"], stats["total"]["num_spans"]) == (10, 2, 8)


def test_total_of_one_source_is_that_source(first: str) -> None:
    stats = stats_of(first)
    assert stats["sources"] == [{"source": first} | stats["total"]]


def test_texts_longer_than_the_window(tmp_path: Path) -> None:
    lines = [{"text": " ".join(["a"] * count), "char_spans": []} for count in (509, 510, 511)]
    stats = stats_of(write(tmp_path / "long.jsonl", *lines))
    assert stats["window"] == 512  # two of them are special tokens
    assert stats["total"]["num_texts_over_window"] == 1


def test_token_format_counts_the_words_of_the_file(tmp_path: Path) -> None:
    line = {"tokens": ["The", "U.S.", "Army", "left"], "tags": ["O", "B-org", "I-org", "O"]}
    file = write(tmp_path / "tokens.jsonl", line, {"tokens": [], "tags": []})
    as_tokens, as_text = (stats_of(file, format=format)["total"] for format in ("tokens", "text"))
    assert (as_tokens["words"]["max"], as_text["words"]["max"]) == (4, 7)
    assert (as_tokens["span_widths"]["words"], as_text["span_widths"]["words"]) == ({"2": 1}, {"5": 1})
    assert [own["unrepresentable"]["words"]["too_wide"] for own in (as_tokens, as_text)] == [{}, {"5": 1}]
    assert as_tokens["num_empty_texts"] == as_text["num_empty_texts"] == 1


def test_spans_of_types_that_are_not_asked_for(first: str, tmp_path: Path) -> None:
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps({"org": "an organization"}))
    own = stats_of(first, entity_types=str(asked))["total"]
    assert (own["num_spans"], own["num_unscored_spans"], list(own["types"])) == (2, 4, ["org"])


def test_nothing_to_average(tmp_path: Path) -> None:
    own = stats_of(write(tmp_path / "bare.jsonl", {"text": "It rained .", "char_spans": []}))["total"]
    assert own["span_widths"] == {"words": {}, "subwords": {"mean": None, "p50": None, "p95": None, "max": None}}
    assert own["unrepresentable"]["words"]["share"] is None


def test_json_is_the_dict(first: str, second: str) -> None:
    result = run_in_process(cli.main, "spanmatch", "data", "stats", first, second, "--max_span_width", 3, "--json")
    assert (result.status, json.loads(result.out)) == (0, stats_of(first, second))


def test_tables(first: str, second: str) -> None:
    result = run_in_process(cli.main, "spanmatch", "data", "stats", first, second, "--max_span_width", 3)
    assert result.status == 0, result.err
    tables = {part.splitlines()[0]: part.splitlines()[2:] for part in result.out.split("\n\n")[1:]}
    assert [row.split()[1:] for row in tables["Gold that no candidate represents"]] == [
        ["candidates", "gold", "lost", "share", "off", "boundary", "too", "wide", "widest"],
        ["words", "6", "1", "16.67%", "1", "0", "-"],
        ["subwords", "6", "0", "0.00%", "0", "0", "-"],
        ["words", "2", "2", "100.00%", "1", "1", "6"],
        ["subwords", "2", "2", "100.00%", "1", "1", "6"],
        ["words", "8", "3", "37.50%", "2", "1", "6"],
        ["subwords", "8", "2", "25.00%", "1", "1", "6"],
    ]
    assert tables["Gold spans"][1].split() == [first, "6", "4", "1", "1", "1", "2"]
    assert tables["Texts in two sources"][1].split() == [first, second, "1"]
    # The numbers of a column end under each other.
    assert len({len(row) for row in tables["Gold that no candidate represents"]}) == 1


class TestTokenizers:
    def test_a_checkpoint_says_its_window(self, first: str, tmp_path: Path) -> None:
        checkpoint = tmp_path / "checkpoint"
        AutoTokenizer.from_pretrained(resolve_encoder(DEFAULT_ENCODER)).save_pretrained(checkpoint / "tokenizer")
        (checkpoint / "config.json").write_text(json.dumps({"text_encoder": {}, "max_length": 9}))
        stats = stats_of(first, tokenizer=str(checkpoint))
        assert (stats["window"], stats["total"]["num_texts_over_window"]) == (9, 1)

    def test_of_a_checkpoint_that_ships(self, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """... which an empty folder of its name does not hide."""
        (tmp_path / DEFAULT_MODEL).mkdir()
        monkeypatch.chdir(tmp_path)
        assert stats_of(first, tokenizer=DEFAULT_MODEL) == stats_of(first, tokenizer=str(ROOT / "models" / DEFAULT_MODEL)) | {
            "tokenizer": DEFAULT_MODEL
        }

    def test_a_tokenizer_alone_will_do(self, first: str, tmp_path: Path) -> None:
        AutoTokenizer.from_pretrained(resolve_encoder(DEFAULT_ENCODER)).save_pretrained(tmp_path / "alone")
        stats = stats_of(first, tokenizer=str(tmp_path / "alone"))
        assert (stats["window"], stats["total"]) == (512, stats_of(first)["total"])

    @pytest.mark.parametrize("content", [None, {}, {"tokenizer.json": "{"}, {"config.json": "{"}])
    def test_that_cannot_be_loaded(self, first: str, tmp_path: Path, content: dict[str, str] | None) -> None:
        folder = tmp_path / "broken"
        if content is not None:
            folder.mkdir()
            for name, text in content.items():
                (folder / name).write_text(text)
        result = run_in_process(cli.main, "spanmatch", "data", "stats", first, "--tokenizer", folder)
        assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
        assert result.err.startswith(f'error: tokenizer "{folder}" cannot be loaded (')

    def test_that_give_no_offsets(self, first: str, tmp_path: Path) -> None:
        ByT5Tokenizer().save_pretrained(tmp_path / "slow")
        with pytest.raises(InputError, match="ByT5Tokenizer gives no character offsets; use an encoder with a fast tokenizer"):
            stats_of(first, tokenizer=str(tmp_path / "slow"))


class TestMisaligned:
    def test_each_span_with_its_line(self, tmp_path: Path) -> None:
        text = "Ada Berg  left Oslo2020."
        spans = [span(0, 8, "good"), span(0, 9, "a"), span(15, 19, "b"), span(8, 10, "c"), span(3, 6, "d"), span(10, 24, "good")]
        file = write(tmp_path / "a.jsonl", {"text": "Ada left.", "char_spans": []}, {"text": text, "char_spans": spans})
        found = stats_of(file, misaligned=True)["misaligned"]
        assert [(item["label"], item["problems"]) for item in found] == [
            ("a", ["white space at an end"]),
            ("b", ["off a word boundary"]),
            ("c", ["white space alone"]),
            ("d", ["white space at an end", "off a word boundary"]),
        ]
        assert found[0] == {
            "where": f"{file}:2",
            "start": 0,
            "end": 9,
            "label": "a",
            "text": "Ada Berg ",
            "problems": found[0]["problems"],
        }

    def test_as_a_user_asks_for_it(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.jsonl", {"text": "Oslo2020", "char_spans": [span(0, 4, "city")]})
        result = run_in_process(cli.main, "spanmatch", "data", "stats", file, "--misaligned")
        assert result.status == 0 and f'{file}:1: [0, 4) "Oslo" city: off a word boundary' in result.out
        good = write(tmp_path / "b.jsonl", {"text": "Oslo 2020", "char_spans": [span(0, 4, "city")]})
        assert "No span is misaligned." in run_in_process(cli.main, "spanmatch", "data", "stats", good, "--misaligned").out


@pytest.mark.parametrize(
    ("name", "content", "flags"),
    [
        ("a.conll", "Ada B-PER\nBerg I-PER\nleft O\n", {}),
        ("a.txt", "1\tAda\tB-PER\n2\tBerg\tI-PER\n3\tleft\tO\n", {"token_column": "2", "tag_column": "-1"}),
        ("a.json", '[{"tokenized_text": ["Ada", "Berg", "left"], "ner": [[0, 1, "PER"]]}]', {}),
        ("a.jsonl", '{"text": "Ada Berg left", "label": [[0, 8, "PER"]]}', {}),
        ("a.jsonl", '{"text": "Ada Berg left", "entities": [{"start": 0, "end": 8, "label": "PER", "text": "Ada Berg"}]}', {}),
        ("a.odd", "Ada B-PER\nBerg I-PER\nleft O\n", {"source_format": "conll"}),
    ],
)
def test_files_of_other_formats(tmp_path: Path, name: str, content: str, flags: dict[str, str]) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    [own] = stats_of(str(tmp_path / name), **flags)["sources"]
    assert (own["num_texts"], own["num_spans"], list(own["types"])) == (1, 1, ["PER"])
