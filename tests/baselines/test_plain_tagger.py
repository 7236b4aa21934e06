"""What all taggers share that list entities: thresholds, overlaps, batches, and the places of results."""

from collections.abc import Sequence

import pytest

from spanmatch.baselines.plain_tagger import PlainTagger
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType, Mention, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.tagger import StreamOptions, Tagger
from spanmatch.prediction.thresholds import Calibration

SCORES = {"Ada": 0.9, "Bob": 0.6, "Eva": 1.0}


class NameTagger(PlainTagger):
    """Lists each of three names, with a score of its own, and "Ada Bob" as a whole."""

    kind = "name tagger"

    def __init__(self, calibration: Calibration | None = None) -> None:
        super().__init__(calibration)
        self.batches: list[int] = []

    def fingerprint(self) -> dict[str, str]:
        return {"model": "names", "device": "cpu", "dtype": "float32"}

    def list_entities(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> list[list[Entity]]:
        self.batches.append(len(examples))
        return [list(self._of(example)) for example in examples]

    def _of(self, example: Example) -> list[Entity]:
        found = []
        for name, score in {**SCORES, "Ada Bob": 0.3}.items():
            start = example.text.find(name)
            if start >= 0:
                end = start + len(name)
                found.append(Entity(start=start, end=end, label=example.types[0].label, text=name, score=score))
        return found


def test_it_is_a_tagger() -> None:
    tagger: Tagger = NameTagger()
    assert tagger.types is None and tagger.null_slot is None and tagger.default_threshold is None
    tagger.prepare(as_entity_types(["person"]))
    with pytest.raises(InputError, match="--type_embeddings: a name tagger keeps none"):
        tagger.prepare(as_entity_types(["person"]), file="types.safetensors")


def test_everything_counts_without_a_threshold() -> None:
    tagger = NameTagger()
    [one, other] = tagger.predict(["Eva met Ada Bob", "nobody"], ["person"])
    assert [(item.text, item.label) for item in one] == [("Eva", "person"), ("Ada", "person"), ("Bob", "person")]
    assert other == []
    assert [item.score for item in one] == pytest.approx([1.0, 0.9, 0.6])
    assert tagger.predict("Eva met Ada Bob", ["person"]) == one, "a text alone gives its entities"


@pytest.mark.parametrize(
    ("threshold", "names"),
    [(0.7, ["Eva", "Ada"]), (0.95, ["Eva"]), ({"person": 0.5}, ["Eva", "Ada", "Bob"]), ("calibrated", ["Eva", "Ada"])],
)
def test_thresholds(threshold: float | str | dict[str, float], names: list[str]) -> None:
    tagger = NameTagger(Calibration(threshold=0.8))
    assert [item.text for item in tagger.predict("Eva met Ada Bob", ["person"], threshold=threshold)] == names
    assert [item.text for item in tagger.predict("Eva met Ada Bob", ["person"])] == ["Eva", "Ada"], "calibrated by default"
    assert tagger.default_threshold == "calibrated"


@pytest.mark.parametrize(
    ("threshold", "message"),
    [("cls", "needs a null slot"), ("calibrated", "but the checkpoint is not"), (1.5, "between 0 and 1")],
)
def test_a_threshold_that_it_cannot_answer(threshold: float | str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        NameTagger().check_threshold(threshold)


def test_overlaps() -> None:
    tagger = NameTagger()
    nested = tagger.predict("Ada Bob", ["person"], overlap="nested")
    assert {item.text for item in nested} == {"Ada", "Bob", "Ada Bob"}
    with pytest.raises(InputError, match="unknown overlap"):
        tagger.predict("Ada", ["person"], overlap="none")


def test_what_is_wrong_with_types() -> None:
    with pytest.raises(InputError, match="no entity types given"):
        NameTagger().predict("Ada")
    with pytest.raises(InputError, match="which is not asked for"):
        NameTagger().predict("Ada", ["person"], threshold={"city": 0.5})


def test_results_are_in_the_order_of_the_texts_whatever_the_batches() -> None:
    texts = [name * (place % 7) + " " + name for place, name in enumerate(["Ada", "Bob", "Eva", "x"] * 10)]
    whole, single = NameTagger(), NameTagger()
    assert whole.predict(texts, ["person"]) == [single.predict(text, ["person"]) for text in texts]
    small = NameTagger()
    assert small.predict(texts, ["person"], batch_size=7) == whole.predict(texts, ["person"])
    assert small.batches == [7, 7, 7, 7, 7, 5]


def example(text: str, *mentions: tuple[int, int]) -> Example:
    gold = tuple(Mention(start=start, end=end, label="person") for start, end in mentions)
    types = as_entity_types([EntityType(name="person")])
    return Example(where="here", text=text, words=split_words(text), mentions=gold, types=types)


def test_a_stream_with_scores() -> None:
    done: list[float] = []
    examples = [example("Eva met Ada Bob"), example("nobody")]
    options = StreamOptions(advance=done.append)
    pairs = list(NameTagger().stream_scored(examples, floor=0.7, threshold=0.95, options=options))
    assert [[[item.text for item in part] for part in pair] for pair in pairs] == [[["Eva"], ["Eva", "Ada"]], [[], []]]
    assert sum(done) == 2


def test_gold_off_the_words_is_counted() -> None:
    lost = NameTagger().unrepresentable([example("Ada met Bob", (0, 3), (1, 3), (8, 11), (4, 5))])
    assert (lost.num_gold, lost.num_lost, lost.off_boundary) == (4, 2, 2)
