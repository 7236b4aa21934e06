"""From views to tensors: special tokens, padding, and where units stand."""

import pytest
import torch
from helpers import TEXTS, collate_alone, gold_of, make_example, views_per_text

from spanmatch.batching.candidates import CANDIDATES, Unrepresentable, tokenize_texts
from spanmatch.batching.collate import TextBatch
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.batching.views import View
from spanmatch.data.examples import Example
from spanmatch.model.encoders import PretrainedEncoder

WIDTH = 4
SENTENCE = "Ada Lovelace met Bob in New York"


@pytest.fixture(scope="session")
def tokenizer(family_encoder: PretrainedEncoder) -> SequenceTokenizer:
    return SequenceTokenizer.of(family_encoder.tokenizer, 64)


def views_of(tokenizer: SequenceTokenizer, *examples: Example, candidates: str = "words", width: int = WIDTH) -> list[View]:
    return [view for own in views_per_text(examples, tokenizer, candidates=candidates, max_span_width=width) for view in own]


def squash(text: str) -> str:
    return "".join(text.split())


class TestTexts:
    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_units_point_at_their_subwords(self, candidates: str, family: str, tokenizer: SequenceTokenizer) -> None:
        """Decoded, the subwords of a unit are the unit, in whatever row of the batch."""
        texts = [TEXTS["plain"], "see https://example.org or [now]", "Zoë Müller's café", "Bob"]
        views = views_of(tokenizer, *map(make_example, texts), candidates=candidates)
        batch = collate_alone(views, tokenizer, WIDTH)
        for row, view in enumerate(views):
            units, text = view.tokenized.units, view.tokenized.example.text
            _, [offsets] = tokenizer.encode([text])
            for unit in range(view.end_unit - view.start_unit):
                ids = batch.input_ids[row, batch.first_token[row, unit] : batch.last_token[row, unit] + 1]
                decoded = squash(tokenizer.backend.decode(ids.tolist(), skip_special_tokens=False)).replace("##", "")
                # A subword may hold characters of the next word, too ("://").
                start, end = offsets[units.first_token[unit]][0], offsets[units.last_token[unit]][1]
                assert start <= units.start_char[unit] < units.end_char[unit] <= end
                expected = text[start:end].strip()
                if family == "WordPiece":
                    expected = expected.lower().replace("ë", "e").replace("ü", "u").replace("é", "e")
                assert decoded == expected

    def test_units_of_windows_point_at_their_subwords(self, family: str, family_encoder: PretrainedEncoder) -> None:
        small = SequenceTokenizer.of(family_encoder.tokenizer, 14)
        text = "a person and a city and a company and the place of people and a name of a person"
        views = views_of(small, make_example(text))
        batch = collate_alone(views, small, WIDTH)
        assert len(views) > 1 and batch.input_ids.shape[1] <= 14
        for row, view in enumerate(views):
            for unit in range(view.end_unit - view.start_unit):
                ids = batch.input_ids[row, batch.first_token[row, unit] : batch.last_token[row, unit] + 1]
                start, end = (view.tokenized.example.words)[view.start_unit + unit]
                assert squash(small.backend.decode(ids.tolist(), skip_special_tokens=False)) == text[start:end]

    def test_candidates(self, tokenizer: SequenceTokenizer) -> None:
        views = views_of(tokenizer, make_example("a b c d"), make_example("a b"), make_example("a"))
        batch = collate_alone(views, tokenizer, 3)
        assert batch.candidates.tolist() == [
            [[True] * 3, [True] * 3, [True, True, False], [True, False, False]],
            [[True, True, False], [True, False, False], [False] * 3, [False] * 3],
            [[True, False, False], [False] * 3, [False] * 3, [False] * 3],
        ]

    def test_no_more_widths_than_units(self, tokenizer: SequenceTokenizer) -> None:
        batch = collate_alone(views_of(tokenizer, make_example("a b"), width=9), tokenizer, 9)
        assert batch.candidates.shape == (1, 2, 2)
        assert batch.candidates.sum() == 3

    def test_a_row_does_not_depend_on_the_others(self, tokenizer: SequenceTokenizer) -> None:
        texts = ["a b c d e f g", "Ada met Bob", "x", TEXTS["Thai"]]
        views = views_of(tokenizer, *map(make_example, texts))
        together = collate_alone(views, tokenizer, WIDTH)
        for row, view in enumerate(views):
            alone = collate_alone([view], tokenizer, WIDTH)
            length, units, widths = alone.input_ids.shape[1], view.end_unit - view.start_unit, alone.candidates.shape[2]
            assert torch.equal(together.input_ids[row, :length], alone.input_ids[0])
            assert torch.equal(together.attention_mask[row, :length], alone.attention_mask[0])
            assert (together.input_ids[row, length:] == tokenizer.pad_id).all()
            assert not together.attention_mask[row, length:].any()
            assert torch.equal(together.first_token[row, :units], alone.first_token[0])
            assert torch.equal(together.last_token[row, :units], alone.last_token[0])
            assert torch.equal(together.candidates[row, :units, :widths], alone.candidates[0])
            assert not together.candidates[row, units:].any() and not together.candidates[row, :, widths:].any()

    def test_gold_is_found_or_counted(self, tokenizer: SequenceTokenizer) -> None:
        lost = Unrepresentable()
        examples = [gold_of(SENTENCE, {"Ada Lovelace": "PER", "York": "x", "ork": "x"}), make_example("a b c d e", [(0, 9, "x")])]
        found = tokenize_texts(examples, tokenizer, candidates="words", max_span_width=4, lost=lost)
        assert [text.gold for text in found] == [((0, 1, "PER"), (6, 0, "x")), ()]
        assert (lost.num_gold, lost.off_boundary, lost.too_wide) == (4, 1, {5: 1})

    def test_no_texts(self, tokenizer: SequenceTokenizer) -> None:
        assert views_per_text([], tokenizer, candidates="words", max_span_width=2) == []
        assert views_per_text([make_example(""), make_example("  ")], tokenizer, candidates="words", max_span_width=2) == [
            [],
            [],
        ]

    def test_moving(self, tokenizer: SequenceTokenizer) -> None:
        batch = collate_alone(views_of(tokenizer, make_example("a b")), tokenizer, 2).to("meta")
        assert isinstance(batch, TextBatch)
        assert {batch.input_ids.device.type, batch.candidates.device.type, batch.last_token.device.type} == {"meta"}
