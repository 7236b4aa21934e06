"""Let a model write nothing but answers that can be read, by the library XGrammar: each token that it may choose next is one
that a grammar allows.

Source: Dong et al., "XGrammar: Flexible and Efficient Structured Generation Engine for Large Language Models", MLSys 2025.
"""

import json
from collections.abc import Sequence
from typing import Any

from spanmatch.baselines.chat_format import STOP, type_name
from spanmatch.entities import EntityType
from spanmatch.errors import InputError

# Compiled grammars are remembered up to so many bytes.
_CACHE_BYTES = 1 << 28


class AnswerGrammar:
    """Knows a tokenizer, and makes what restricts generation to answers about given words and types."""

    def __init__(self, tokenizer: Any, vocab_size: int) -> None:
        """Read the vocabulary of a tokenizer.

        Args:
            tokenizer: a fast tokenizer of transformers.
            vocab_size: the number of tokens that the model scores, which may be more than the tokenizer has.

        Raises:
            InputError: XGrammar is not installed, or the tokenizer has no token that ends a text.
        """
        xgrammar = import_xgrammar()
        if tokenizer.eos_token_id is None:
            raise InputError("constrained decoding needs a tokenizer with an end token; leave constrained out")
        vocabulary = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=vocab_size, stop_token_ids=[tokenizer.eos_token_id]
        )
        self.tokenizer = tokenizer
        self.compiler = xgrammar.GrammarCompiler(vocabulary, max_threads=1, cache_limit_bytes=_CACHE_BYTES)

    def logits_processor(self, texts: Sequence[tuple[Sequence[str], Sequence[EntityType]]]) -> Any:
        """Return a logits processor of transformers for one batch, which can be used once.

        Args:
            texts: the words of each text of the batch, from `flat_words`, and its types.
        """
        from xgrammar.contrib.hf import LogitsProcessor

        unknown = self.tokenizer.unk_token_id
        compiled = []
        for words, types in texts:
            # Without bytes in its vocabulary, a tokenizer has no tokens that spell an unknown character.
            ids = self.tokenizer(list(words), add_special_tokens=False, split_special_tokens=True)["input_ids"] if words else []
            known = [word for word, own in zip(words, ids, strict=True) if unknown is None or unknown not in own]
            compiled.append(self.compiler.compile_grammar(grammar(known, types)))
        return LogitsProcessor(compiled)


def grammar(words: Sequence[str], types: Sequence[EntityType]) -> str:
    """Return the grammar of all answers about a text: at most one line for each word, in their order, then `[stop]`.

    Args:
        words: the words of the text.
        types: the types that are asked for.
    """
    lines = [f"({_quoted(f'{word}: ')} tag)?" for word in words if word]
    names = " | ".join(_quoted(type_name(item)) for item in types)
    return f'root ::= {" ".join(lines)} {_quoted(STOP)}\ntag ::= ("B-" | "I-") ({names}) "\\n"\n'


def longest_answer(words: Sequence[str], types: Sequence[EntityType]) -> int:
    """Return how many bytes the longest answer has that a grammar allows, with one for the token that ends it.

    Args:
        words: the words of the text.
        types: the types that are asked for.
    """
    of_tag = max(len(f": B-{type_name(item)}\n".encode()) for item in types)
    return sum(len(word.encode()) + of_tag for word in words) + len(STOP) + 1


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def import_xgrammar() -> Any:
    """Return the library XGrammar.

    Raises:
        InputError: it is not installed.
    """
    try:
        import xgrammar
    except ImportError as error:
        raise InputError("constrained decoding needs xgrammar; pip install 'spanmatch[constrained]'") from error
    return xgrammar
