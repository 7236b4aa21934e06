"""Generation in batches: what is written, where it ends, and how probable each token is."""

from collections.abc import Sequence

import pytest
import torch
from helpers_e2e import sentences
from helpers_generative import FAMILIES, annotated, make_generator, write_generator

from spanmatch.baselines.chat_format import STOP
from spanmatch.baselines.generation import Written, _StopLine, generate
from spanmatch.baselines.generative import GenerativeTagger


@pytest.fixture(scope="module", params=FAMILIES)
def tagger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GenerativeTagger:
    """A model of each family, whose random weights are large enough to write different things."""
    found = make_generator(write_generator(tmp_path_factory.mktemp("generator"), request.param))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in found.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
    return found


@pytest.fixture(scope="module")
def prompts(tagger: GenerativeTagger) -> list[list[int]]:
    return [part.ids for part in tagger.prompts.parts([annotated(row["text"]) for row in sentences(5, seed=3)])]


def write(tagger: GenerativeTagger, prompts: Sequence[Sequence[int]]) -> list[Written]:
    return generate(tagger.model, tagger.tokenizer, prompts, max_new_tokens=12)


def test_padding_changes_nothing(tagger: GenerativeTagger, prompts: list[list[int]]) -> None:
    assert len({len(ids) for ids in prompts}) > 2, "prompts of several lengths"
    many = write(tagger, prompts)
    assert len({tuple(item.log_probabilities) for item in many}) > 2, "different answers, or of different probability"
    for ids, one in zip(prompts, many, strict=True):
        [alone] = write(tagger, [ids])
        assert alone.text == one.text and alone.ends == one.ends
        assert alone.log_probabilities == pytest.approx(one.log_probabilities, abs=1e-4)


def test_probabilities_are_those_of_the_model(tagger: GenerativeTagger, prompts: list[list[int]]) -> None:
    """... that it gives each token behind all before it; and the most probable is written."""
    for written, ids in zip(write(tagger, prompts[:2]), prompts, strict=False):
        sequence, texts = list(ids), []
        for value in written.log_probabilities:
            with torch.inference_mode():
                shares_V = tagger.model(torch.tensor([sequence])).logits[0, -1].log_softmax(dim=-1)
            assert float(shares_V.max()) == pytest.approx(value, abs=1e-4)
            sequence.append(int(shares_V.argmax()))
            texts.append(tagger.tokenizer.decode(sequence[len(ids) :], skip_special_tokens=True))
        assert written.text == texts[-1] and written.ends == [len(text) for text in texts]


def test_tokens_of_a_part_of_an_answer() -> None:
    written = Written(text="abcdef", ends=[2, 3, 3, 6], log_probabilities=[-1.0, -2.0, -3.0, -4.0])
    assert written.between(0, 2) == [-1.0]
    assert written.between(1, 4) == [-1.0, -2.0, -3.0, -4.0]
    assert written.between(3, 6) == [-4.0]


@pytest.mark.parametrize(
    ("answer", "is_over"),
    [
        (f"Ada: B-person\n{STOP}", True),
        (f"Ada: B-person\n{STOP}\n", True),
        (STOP, True),
        ("Ada: B-person\n[sto", False),
        (f"{STOP}\nAda: B-person", False),
    ],
)
def test_an_answer_ends_at_its_stop(tagger: GenerativeTagger, answer: str, is_over: bool) -> None:
    ids = tagger.tokenizer(f"{tagger.settings.prompt}{answer}", add_special_tokens=False, return_tensors="pt")["input_ids"]
    assert _StopLine(tagger.tokenizer)(ids, torch.zeros(1)).tolist() == [is_over]
