"""Tiny random causal language models of each family that generates, with tokenizers of their real kinds."""

import json
from pathlib import Path
from typing import Any

import torch
from helpers import CORPUS
from helpers_e2e import NAMES, sentences
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from spanmatch.baselines.chat_format import STOP, instruction
from spanmatch.baselines.generative import GenerativeTagger, load_model, new_settings
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType, Mention, as_entity_types

SIZES: dict[str, Any] = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "intermediate_size": 96,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": True,
    "initializer_range": 0.15,  # so small a model learns faster from larger weights
}
# A window of 16 in every layer but one, as Gemma's are, so that texts are wider than it.
WINDOW = {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
FAMILIES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "Llama": (LlamaConfig, LlamaForCausalLM, {}),
    "Qwen3": (Qwen3Config, Qwen3ForCausalLM, {}),
    "Gemma3": (Gemma3TextConfig, Gemma3ForCausalLM, WINDOW),
}
# As the real ones have them; Gemma's knows no system's message in some versions.
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] | trim }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
WITHOUT_SYSTEM = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}<start_of_turn>{{ message['role'] }}\n{{ message['content'] }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
SPECIAL = {
    "Llama": ["<bos>"],
    "Qwen3": ["<|im_start|>", "<|im_end|>"],
    "Gemma3": ["<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"],
}
TEMPLATES: dict[str, str | None] = {"Llama": None, "Qwen3": CHATML, "Gemma3": WITHOUT_SYSTEM}
_TAGGED = [(word, label) for label, names in NAMES.items() for name in names for word in name.split()]
_ANSWERS = [f"{word}: {prefix}-{label}" for word, label in _TAGGED for prefix in "BI"]
TEXTS = [
    *CORPUS,
    *(row["text"] for row in sentences(60)),
    *[instruction([EntityType(name=name) for name in NAMES])] * 3,
    "\n".join([*_ANSWERS, STOP] * 3),
    "### system\n### user\n### assistant\n" * 3,
]


def chat_tokenizer(family: str) -> PreTrainedTokenizerFast:
    """Byte-level BPE as Llama 3 and Qwen have it; or as Gemma has it, with spaces as letters, and bytes for what is unknown."""
    special = ["<pad>", "<eos>", *SPECIAL[family]]
    trained = _with_byte_tokens(special) if family == "Gemma3" else _byte_level(special)
    names = {"pad_token": "<pad>", "eos_token": "<eos>"}
    names |= {"bos_token": "<bos>"} if "<bos>" in special else {}
    names |= {"unk_token": "<unk>"} if "<unk>" in special else {}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained, additional_special_tokens=[token for token in special if "_" in token], **names
    )
    tokenizer.chat_template = TEMPLATES[family]
    return tokenizer


def _byte_level(special: list[str]) -> Tokenizer:
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    trained.train_from_iterator(TEXTS, trainer)
    return trained


def _with_byte_tokens(special: list[str]) -> Tokenizer:
    learnt = Tokenizer(models.BPE())
    pieces = [piece for text in TEXTS for piece in text.replace(" ", "\u2581 ").split(" ")]
    learnt.train_from_iterator(pieces, trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False))
    bpe = json.loads(learnt.to_str())["model"]
    vocabulary = bpe["vocab"] | {f"<0x{byte:02X}>": len(bpe["vocab"]) + byte for byte in range(256)}
    merges = [tuple(pair) for pair in bpe["merges"]]
    trained = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    trained.add_special_tokens(special)
    trained.normalizer = normalizers.Replace(" ", "\u2581")
    trained.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    return trained


def write_generator(folder: Path, family: str) -> Path:
    """A model of a family with random weights, and its tokenizer."""
    tokenizer = chat_tokenizer(family)
    config_class, model_class, options = FAMILIES[family]
    torch.manual_seed(0)
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
    model = model_class(config_class(**SIZES | options | ids, vocab_size=len(tokenizer) + 3))
    # What their authors recommend for chats, which must not change what is found.
    model.generation_config.update(do_sample=True, temperature=5.0, top_k=50)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_generator(folder: Path, **settings: Any) -> GenerativeTagger:
    """A tagger around a model, in float32."""
    model, tokenizer = load_model(str(folder), str(folder))
    given: dict[str, Any] = {"max_length": None, "constrained": False, "base": None} | settings
    return GenerativeTagger(model.eval(), tokenizer, new_settings(model, tokenizer, **given))


def annotated(text: str, *mentions: tuple[int, int, str], types: Any = ("person", "city", "company")) -> Example:
    """A text with gold."""
    gold = tuple(Mention(start=start, end=end, label=label) for start, end, label in mentions)
    return Example(where="here", text=text, words=split_words(text), mentions=gold, types=as_entity_types(types))
