"""What a teacher says of a batch, in the student's grid, and what a student learns of it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, TYPES, collate_types, gold_of, make_matcher
from helpers_e2e import NAMES, evaluate, read_json, sentences, train, trained_checkpoint, write_jsonl
from helpers_training import arguments, run

from spanmatch.batching.collate import collate_texts
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training import type_anchor
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.dataset import FurtherTypes, TrainingCollator, TrainingViews
from spanmatch.training.teacher import Teacher, TeacherViews, soft_loss

LONG = "Ada Lovelace met Bob in New York and Zoë in Montréal, then all of them left for Lima or Oslo by train."


@pytest.fixture
def folder(tiny_encoder: Path, tmp_path: Path) -> Path:
    make_matcher(tiny_encoder).save_pretrained(tmp_path / "teacher")
    return tmp_path / "teacher"


def step(student: SpanMatcher, teacher: Teacher, texts: Sequence[str]) -> dict[str, Any]:
    """A batch of all windows of texts."""
    examples = [gold_of(text, {}, as_entity_types(TYPES)) for text in texts]
    windows = [view for own in student.batcher.windows(examples) for view in own]
    views = TrainingViews(windows, MatcherArguments(text_encoder="unused"), 0)
    return TrainingCollator(batcher=student.batcher, teacher=teacher.views)([views[place] for place in range(len(windows))])


def taught(teacher: Teacher, batch: dict[str, Any]) -> torch.Tensor:
    shape = batch["texts"].candidates[batch["teacher_rows"]].shape
    return teacher.logits(batch["teacher_texts"], batch["teacher_units"], batch["type_texts"], *shape[1:])


def own_logits(matcher: SpanMatcher, text: str, type_texts: list[str]) -> torch.Tensor:
    """What a matcher says of a whole text. Shape: (U, W, C)."""
    views = matcher.batcher.windows([gold_of(text, {}, as_entity_types(TYPES))])[0]
    with matcher.inference():
        types = collate_types(type_texts, matcher.batcher.lone_type_tokenizer)
        found = matcher.model(collate_texts(views, matcher.batcher), [types])
    logits: torch.Tensor = found.spans.logits[0]
    return logits


class TestGrid:
    def test_a_student_of_the_same_make_is_told_what_it_says(self, folder: Path) -> None:
        student = SpanMatcher.from_pretrained(folder, device="cpu")
        teacher = Teacher(str(folder), student.batcher, "cpu")
        for matcher in (student, teacher.matcher):
            matcher.model.float()
        texts = [TEXTS["plain"], "Bob", LONG]
        batch = step(student, teacher, texts)
        assert batch["teacher_rows"].tolist() == [0, 1, 2] and batch["teacher_units"].tolist() == [0, 0, 0]
        found = taught(teacher, batch)
        with student.inference():
            types = collate_types(batch["type_texts"], student.batcher.lone_type_tokenizer)
            expected = student.model(batch["texts"], [types]).spans.logits
        candidates = batch["texts"].candidates
        torch.testing.assert_close(found[candidates], expected[candidates].clone(), atol=1e-3, rtol=1e-4)

    def test_windows_of_the_student_are_parts_of_the_teachers(self, folder: Path, tiny_encoder: Path) -> None:
        student = make_matcher(tiny_encoder, max_length=12, max_span_width=3)
        teacher = Teacher(str(folder), student.batcher, "cpu")
        teacher.matcher.model.float()
        batch = step(student, teacher, [LONG])
        assert len(batch["teacher_rows"]) == len(batch["texts"].input_ids) > 2 and batch["teacher_units"].tolist()[1] > 0
        found, whole = taught(teacher, batch), own_logits(teacher.matcher, LONG, batch["type_texts"])
        assert found.shape[2] == 3
        for row, first in enumerate(batch["teacher_units"].tolist()):
            for unit, width in batch["texts"].candidates[row].nonzero().tolist():
                torch.testing.assert_close(found[row, unit, width], whole[first + unit, width].clone(), atol=1e-3, rtol=1e-4)

    def test_types_of_other_texts_are_taught_too(self, tiny_encoder: Path) -> None:
        batcher = make_matcher(tiny_encoder).batcher
        others = as_entity_types({"color": "how a thing looks", "city": "", "ship": ""})
        further = FurtherTypes(types=others, number=2, type_texts="name", seed=0)
        windows = [view for own in batcher.windows([gold_of(TEXTS["plain"], {}, as_entity_types(["city"]))]) for view in own]
        plain = [view for own in batcher.windows([gold_of(TEXTS["plain"], {}, ())]) for view in own]
        drawn = [[text for _, text in further.drawn([number])] for number in range(20)]
        assert drawn == [[text for _, text in further.drawn([number])] for number in range(20)]
        assert {text for own in drawn for text in own} == {"color", "city", "ship"} and all(len(set(own)) == 2 for own in drawn)
        collate = TrainingCollator(batcher=batcher, teacher=TeacherViews(batcher), further=further)
        batch = collate(windows)
        known = dict(zip(batch["type_texts"], batch["valid"].any(dim=(0, 1, 2)).tolist(), strict=True))
        assert known["city"] and known.keys() >= {"city"} and len(known) in {2, 3}
        assert not any(is_known for text, is_known in known.items() if text != "city")
        assert set(collate(plain)["type_texts"]) < {"color", "city", "ship"} and not collate(plain)["valid"].any()

    def test_what_no_window_of_the_teacher_shows_is_left_out(self, tiny_encoder: Path, tmp_path: Path) -> None:
        make_matcher(tiny_encoder, max_length=8).save_pretrained(tmp_path / "teacher")
        student = make_matcher(tiny_encoder)
        teacher = Teacher(str(tmp_path / "teacher"), student.batcher, "cpu")
        batch = step(student, teacher, [LONG, "Bob"])
        assert batch["teacher_rows"].tolist() == [1]
        assert taught(teacher, batch).shape[:2] == (1, batch["texts"].candidates.shape[1])
        assert step(student, teacher, [LONG])["teacher_texts"] is None

    def test_the_temperature_divides(self, folder: Path, tiny_encoder: Path) -> None:
        student = make_matcher(tiny_encoder)
        one, sharp = (Teacher(str(folder), student.batcher, "cpu", temperature=value) for value in (1.0, 0.25))
        batch = step(student, one, ["Bob lives in Rome"])
        torch.testing.assert_close(taught(sharp, batch), 4 * taught(one, batch))

    def test_types_are_embedded_once(self, folder: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        teacher = Teacher(str(folder), make_matcher(tiny_encoder).batcher, "cpu")
        with teacher.matcher.inference():
            first = teacher.embeddings(["city", "person"])
            monkeypatch.setattr(teacher.matcher.model, "type_embeddings", lambda _: pytest.fail("again"))
            assert torch.equal(teacher.embeddings(["person", "city", "person"]), first[[1, 0, 1]])
            monkeypatch.undo()
            monkeypatch.setattr(type_anchor, "MAX_KEPT", 2)
            assert teacher.embeddings(["person", "a", "b"]).shape[0] == 3


class TestLoss:
    def test_by_hand(self) -> None:
        logits, said = torch.tensor([0.0, 2.0, 9.0]).reshape(1, 1, 3, 1), torch.tensor([0.0, -1.0, 4.0]).reshape(1, 1, 3, 1)
        candidates = torch.tensor([[[True, True, False]]])

        def entropy(logit: float, target: float) -> float:
            chance = 1 / (1 + math.exp(-logit))
            return -(target * math.log(chance) + (1 - target) * math.log(1 - chance))

        low = 1 / (1 + math.e)
        expected = entropy(0.0, 0.5) + entropy(2.0, low)  # divided by 1, because less than one entity is expected
        assert soft_loss(logits, said, candidates).item() == pytest.approx(expected)
        many = soft_loss(logits.expand(1, 1, 3, 4), said.expand(1, 1, 3, 4), candidates).item()
        assert many == pytest.approx(4 * expected / (4 * (0.5 + low)))

    def test_it_is_least_where_both_agree(self) -> None:
        said = torch.randn(2, 3, 2, 4, generator=torch.Generator().manual_seed(0))
        logits = said.clone().requires_grad_()
        soft_loss(logits, said, torch.ones(2, 3, 2, dtype=torch.bool)).backward()
        assert logits.grad is not None and logits.grad.abs().max() < 1e-6


class TestTraining:
    @pytest.fixture(scope="class")
    def teacher(self, encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return trained_checkpoint(tmp_path_factory.mktemp("teaching") / "teacher", encoder)

    def test_a_type_that_the_data_does_not_have_is_learnt(self, teacher: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
        """One half of the texts is annotated for some types, the other half for the others; only the teacher says more."""
        types = sorted(NAMES)
        halves: list[dict[str, Any]] = []
        for number, record in enumerate(sentences(60)):
            own = types[:1] if number % 2 else types[1:]
            halves.append(record | {"labels": own, "char_spans": [span for span in record["char_spans"] if span["label"] in own]})
        file = write_jsonl(tmp_path / "halves.jsonl", halves)
        flags = {"num_train_epochs": 6, "teacher": teacher, "teacher_weight": 1}
        run(encoder, file, tmp_path / "student", **flags)
        given = {"evaluation_file": data / "test.jsonl", "threshold": 0.5}
        f1 = {}
        for model in (teacher, tmp_path / "student"):
            out = tmp_path / f"of_{model.name}"
            result = evaluate("--pretrained_model_name_or_path", model, "--output_dir", out, *_flags(given))
            assert result.status == 0, result.err
            f1[model.name] = read_json(out / "metrics.json")["micro"]["f1"]
        assert f1["student"] > 0.9 * f1["teacher"] > 0.7

    def test_it_is_resumed(self, teacher: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
        flags = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "teacher": teacher}
        run(encoder, data / "train.jsonl", tmp_path / "through", **flags)
        changed = flags | {"teacher": None, "resume_from_checkpoint": True}
        other = train(*arguments(encoder, data / "train.jsonl", tmp_path / "through", **changed))
        assert other.status == 2 and "teacher was" in other.err

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"architecture": "cross"}, "teaches bi-encoders as a bi-encoder"),
            ({"candidates": "subwords"}, "its candidates are of at most 4 subwords, the student's of 4 words"),
            ({"max_span_width": 3}, "its candidates are of at most 3 words, the student's of 4 words; both must be words"),
        ],
    )
    def test_one_that_does_not_fit(self, given: dict[str, Any], message: str, tiny_encoder: Path, tmp_path: Path) -> None:
        make_matcher(tiny_encoder, **given).save_pretrained(tmp_path / "teacher")
        with pytest.raises(InputError, match=rf"^teacher: .*{message}"):
            Teacher(str(tmp_path / "teacher"), make_matcher(tiny_encoder).batcher, "cpu")


def _flags(given: dict[str, Any]) -> list[object]:
    return [part for key, value in given.items() for part in (f"--{key}", value)]
