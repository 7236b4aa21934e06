"""From views to targets: which cells are positive, and which are no negatives."""

import pytest
import torch
from helpers import collate_alone, gold_of, make_example, views_per_text

from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.batching.views import View
from spanmatch.data.examples import Example
from spanmatch.entities import EntityType
from spanmatch.model.encoders import PretrainedEncoder
from spanmatch.training.dataset import collate_gold, gold_bounds

WIDTH = 4
PERSON = EntityType(name="person", label="PER")
CITY = EntityType(name="city", aliases=("Town", "place"))
TOWN = EntityType(name="town")
COMPANY = EntityType(name="company")
SENTENCE = "Ada Lovelace met Bob in New York"


@pytest.fixture(scope="session")
def tokenizer(family_encoder: PretrainedEncoder) -> SequenceTokenizer:
    return SequenceTokenizer.of(family_encoder.tokenizer, 64)


def views_of(tokenizer: SequenceTokenizer, *examples: Example, candidates: str = "words", width: int = WIDTH) -> list[View]:
    return [view for own in views_per_text(examples, tokenizer, candidates=candidates, max_span_width=width) for view in own]


class TestGold:
    """Words of SENTENCE: Ada 0, Lovelace 1, met 2, Bob 3, in 4, New 5, York 6."""

    @staticmethod
    def gold(
        tokenizer: SequenceTokenizer, columns: list[EntityType], *examples: Example
    ) -> tuple[set[tuple[int, ...]], torch.Tensor, torch.Tensor]:
        """Positive cells (row, unit, width - 1, column), valid columns per row, and the valid cells."""
        views = views_of(tokenizer, *examples)
        batch = collate_alone(views, tokenizer, WIDTH)
        positives, valid = collate_gold(views, [columns], batch)
        assert positives.dtype == valid.dtype == torch.bool
        assert positives.shape == valid.shape == (*batch.candidates.shape, len(columns))
        assert not (positives & ~valid).any()
        known = valid.flatten(1, 2).any(dim=1)
        # A column is valid for all candidates of a text or for none.
        assert torch.equal(valid, batch.candidates[..., None] & known[:, None, None, :])
        return {tuple(cell) for cell in positives.nonzero().tolist()}, known, valid

    def test_positives(self, tokenizer: SequenceTokenizer) -> None:
        example = gold_of(SENTENCE, {"Ada Lovelace": "PER", "Bob": "PER", "New York": "city"}, [PERSON, CITY])
        positives, known, _ = self.gold(tokenizer, [CITY, PERSON], example)
        assert positives == {(0, 0, 1, 1), (0, 3, 0, 1), (0, 5, 1, 0)}
        assert known.all()

    def test_nested_and_two_labels(self, tokenizer: SequenceTokenizer) -> None:
        example = make_example(SENTENCE, [(0, 12, "PER"), (0, 3, "PER"), (0, 12, "city")], [PERSON, CITY])
        assert self.gold(tokenizer, [PERSON, CITY], example)[0] == {(0, 0, 1, 0), (0, 0, 0, 0), (0, 0, 1, 1)}

    def test_an_unknown_type_is_no_negative(self, tokenizer: SequenceTokenizer) -> None:
        """What another text of the batch was annotated for."""
        first = gold_of(SENTENCE, {"Bob": "PER"}, [PERSON])
        second = gold_of("Globex is big", {"Globex": "company"}, [COMPANY, CITY])
        positives, known, valid = self.gold(tokenizer, [PERSON, COMPANY, CITY], first, second)
        assert positives == {(0, 3, 0, 0), (1, 0, 0, 1)}
        assert known.tolist() == [[True, False, False], [False, True, True]]
        assert not valid[1, 3:].any()

    def test_types_of_one_key_are_one_type(self, tokenizer: SequenceTokenizer) -> None:
        """Whatever their labels in their files."""
        other = EntityType(name="Person", label="HUM")
        first = gold_of(SENTENCE, {"Bob": "PER"}, [PERSON])
        second = gold_of("a b", {"b": "HUM"}, [other])
        positives, known, _ = self.gold(tokenizer, [PERSON], first, second)
        assert positives == {(0, 3, 0, 0), (1, 1, 0, 0)}
        assert known.all()

    @pytest.mark.parametrize(("gold", "column"), [(CITY, TOWN), (TOWN, CITY)])
    def test_an_alias_of_a_gold_type_is_no_negative(
        self, gold: EntityType, column: EntityType, tokenizer: SequenceTokenizer
    ) -> None:
        """... whichever of the two names the other; in a text without that gold it is one."""
        types = [PERSON, gold, column]
        with_gold = gold_of(SENTENCE, {"New York": gold.label, "Bob": "PER"}, types)
        without = gold_of("Bob met", {"Bob": "PER"}, types)
        positives, known, _ = self.gold(tokenizer, [gold, PERSON, column], with_gold, without)
        assert positives == {(0, 5, 1, 0), (0, 3, 0, 1), (1, 0, 0, 1)}
        assert known.tolist() == [[True, True, False], [True, True, True]]

    def test_aliases_that_are_both_gold_keep_their_positives(self, tokenizer: SequenceTokenizer) -> None:
        example = make_example(SENTENCE, [(24, 32, "city"), (0, 3, "town")], [CITY, TOWN])
        views = views_of(tokenizer, example)
        batch = collate_alone(views, tokenizer, WIDTH)
        positives, _ = collate_gold(views, [[CITY, TOWN]], batch)
        assert {(0, 5, 1, 0), (0, 0, 0, 1)} <= {tuple(cell) for cell in positives.nonzero().tolist()}

    def test_a_type_that_was_not_drawn(self, tokenizer: SequenceTokenizer) -> None:
        """Its gold is left out; of the other columns nothing changes."""
        example = gold_of(SENTENCE, {"New York": "city", "Bob": "PER"}, [PERSON, CITY, COMPANY])
        positives, known, _ = self.gold(tokenizer, [PERSON, COMPANY], example)
        assert positives == {(0, 3, 0, 0)}
        assert known.all()

    def test_without_gold_all_is_negative(self, tokenizer: SequenceTokenizer) -> None:
        positives, known, valid = self.gold(tokenizer, [PERSON], make_example("a b c", [], [PERSON]))
        assert not positives and known.all() and valid.sum() == 3 + 2 + 1

    def test_no_columns(self, tokenizer: SequenceTokenizer) -> None:
        positives, known, _ = self.gold(tokenizer, [], make_example("a b c"))
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

    def test_a_row_does_not_depend_on_the_others(self, tokenizer: SequenceTokenizer) -> None:
        first = gold_of(SENTENCE, {"Ada Lovelace": "PER", "New York": "city"}, [PERSON, CITY, COMPANY])
        second = gold_of("Globex is big", {"Globex": "company"}, [COMPANY, TOWN])
        columns = [PERSON, CITY, TOWN, COMPANY]
        together, _, valid = self.gold(tokenizer, columns, first, second)
        for row, example in enumerate((first, second)):
            alone, _, own = self.gold(tokenizer, columns, example)
            assert {cell[1:] for cell in together if cell[0] == row} == {cell[1:] for cell in alone}
            assert torch.equal(valid[row, : own.shape[1], : own.shape[2]], own[0])
            assert valid[row].sum() == own.sum()


