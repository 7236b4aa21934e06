"""From views to tensors: special tokens, padding, where units stand, and gold."""

import logging

import numpy as np
import pytest
import torch
from helpers import TEXTS, collate_alone, collate_types, gold_of, make_example, token_ids, views_per_text

from spanmatch.batching.candidates import CANDIDATES, Unrepresentable, tokenize_texts
from spanmatch.batching.collate import TextBatch
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.batching.views import View
from spanmatch.data.examples import Example
from spanmatch.entities import EntityType
from spanmatch.model.encoders import PretrainedEncoder
from spanmatch.training.collator import collate_gold

WIDTH = 4
PERSON = EntityType(name="person", label="PER")
CITY = EntityType(name="city", aliases=("Town", "place"))
TOWN = EntityType(name="town")
COMPANY = EntityType(name="company")
SENTENCE = "Ada Lovelace met Bob in New York"


@pytest.fixture(scope="session")
def tokenizing(family_encoder: PretrainedEncoder) -> SequenceTokenizer:
    return SequenceTokenizer.of(family_encoder.tokenizer, 64)


def views_of(tokenizing: SequenceTokenizer, *examples: Example, candidates: str = "words", width: int = WIDTH) -> list[View]:
    return [view for own in views_per_text(examples, tokenizing, candidates=candidates, max_span_width=width) for view in own]


def squash(text: str) -> str:
    return "".join(text.split())


