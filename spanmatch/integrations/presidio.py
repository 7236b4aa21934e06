"""A recogniser of personal data for Presidio that asks a tagger.

>>> analyzer = blank_analyzer(SpanMatchRecognizer())
>>> analyzer.analyze("Call Maria Ruiz on 212-555-0173.", language="en")

Source: microsoft.github.io/presidio/analyzer/adding_recognizers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from spanmatch.entities import Types, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.shipped import DEFAULT_MODEL
from spanmatch.prediction.tagger import Tagger, load_tagger
from spanmatch.prediction.thresholds import Threshold, check_names

try:
    from presidio_analyzer import AnalysisExplanation, AnalyzerEngine, EntityRecognizer, LocalRecognizer, RecognizerResult
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
    from spacy import blank
except ImportError as error:
    raise ImportError("spanmatch.integrations.presidio needs presidio_analyzer; pip install 'spanmatch[presidio]'") from error

# Presidio's names of entities, with the types that are asked for. What has a checksum or a fixed form, such as the number of a
# credit card, is left to Presidio's own recognisers.
PERSONAL_DATA: Mapping[str, str | Types] = {
    "PERSON": "person",
    "LOCATION": ["city", "country", "street address"],
    "ORGANIZATION": "organization",
    "DATE_TIME": "date",
    "NRP": "nationality or religion",
    "EMAIL_ADDRESS": "email address",
    "PHONE_NUMBER": "phone number",
}


class SpanMatchRecognizer(LocalRecognizer):
    """Finds personal data with a tagger. Add it to the registry of an `AnalyzerEngine`."""

    def __init__(
        self,
        model: str | Path | Tagger = DEFAULT_MODEL,
        entities: Mapping[str, str | Types] = PERSONAL_DATA,
        *,
        threshold: Threshold | None = None,
        supported_language: str = "en",
        name: str = "SpanMatchRecognizer",
        device: str | None = None,
        dtype: str | None = None,
    ) -> None:
        """Load a tagger.

        Args:
            model: a folder, a name that ships, a hub id, or a tagger that is loaded already.
            entities: Presidio's names of entities, each with the type that stands for it: a name, a list of names, or
                `{name: description}`.
            threshold: as in `SpanMatcher.predict`; by default the tagger's own.
            supported_language: the language of the texts that Presidio gives to it.
            name: its name in the registry.
            device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
            dtype: "float32", "bfloat16", "float16"; by default what the device computes natively.

        Raises:
            InputError: there is no such model, a type is given twice, or the tagger cannot answer the threshold.
        """
        named = {entity: as_entity_types([types] if isinstance(types, str) else types) for entity, types in entities.items()}
        self.types = as_entity_types([item for types in named.values() for item in types])
        self.entity_of = {item.label: entity for entity, types in named.items() for item in types}
        check_names(threshold, self.types)
        self.tagger = load_tagger(model, device=device, dtype=dtype) if isinstance(model, (str, Path)) else model
        self.tagger.check_threshold(threshold)
        self.threshold = threshold
        super().__init__(supported_entities=list(named), name=name, supported_language=supported_language)

    def load(self) -> None:
        """Encode the types, which need not be encoded again with each text. Presidio calls this."""
        self.tagger.prepare(self.types)

    def analyze(
        self, text: str, entities: Sequence[str] | None, nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Return the personal data of a text. Presidio calls this.

        Args:
            text: the text.
            entities: Presidio's names of the entities to return. All types are asked for in any case, because a type wins or
                loses a span beside others: so fewer names never change what is found of the rest. None, or none: all.
            nlp_artifacts: not used; what Presidio's NLP engine found.
        """
        [found] = self.tagger.predict([text], self.types, threshold=self.threshold)
        results = []
        for item in found:
            entity = self.entity_of[item.label]
            if entity in (entities or self.supported_entities):
                told = f'Identified as "{item.label}" by a {self.tagger.kind}'
                why = AnalysisExplanation(recognizer=self.name, original_score=item.score, textual_explanation=told)
                results.append(RecognizerResult(entity, item.start, item.end, item.score, analysis_explanation=why))
        return results


def blank_analyzer(*recognizers: EntityRecognizer) -> AnalyzerEngine:
    """Return an analyzer with these recognisers and Presidio's own, of which none needs a trained model of spaCy.

    An `AnalyzerEngine` made without arguments downloads one. Here texts are split by `spacy.blank`.

    Args:
        recognizers: at least one; their languages are those of the analyzer.

    Raises:
        InputError: no recogniser is given.
    """
    if not recognizers:
        raise InputError("no recognizer given; give at least one, such as SpanMatchRecognizer()")
    languages = list(dict.fromkeys(item.supported_language for item in recognizers))
    engine = SpacyNlpEngine()
    engine.nlp = {language: blank(language) for language in languages}  # now it counts as loaded
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=languages)
    analyzer.registry.remove_recognizer("SpacyRecognizer")  # it reports what a trained model found
    for item in recognizers:
        analyzer.registry.add_recognizer(item)
    return analyzer