class TestBounds:
    def test_gold_of_another_window(self, family_encoder: PretrainedEncoder) -> None:
        """A window that sees where gold starts, but does not own its candidate, learns nothing of that start; nor of the end."""
        small = SequenceTokenizer.of(family_encoder.tokenizer, 16)
        text = "a person and a city and a company and the place of people and a name of a person"
        words = make_example(text).words
        spans = [(words[first][0], words[first + 2][1], "PER") for first in range(len(words) - 2)]
        views = views_of(small, make_example(text, spans, [PERSON]))
        batch = collate_alone(views, small, WIDTH)
        positives, valid = collate_gold(views, [[PERSON]], batch)
        starts, ends = gold_bounds(views, [[PERSON]], batch)
        for row, view in enumerate(views):
            count = view.end_unit - view.start_unit
            expected = [view.start_unit + unit < len(words) - 2 for unit in range(count)]
            assert starts[row, :count, 0].tolist() == expected and not starts[row, count:].any()
            assert ends[row, :count, 0].tolist() == [view.start_unit + unit >= 2 for unit in range(count)]
        # There is such a start: a shorter candidate at it is a target here, and the gold is not.
        assert (starts & valid.any(dim=2) & ~positives.any(dim=2)).any()

    def test_gold_without_a_candidate(self, tokenizer: SequenceTokenizer) -> None:
        """Too wide: its start and its end are still where an entity starts and ends."""
        example = make_example(SENTENCE, [(0, len(SENTENCE), "PER"), (17, 20, "city")], [PERSON, CITY])
        views = views_of(tokenizer, example)
        starts, ends = gold_bounds(views, [[CITY, PERSON]], collate_alone(views, tokenizer, WIDTH))
        assert starts.nonzero().tolist() == [[0, 0, 1], [0, 3, 0]]
        assert ends.nonzero().tolist() == [[0, 3, 0], [0, 6, 1]]
        starts, _ = gold_bounds(views, [[COMPANY]], collate_alone(views, tokenizer, WIDTH))
        assert starts.shape == (1, 7, 1) and not starts.any()
