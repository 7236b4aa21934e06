"""`spanmatch fit generative`, as a user runs it: what is learnt, what the loss reads, resuming, and what is written."""

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_baselines import fit
from helpers_e2e import read_json, sentences, spanmatch, write_jsonl
from helpers_generative import FAMILIES, annotated, make_generator, write_generator

from spanmatch.baselines.generative import GenerativeTagger
from spanmatch.baselines.generative_arguments import GenerativeArguments, GenerativeTrainingArguments
from spanmatch.baselines.generative_training import GenerativeTrainer, training_rows
from spanmatch.baselines.word_windows import IGNORED
from spanmatch.data.corpus import Corpus

EXAMPLES = [
    annotated("Ada Lovelace moved to Lima .", (0, 12, "person"), (22, 26, "city")),
    annotated("It rained again in Cape Town .", (19, 28, "city")),
    annotated("Bob met nobody ."),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {family: write_generator(folder / family, family) for family in FAMILIES}


def corpus(*examples: Any) -> Corpus:
    return Corpus(examples=list(examples))


def trainer_of(tagger: GenerativeTagger, folder: Path) -> GenerativeTrainer:
    training = GenerativeTrainingArguments(output_dir=str(folder), report_to="none", disable_tqdm=True, bf16=False)
    return GenerativeTrainer(tagger, GenerativeArguments(), training, training_rows(tagger, corpus(*EXAMPLES)), None)


class TestRows:
    def test_labels_are_those_of_the_answer(self, models: dict[str, Path]) -> None:
        tagger = make_generator(models["Llama"])
        [first, _, last] = training_rows(tagger, corpus(*EXAMPLES))
        answer = [token for token in first["labels"] if token != IGNORED]
        assert tagger.tokenizer.decode(answer) == "Ada: B-person\nLovelace: I-person\nLima: B-city\n[stop]<eos>"
        assert first["input_ids"][-len(answer) :] == answer
        assert tagger.tokenizer.decode([token for token in last["labels"] if token != IGNORED]) == "[stop]<eos>"

    def test_long_texts_are_cut_and_not_dropped(self, models: dict[str, Path]) -> None:
        tagger = make_generator(models["Llama"], max_length=250)
        text = "Ada met Bob . " * 30
        spans = [(start, start + 3, "person") for start in range(len(text)) if text[start : start + 3] in {"Ada", "Bob"}]
        rows = training_rows(tagger, corpus(annotated(text, *spans)))
        assert len(rows) > 2 and all(len(row["input_ids"]) <= 250 for row in rows)
        answers = "".join(tagger.tokenizer.decode([token for token in row["labels"] if token != IGNORED]) for row in rows)
        assert answers.count("B-person") == len(spans) == 60 and answers.count("[stop]") == len(rows)


class TestLoss:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_it_is_the_cross_entropy_of_the_answers(self, family: str, models: dict[str, Path], tmp_path: Path) -> None:
        """... as a batch of padded prompts, and one text after the other with the whole output of the model."""
        tagger = make_generator(models[family])
        trainer = trainer_of(tagger, tmp_path)
        rows = training_rows(tagger, corpus(*EXAMPLES))
        loss: Any = trainer.compute_loss(tagger.model, dict(trainer.data_collator(rows)))
        total, number = 0.0, 0
        for row in rows:
            labels = torch.tensor(row["labels"])
            with torch.inference_mode():
                shares_TV = tagger.model(torch.tensor([row["input_ids"]])).logits[0].log_softmax(dim=-1)
            for place in (labels != IGNORED).nonzero().flatten().tolist():
                total -= float(shares_TV[place - 1, labels[place]])
                number += 1
        assert float(loss) == pytest.approx(total / number, rel=1e-4)

    def test_it_ignores_the_prompt(self, models: dict[str, Path], tmp_path: Path) -> None:
        """Where the labels of the prompt would count, they would change it; and its tokens have no gradient of their own."""
        tagger = make_generator(models["Llama"])
        trainer = trainer_of(tagger, tmp_path)
        [row] = training_rows(tagger, corpus(EXAMPLES[2]))
        loss: Any = trainer.compute_loss(tagger.model, dict(trainer.data_collator([row])))
        scored = []
        tagger.model.lm_head.register_forward_hook(lambda module, inputs, output: scored.append(output.shape[1]))
        trainer.compute_loss(tagger.model, dict(trainer.data_collator([row])))
        num_answer = sum(token != IGNORED for token in row["labels"])
        assert scored == [num_answer + 1], "only the answer is scored"
        everything = row | {"labels": [IGNORED, *row["input_ids"][1:]]}
        whole: Any = trainer.compute_loss(tagger.model, dict(trainer.data_collator([everything])))
        assert float(whole) != pytest.approx(float(loss), rel=1e-3)


@pytest.fixture(scope="module")
def trained(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama that has learnt ten sentences by heart, all of its weights."""
    folder = tmp_path_factory.mktemp("fit") / "generative"
    ten = write_jsonl(folder.parent / "ten.jsonl", sentences(10))
    flags: dict[str, Any] = {
        "train_file": ten,
        "validation_file": ten,
        "lora_rank": 0,
        "save_strategy": "epoch",
        "save_total_limit": 1,
    }
    result = fit("generative", folder, model=models["Llama"], num_train_epochs=60, **flags)
    assert result.status == 0, result.err
    assert "generative model" in result.out
    return folder


class TestTraining:
    def test_it_learns(self, trained: Path) -> None:
        assert read_json(trained / "validation" / "metrics.json")["micro"]["f1"] > 0.9
        timings = read_json(trained / "timings.json")
        assert timings["train_seconds"] > 0 and timings["trained_parameters"] > 10_000
        assert timings["answers"]["answers"] == 10 and timings["answers"]["aligned"] > 10

    def test_saved_is_loaded(self, trained: Path, tmp_path: Path) -> None:
        ten = write_jsonl(tmp_path / "ten.jsonl", sentences(10))
        result = spanmatch("evaluate", trained, ten, "--dtype", "float32", "--output_dir", tmp_path / "out")
        assert result.status == 0, result.err
        one, other = (read_json(folder / "metrics.json")["micro"] for folder in (trained / "validation", tmp_path / "out"))
        assert one == other

    def test_a_checkpoint_is_a_tagger(self, trained: Path) -> None:
        [last] = trained.glob("checkpoint-*")
        one, other = (GenerativeTagger.from_pretrained(folder, device="cpu", dtype="float32") for folder in (trained, last))
        assert one.fingerprint() == other.fingerprint()

    @pytest.mark.parametrize("family", ["Qwen3", "Gemma3"])
    def test_adapters(self, family: str, models: dict[str, Path], tmp_path: Path) -> None:
        test = write_jsonl(tmp_path / "test.jsonl", sentences(3, seed=2))
        flags = {"lora_rank": 4, "constrained": True, "max_train_samples": 16, "test_file": test, "num_train_epochs": 1}
        result = fit("generative", tmp_path / "out", model=models[family], **flags)
        assert result.status == 0, result.err
        assert not (tmp_path / "out" / "model.safetensors").exists()
        metrics = read_json(tmp_path / "out" / "test" / "metrics.json")
        result = spanmatch("evaluate", tmp_path / "out", test, "--dtype", "float32", "--output_dir", tmp_path / "again")
        assert result.status == 0, result.err
        assert read_json(tmp_path / "again" / "metrics.json")["micro"] == metrics["micro"]
        again = fit("generative", tmp_path / "out", model=models[family], **flags)
        assert again.status == 2 and "already holds a training" in again.err

    def test_f1_of_each_epoch(self, models: dict[str, Path], tmp_path: Path) -> None:
        validation = write_jsonl(tmp_path / "validation.jsonl", sentences(2, seed=2))
        flags = {"validation_file": validation, "max_train_samples": 8, "save_strategy": "epoch", "eval_strategy": "epoch"}
        result = fit("generative", tmp_path / "out", model=models["Llama"], early_stopping_patience=1, lora_rank=2, **flags)
        assert result.status == 0, result.err
        [last] = sorted((tmp_path / "out").glob("checkpoint-*"))[-1:]
        log = [entry for entry in read_json(last / "trainer_state.json")["log_history"] if "eval_f1" in entry]
        assert [entry["epoch"] for entry in log] == [1, 2]

    def test_a_killed_training_is_resumed(self, models: dict[str, Path], tmp_path: Path) -> None:
        flags = {
            "model": models["Qwen3"],
            "save_strategy": "epoch",
            "save_total_limit": 5,
            "max_train_samples": 24,
            "lora_rank": 4,
        }
        whole = fit("generative", tmp_path / "whole", **flags)
        assert whole.status == 0, whole.err
        assert fit("generative", tmp_path / "parts", **flags).status == 0
        for step in sorted((tmp_path / "parts").glob("checkpoint-*"))[1:]:
            (step / "trainer_state.json").unlink()  # as a kill while it was written leaves it
        (tmp_path / "parts" / "adapter_model.safetensors").unlink()
        resumed = fit("generative", tmp_path / "parts", **flags, resume_from_checkpoint="true")
        assert resumed.status == 0, resumed.err
        one, other = (
            GenerativeTagger.from_pretrained(tmp_path / name, device="cpu", dtype="float32").fingerprint()
            for name in ("whole", "parts")
        )
        assert one == other

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ({"lora_rank": 0, "lora_alpha": 1.0}, '"lora_alpha" has no effect where no adapters are trained'),
            ({"lora_targets": "nothing"}, "lora_targets: "),
            ({"do_train": "false"}, '"do_train" is false'),
            ({"model": "nobody/nothing"}, 'model "nobody/nothing" cannot be loaded'),
            ({"train_file": None}, '"train_file" is missing'),
            ({"max_length": 70}, "the instruction for 3 types takes"),
        ],
    )
    def test_bad_input(self, flags: dict[str, Any], message: str, models: dict[str, Path], tmp_path: Path) -> None:
        result = fit("generative", tmp_path / "out", **{"model": models["Llama"]} | flags)
        assert result.status == 2 and message in result.err, result.err
        assert not (tmp_path / "out").exists()


def test_it_is_a_method() -> None:
    assert "generative" in spanmatch("fit", "--help").out
    assert "lora_rank" in spanmatch("fit", "generative", "--help").out
