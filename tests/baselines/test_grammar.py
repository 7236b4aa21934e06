"""Constrained decoding: whatever the weights, answers are lines of the words and types that were asked for."""

from pathlib import Path

import pytest
import torch
from helpers_e2e import sentences
from helpers_generative import FAMILIES, annotated, make_generator, write_generator
from xgrammar import Grammar
from xgrammar.testing import _is_grammar_accept_string

from spanmatch.baselines.chat_format import STOP, write_answer
from spanmatch.baselines.grammar import AnswerGrammar, grammar, longest_answer
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError

TYPES = as_entity_types(["person", 'say "x" \\ y'])
ODD = ["Ada", '"', "\\", "\u00e9t\u00e9", "\U0001f600", ":", "\x7f", "]", "Ada"]


class TestGrammar:
    @pytest.mark.parametrize(
        ("answer", "is_accepted"),
        [
            (STOP, True),
            (write_answer(ODD, [1] * len(ODD), TYPES), True),
            (write_answer(ODD, [0, 4, 0, 0, 2, 0, 1, 0, 3], TYPES), True),
            ("Ada: B-person\nAda: I-person\n[stop]", True),
            ("", False),
            ("Ada: B-person\n", False),
            ("Eve: B-person\n[stop]", False),
            ("Ada: B-animal\n[stop]", False),
            ("Ada: O\n[stop]", False),
            (":: B-person\n\\: B-person\n[stop]", False),  # in another order
            ("Ada: B-person\nAda: B-person\nAda: B-person\n[stop]", False),  # more often than it occurs
        ],
    )
    def test_it_accepts_answers_about_the_text(self, answer: str, is_accepted: bool) -> None:
        assert _is_grammar_accept_string(Grammar.from_ebnf(grammar(ODD, TYPES)), answer) is is_accepted

    def test_the_longest_answer(self) -> None:
        longest = write_answer(ODD, [3] * len(ODD), TYPES)
        assert longest_answer(ODD, TYPES) == len(longest.encode()) + 1

    def test_no_words(self) -> None:
        assert _is_grammar_accept_string(Grammar.from_ebnf(grammar([], TYPES)), STOP)


@pytest.mark.parametrize("family", FAMILIES)
def test_random_weights_write_what_can_be_read(family: str, tmp_path: Path) -> None:
    folder = write_generator(tmp_path / family, family)
    examples = [annotated(row["text"]) for row in sentences(6)]
    examples += [annotated('\u00c9t\u00e9 \U0001f600 "quoted" back\\slash [stop] \u4e2d\u6587 a: b'), annotated("Ada Ada Ada")]
    free, bound = make_generator(folder), make_generator(folder, constrained=True)
    torch.manual_seed(1)
    for tagger in (free, bound):
        with torch.no_grad():  # larger weights, so that what comes next depends on what came before
            for parameter in tagger.model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.2)
    found = bound.list_entities(examples)
    free.list_entities(examples)
    assert free.counts.lost() and not bound.counts.lost()
    assert bound.counts.answers == len(examples) and bound.counts.lines == bound.counts.aligned > 0
    assert sum(map(len, found)) > 0


def test_it_needs_an_end_token(tmp_path: Path) -> None:
    tagger = make_generator(write_generator(tmp_path, "Llama"))
    tagger.tokenizer.eos_token = None
    with pytest.raises(InputError, match="needs a tokenizer with an end token"):
        AnswerGrammar(tagger.tokenizer, 100)


def test_xgrammar_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = write_generator(tmp_path, "Llama")
    monkeypatch.setitem(__import__("sys").modules, "xgrammar", None)
    with pytest.raises(InputError, match=r"pip install 'spanmatch\[constrained\]'"):
        make_generator(folder, constrained=True)
