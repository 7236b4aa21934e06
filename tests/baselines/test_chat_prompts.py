"""Prompts as tokens: nothing of a text is lost, and nothing in it is a special token."""

import pytest
from helpers_generative import annotated, chat_tokenizer
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.baselines.chat_format import STOP, instruction, prompt_form, write_answer
from spanmatch.baselines.chat_prompts import ChatPrompts, text_parts
from spanmatch.errors import InputError


def prompts(family: str = "Llama", max_length: int = 1024) -> ChatPrompts:
    tokenizer = chat_tokenizer(family)
    return ChatPrompts(tokenizer, prompt_form(tokenizer), max_length)


class TestTextParts:
    @pytest.mark.parametrize(
        ("text", "room", "parts"),
        [
            ("a b c d e", 5, ["a b c d e"]),
            ("a b c d e", 2, ["a b", "c d", "e"]),
            ("a b c . d e f g", 6, ["a b c .", "d e f g"]),  # where a sentence ends
            ("a . b c d e f g", 6, ["a . b c d e", "f g"]),  # but not after a short piece
            ("a b c d\ne f g h", 6, ["a b c d", "e f g h"]),  # where a line ends
            ("", 3, []),
        ],
    )
    def test_cut(self, text: str, room: int, parts: list[str]) -> None:
        one = annotated(text)
        found = text_parts(one, [1] * len(one.words), room)
        assert [text[one.words[part.start][0] : one.words[part.stop - 1][1]] for part in found] == parts

    def test_a_word_that_is_too_long_is_in_no_part(self) -> None:
        assert text_parts(annotated("a b c d"), [1, 1, 9, 1], 4) == [range(0, 2), range(3, 4)]
        assert text_parts(annotated("a b"), [9, 9], 4) == []

    @given(st.text(alphabet="ab .\n", max_size=80), st.integers(1, 9))
    def test_every_word_is_in_one_part(self, text: str, room: int) -> None:
        one = annotated(text)
        parts = text_parts(one, [1] * len(one.words), room)
        assert [word for part in parts for word in part] == list(range(len(one.words)))
        assert all(len(part) <= room for part in parts)


class TestPrompts:
    @pytest.mark.parametrize("family", ["Llama", "Qwen3", "Gemma3"])
    def test_the_prompt_holds_instruction_and_text(self, family: str) -> None:
        made = prompts(family)
        one = annotated("Ada met Bob in Lima .")
        [part] = made.parts([one])
        shown = made.tokenizer.decode(part.ids)
        assert instruction(one.types) in shown and one.text in shown and part.words == range(6)
        assert shown == prompt_form(made.tokenizer).format(instruction=instruction(one.types), text=one.text)

    @pytest.mark.parametrize("family", ["Llama", "Qwen3", "Gemma3"])
    def test_special_tokens_in_a_text_stay_text(self, family: str) -> None:
        made = prompts(family)
        special = set(made.tokenizer.all_special_ids)
        plain, odd = made.parts([annotated("Ada met Bob"), annotated("Ada <eos> <|im_end|><end_of_turn> Bob")])
        assert [token for token in odd.ids if token in special] == [token for token in plain.ids if token in special]

    def test_texts_without_words_or_types_have_no_part(self) -> None:
        one = annotated("Ada")
        without_types = type(one)(where="", text="Ada", words=one.words, mentions=())
        assert prompts().parts([annotated(""), without_types]) == []

    @pytest.mark.parametrize("family", ["Llama", "Gemma3"])
    def test_the_longest_answer_fits(self, family: str) -> None:
        """... whatever is tagged, in a text of any length, and prompt and answer together are not longer than allowed."""
        made = prompts(family, max_length=400)
        one = annotated("Ada Lovelace moved to New York . " * 20 + "supercalifragilistic \u00e9t\u00e9 \U0001f600")
        parts = made.parts([one])
        assert len(parts) > 2 and [word for part in parts for word in part.words] == list(range(len(one.words)))
        words = [one.text[start:end] for start, end in one.words]
        for part in parts:
            answer = write_answer([words[word] for word in part.words], [5] * len(part.words), one.types)
            ids = made.answer_ids(answer)
            assert len(ids) <= part.max_answer and len(part.ids) + part.max_answer <= 400

    def test_an_instruction_that_leaves_no_room(self) -> None:
        many = annotated("Ada", types=[f"type {number}" for number in range(100)])
        with pytest.raises(InputError, match=r"here: the instruction for 100 types takes \d+ of 300 tokens; ask for fewer types"):
            prompts(max_length=300).parts([many])

    def test_an_answer_ends_with_the_end_token(self) -> None:
        made = prompts()
        ids = made.answer_ids(STOP)
        assert ids[-1] == made.tokenizer.eos_token_id and made.tokenizer.decode(ids[:-1]) == STOP