class TestTokenizing:
    def test_special_tokens_are_learnt(self, family: str, tokenizing: SequenceTokenizer) -> None:
        begin, end, pad = {"WordPiece": ("[CLS]", "[SEP]", "[PAD]")}.get(family, ("<s>", "</s>", "<pad>"))
        ids = [tokenizing.backend.token_to_id(token) for token in (begin, end, pad)]
        assert (tokenizing.prefix, tokenizing.suffix, tokenizing.pad_id) == ((ids[0],), (ids[1],), ids[2])
        assert tokenizing.max_tokens == 62

    @pytest.mark.parametrize("text", ["Ada met Bob.", "Zoë", "马云", "a" * 90])
    def test_ids_are_those_of_the_library(
        self, text: str, tokenizing: SequenceTokenizer, family_encoder: PretrainedEncoder
    ) -> None:
        """... with its special tokens around them: put together by us, as the encoder has learnt them."""
        [ids] = token_ids([text], tokenizing)
        padded, mask = tokenizing.pad([np.asarray(ids)])
        assert padded[0].tolist() == family_encoder.tokenizer(text, verbose=False)["input_ids"]
        assert mask.all()

    def test_no_room(self, family_encoder: PretrainedEncoder) -> None:
        with pytest.raises(ValueError, match="max_length 2 leaves no room for text; use at least 3"):
            SequenceTokenizer.of(family_encoder.tokenizer, 2)
        assert SequenceTokenizer.of(family_encoder.tokenizer, 3).max_tokens == 1

    def test_padding(self, tokenizing: SequenceTokenizer) -> None:
        ids, mask = tokenizing.pad([np.array([7, 8, 9]), np.array([], dtype=np.int64), np.array([7])])
        [begin], [end], pad = tokenizing.prefix, tokenizing.suffix, tokenizing.pad_id
        assert ids.tolist() == [[begin, 7, 8, 9, end], [begin, end, pad, pad, pad], [begin, 7, end, pad, pad]]
        assert mask.tolist() == [[1] * 5, [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]


class TestTexts:
    @pytest.mark.parametrize("candidates", CANDIDATES)
    def test_units_point_at_their_subwords(self, candidates: str, family: str, tokenizing: SequenceTokenizer) -> None:
        """Decoded, the subwords of a unit are the unit, in whatever row of the batch."""
        texts = [TEXTS["plain"], "see https://example.org or [now]", "Zoë Müller's café", "Bob"]
        views = views_of(tokenizing, *map(make_example, texts), candidates=candidates)
        batch = collate_alone(views, tokenizing, WIDTH)
        for row, view in enumerate(views):
            units, text = view.tokenized.units, view.tokenized.example.text
            _, [offsets] = tokenizing.encode([text])
            for unit in range(view.end_unit - view.start_unit):
                ids = batch.input_ids[row, batch.first_token[row, unit] : batch.last_token[row, unit] + 1]
                decoded = squash(tokenizing.backend.decode(ids.tolist(), skip_special_tokens=False)).replace("##", "")
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

    def test_candidates(self, tokenizing: SequenceTokenizer) -> None:
        views = views_of(tokenizing, make_example("a b c d"), make_example("a b"), make_example("a"))
        batch = collate_alone(views, tokenizing, 3)
        assert batch.candidates.tolist() == [
            [[True] * 3, [True] * 3, [True, True, False], [True, False, False]],
            [[True, True, False], [True, False, False], [False] * 3, [False] * 3],
            [[True, False, False], [False] * 3, [False] * 3, [False] * 3],
        ]

    def test_no_more_widths_than_units(self, tokenizing: SequenceTokenizer) -> None:
        batch = collate_alone(views_of(tokenizing, make_example("a b"), width=9), tokenizing, 9)
        assert batch.candidates.shape == (1, 2, 2)
        assert batch.candidates.sum() == 3

    def test_a_row_does_not_depend_on_the_others(self, tokenizing: SequenceTokenizer) -> None:
        texts = ["a b c d e f g", "Ada met Bob", "x", TEXTS["Thai"]]
        views = views_of(tokenizing, *map(make_example, texts))
        together = collate_alone(views, tokenizing, WIDTH)
        for row, view in enumerate(views):
            alone = collate_alone([view], tokenizing, WIDTH)
            length, units, widths = alone.input_ids.shape[1], view.end_unit - view.start_unit, alone.candidates.shape[2]
            assert torch.equal(together.input_ids[row, :length], alone.input_ids[0])
            assert torch.equal(together.attention_mask[row, :length], alone.attention_mask[0])
            assert (together.input_ids[row, length:] == tokenizing.pad_id).all()
            assert not together.attention_mask[row, length:].any()
            assert torch.equal(together.first_token[row, :units], alone.first_token[0])
            assert torch.equal(together.last_token[row, :units], alone.last_token[0])
            assert torch.equal(together.candidates[row, :units, :widths], alone.candidates[0])
            assert not together.candidates[row, units:].any() and not together.candidates[row, :, widths:].any()

    def test_gold_is_found_or_counted(self, tokenizing: SequenceTokenizer) -> None:
        lost = Unrepresentable()
        examples = [gold_of(SENTENCE, {"Ada Lovelace": "PER", "York": "x", "ork": "x"}), make_example("a b c d e", [(0, 9, "x")])]
        found = tokenize_texts(examples, tokenizing, candidates="words", max_span_width=4, lost=lost)
        assert [text.gold for text in found] == [((0, 1, "PER"), (6, 0, "x")), ()]
        assert (lost.num_gold, lost.off_boundary, lost.too_wide) == (4, 1, {5: 1})

    def test_no_texts(self, tokenizing: SequenceTokenizer) -> None:
        assert views_per_text([], tokenizing, candidates="words", max_span_width=2) == []
        assert views_per_text([make_example(""), make_example("  ")], tokenizing, candidates="words", max_span_width=2) == [
            [],
            [],
        ]

    def test_moving(self, tokenizing: SequenceTokenizer) -> None:
        batch = collate_alone(views_of(tokenizing, make_example("a b")), tokenizing, 2).to("meta")
        assert isinstance(batch, TextBatch)
        assert {batch.input_ids.device.type, batch.candidates.device.type, batch.last_token.device.type} == {"meta"}


class TestTypes:
    def test_types(self, tokenizing: SequenceTokenizer, family_encoder: PretrainedEncoder) -> None:
        batch = collate_types(["person", "a city where people live"], tokenizing)
        expected = family_encoder.tokenizer(["person", "a city where people live"], padding=True, return_tensors="pt")
        assert torch.equal(batch.input_ids, expected["input_ids"])
        assert torch.equal(batch.attention_mask, expected["attention_mask"])

    def test_too_long_is_cut_and_told(self, tokenizing: SequenceTokenizer, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            batch = collate_types(["a city", "a " * 63], tokenizing)
        assert batch.input_ids.shape == (2, 64)
        assert batch.input_ids[1, -1] == tokenizing.suffix[0]
        assert len(caplog.records) == 1 and "only 62 are read" in caplog.text

    def test_just_fitting_is_not_told(self, tokenizing: SequenceTokenizer, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            assert collate_types(["a " * 61 + "a"], tokenizing).input_ids.shape == (1, 64)
        assert not caplog.records


class TestGold:
    """Words of SENTENCE: Ada 0, Lovelace 1, met 2, Bob 3, in 4, New 5, York 6."""

    @staticmethod
    def gold(
        tokenizing: SequenceTokenizer, columns: list[EntityType], *examples: Example
    ) -> tuple[set[tuple[int, ...]], torch.Tensor, torch.Tensor]:
        """Positive cells (row, unit, width - 1, column), valid columns per row, and the valid cells."""
        views = views_of(tokenizing, *examples)
        batch = collate_alone(views, tokenizing, WIDTH)
        positives, valid = collate_gold(views, [columns], batch)
        assert positives.dtype == valid.dtype == torch.bool
        assert positives.shape == valid.shape == (*batch.candidates.shape, len(columns))
        assert not (positives & ~valid).any()
        known = valid.flatten(1, 2).any(dim=1)
        # A column is valid for all candidates of a text or for none.
        assert torch.equal(valid, batch.candidates[..., None] & known[:, None, None, :])
        return {tuple(cell) for cell in positives.nonzero().tolist()}, known, valid

    def test_positives(self, tokenizing: SequenceTokenizer) -> None:
        example = gold_of(SENTENCE, {"Ada Lovelace": "PER", "Bob": "PER", "New York": "city"}, [PERSON, CITY])
        positives, known, _ = self.gold(tokenizing, [CITY, PERSON], example)
        assert positives == {(0, 0, 1, 1), (0, 3, 0, 1), (0, 5, 1, 0)}
        assert known.all()

    def test_nested_and_two_labels(self, tokenizing: SequenceTokenizer) -> None:
        example = make_example(SENTENCE, [(0, 12, "PER"), (0, 3, "PER"), (0, 12, "city")], [PERSON, CITY])
        assert self.gold(tokenizing, [PERSON, CITY], example)[0] == {(0, 0, 1, 0), (0, 0, 0, 0), (0, 0, 1, 1)}

    def test_an_unknown_type_is_no_negative(self, tokenizing: SequenceTokenizer) -> None:
        """What another text of the batch was annotated for."""
        first = gold_of(SENTENCE, {"Bob": "PER"}, [PERSON])
        second = gold_of("Globex is big", {"Globex": "company"}, [COMPANY, CITY])
        positives, known, valid = self.gold(tokenizing, [PERSON, COMPANY, CITY], first, second)
        assert positives == {(0, 3, 0, 0), (1, 0, 0, 1)}
        assert known.tolist() == [[True, False, False], [False, True, True]]
        assert not valid[1, 3:].any()

    def test_types_of_one_key_are_one_type(self, tokenizing: SequenceTokenizer) -> None:
        """Whatever their labels in their files."""
        other = EntityType(name="Person", label="HUM")
        first = gold_of(SENTENCE, {"Bob": "PER"}, [PERSON])
        second = gold_of("a b", {"b": "HUM"}, [other])
        positives, known, _ = self.gold(tokenizing, [PERSON], first, second)
        assert positives == {(0, 3, 0, 0), (1, 1, 0, 0)}
        assert known.all()

    @pytest.mark.parametrize(("gold", "column"), [(CITY, TOWN), (TOWN, CITY)])
    def test_an_alias_of_a_gold_type_is_no_negative(
        self, gold: EntityType, column: EntityType, tokenizing: SequenceTokenizer
    ) -> None:
        """... whichever of the two names the other; in a text without that gold it is one."""
        types = [PERSON, gold, column]
        with_gold = gold_of(SENTENCE, {"New York": gold.label, "Bob": "PER"}, types)
        without = gold_of("Bob met", {"Bob": "PER"}, types)
        positives, known, _ = self.gold(tokenizing, [gold, PERSON, column], with_gold, without)
        assert positives == {(0, 5, 1, 0), (0, 3, 0, 1), (1, 0, 0, 1)}
        assert known.tolist() == [[True, True, False], [True, True, True]]

    def test_aliases_that_are_both_gold_keep_their_positives(self, tokenizing: SequenceTokenizer) -> None:
        example = make_example(SENTENCE, [(24, 32, "city"), (0, 3, "town")], [CITY, TOWN])
        views = views_of(tokenizing, example)
        batch = collate_alone(views, tokenizing, WIDTH)
        positives, _ = collate_gold(views, [[CITY, TOWN]], batch)
        assert {(0, 5, 1, 0), (0, 0, 0, 1)} <= {tuple(cell) for cell in positives.nonzero().tolist()}

    def test_a_type_that_was_not_drawn(self, tokenizing: SequenceTokenizer) -> None:
        """Its gold is left out; of the other columns nothing changes."""
        example = gold_of(SENTENCE, {"New York": "city", "Bob": "PER"}, [PERSON, CITY, COMPANY])
        positives, known, _ = self.gold(tokenizing, [PERSON, COMPANY], example)
        assert positives == {(0, 3, 0, 0)}
        assert known.all()

    def test_without_gold_all_is_negative(self, tokenizing: SequenceTokenizer) -> None:
        positives, known, valid = self.gold(tokenizing, [PERSON], make_example("a b c", [], [PERSON]))
        assert not positives and known.all() and valid.sum() == 3 + 2 + 1

    def test_no_columns(self, tokenizing: SequenceTokenizer) -> None:
        positives, known, _ = self.gold(tokenizing, [], make_example("a b c"))
        assert not positives and known.shape == (1, 0)

    def test_each_gold_span_is_positive_in_one_window(self, family_encoder: PretrainedEncoder) -> None:
        small = SequenceTokenizer.of(family_encoder.tokenizer, 16)
        text = "a person and a city and a company and the place of people and a name of a person"
        words = make_example(text).words
        spans = [(words[first][0], words[first + 1][1], "PER") for first in range(len(words) - 1)]
        views = views_of(small, make_example(text, spans, [PERSON]))
        assert len(views) > 1
        positives, valid = collate_gold(views, [[PERSON]], collate_alone(views, small, WIDTH))
        found = sorted(views[row].start_unit + unit for row, unit, width, _ in positives.nonzero().tolist() if width == 1)
        assert found == list(range(len(words) - 1)) and positives.sum() == len(found)
        assert (valid & ~positives).any()

    def test_a_row_does_not_depend_on_the_others(self, tokenizing: SequenceTokenizer) -> None:
        first = gold_of(SENTENCE, {"Ada Lovelace": "PER", "New York": "city"}, [PERSON, CITY, COMPANY])
        second = gold_of("Globex is big", {"Globex": "company"}, [COMPANY, TOWN])
        columns = [PERSON, CITY, TOWN, COMPANY]
        together, _, valid = self.gold(tokenizing, columns, first, second)
        for row, example in enumerate((first, second)):
            alone, _, own = self.gold(tokenizing, columns, example)
            assert {cell[1:] for cell in together if cell[0] == row} == {cell[1:] for cell in alone}
            assert torch.equal(valid[row, : own.shape[1], : own.shape[2]], own[0])
            assert valid[row].sum() == own.sum()
