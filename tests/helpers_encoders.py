"""Tiny random encoders of each family that there is, with tokenizers of their real kind, as the hub has them: with pooler,
heads and decoder, and embeddings for more than the vocabulary where the real ones have these."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from helpers import CORPUS
from helpers_e2e import NAMES, PATTERNS
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoTokenizer,
    BartForConditionalGeneration,
    BartTokenizer,
    BertForPreTraining,
    BertTokenizer,
    DebertaV2ForMaskedLM,
    ElectraForPreTraining,
    Gemma3ForCausalLM,
    LlamaForCausalLM,
    ModernBertForMaskedLM,
    MT5ForConditionalGeneration,
    PreTrainedTokenizerFast,
    RobertaForMaskedLM,
    RobertaTokenizer,
    T5ForConditionalGeneration,
    T5Tokenizer,
    XLMRobertaForMaskedLM,
    XLMRobertaTokenizer,
)

POSITIONS = 64
HIDDEN = 32
TEXTS = [*CORPUS, *PATTERNS, *(name for names in NAMES.values() for name in names), *NAMES]
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def write_wordpiece(folder: Path) -> None:
    """BERT's, and ELECTRA's: accents stripped, lower case."""
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.normalizer = normalizers.BertNormalizer()
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trained.train_from_iterator(TEXTS, trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, show_progress=False))
    BertTokenizer(vocab=trained.get_vocab(), model_max_length=POSITIONS).save_pretrained(folder)


def _bytes(special: list[str], *, add_prefix_space: bool) -> Tokenizer:
    """A byte-level BPE."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    trained.train_from_iterator(TEXTS, trainer)
    return trained


def write_bytes(folder: Path, *, add_prefix_space: bool, tokenizer_class: Any = RobertaTokenizer) -> None:
    """RoBERTa's, and BART's; without a prefix space the first word of a text is another token than the same word later."""
    trained = _bytes(ROBERTA_SPECIAL, add_prefix_space=add_prefix_space)
    merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]
    options: dict[str, Any] = {"add_prefix_space": add_prefix_space, "model_max_length": POSITIONS}
    tokenizer_class(vocab=trained.get_vocab(), merges=merges, **options).save_pretrained(folder)


def write_bytes_and_spaces(folder: Path) -> None:
    """ModernBERT's: special tokens at the end, runs of spaces as tokens, offsets that begin at the space."""
    trained = _bytes([], add_prefix_space=False)
    trained.normalizer = normalizers.NFC()
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    trained.add_tokens(["  ", "   ", "|||URL|||"])
    trained.add_special_tokens(special)
    cls, sep = (("[CLS]", trained.token_to_id("[CLS]")), ("[SEP]", trained.token_to_id("[SEP]")))
    trained.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[cls, sep]
    )
    names = dict(zip(("unk_token", "cls_token", "sep_token", "pad_token", "mask_token"), special, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=trained, model_max_length=POSITIONS, model_input_names=["input_ids", "attention_mask"], **names
    ).save_pretrained(folder)


def write_bytes_of_decoder(folder: Path) -> None:
    """Llama 3's: a token before each text and none behind it, and no token for what is unknown."""
    trained = _bytes([], add_prefix_space=False)
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|pad|>"]
    trained.add_special_tokens(special)
    begin = special[0]
    trained.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", pair=f"{begin} $A {begin}:1 $B:1", special_tokens=[(begin, trained.token_to_id(begin))]
    )
    names = dict(zip(("bos_token", "eos_token", "pad_token"), special, strict=True))
    PreTrainedTokenizerFast(
        tokenizer_object=trained, model_max_length=POSITIONS, model_input_names=["input_ids", "attention_mask"], **names
    ).save_pretrained(folder)


def _sentencepiece(**options: Any) -> bytes:
    """A unigram model as the library SentencePiece writes it."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=written,
        vocab_size=300,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
        **options,
    )
    return written.getvalue()


def write_deberta_model(folder: Path) -> None:
    """DeBERTa-v3's, as the hub has it: a SentencePiece model and no tokenizer.json."""
    pieces = {"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
    (folder / "spm.model").write_bytes(_sentencepiece(pad_id=0, bos_id=1, eos_id=2, unk_id=3, **pieces))
    config = {"do_lower_case": False, "vocab_type": "spm", "model_max_length": POSITIONS}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def write_mt5_model(folder: Path) -> None:
    """mT5's, as the hub has it: a SentencePiece model, no tokenizer.json, no limit."""
    (folder / "spiece.model").write_bytes(_sentencepiece(pad_id=0, eos_id=1, unk_id=2, bos_id=-1))
    config = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "extra_ids": 0, "tokenizer_class": "T5Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def _unigrams(special: list[str]) -> list[tuple[str, float]]:
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False)
    trained.train_from_iterator(TEXTS, trainer)
    return [(piece, score) for piece, score in json.loads(trained.to_str())["model"]["vocab"]]


def write_xlm_roberta_unigrams(folder: Path) -> None:
    """XLM-RoBERTa's."""
    vocab = _unigrams(["<s>", "<pad>", "</s>", "<unk>"])
    XLMRobertaTokenizer(vocab=vocab, model_max_length=POSITIONS).save_pretrained(folder)


def write_t5_unigrams(folder: Path) -> None:
    """T5's, with tokens for what was masked, which are found in a text, too."""
    vocab = _unigrams(["<pad>", "</s>", "<unk>"])
    T5Tokenizer(vocab=vocab, extra_ids=10, model_max_length=POSITIONS).save_pretrained(folder)


SIZES: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 2 * HIDDEN,
}
T5_SIZES: dict[str, Any] = {"d_model": HIDDEN, "d_kv": 16, "d_ff": 2 * HIDDEN, "num_layers": 2, "num_heads": 2}
BART_SIZES: dict[str, Any] = {"d_model": HIDDEN} | {
    f"{part}_{name}": value
    for part in ("encoder", "decoder")
    for name, value in {"layers": 2, "attention_heads": 2, "ffn_dim": 2 * HIDDEN}.items()
}
# As in DeBERTa-v3: no absolute positions, no segments; distances in buckets.
DEBERTA_V3: dict[str, Any] = {
    "type_vocab_size": 0,
    "position_biased_input": False,
    "relative_attention": True,
    "pos_att_type": "p2c|c2p",
    "norm_rel_ebd": "layer_norm",
    "position_buckets": 8,
    "share_att_key": True,
}
# As in DeBERTa-v2-xlarge: a convolution over the neighbours, which must not be padding.
DEBERTA_V2: dict[str, Any] = DEBERTA_V3 | {"conv_kernel_size": 3, "conv_act": "gelu", "share_att_key": False}


@dataclass(frozen=True, kw_only=True)
class Family:
    """A family of encoders, and what is known of it.

    `spare` embeddings have no token; `around` are the special tokens before, between and behind the parts of a pair.
    """

    write_tokenizer: Callable[[Path], None]
    pretrained: Any
    around: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    options: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=lambda: SIZES)
    spare: int = 0
    positions: int | None = POSITIONS  # that the encoder has; None where it counts distances
    segments: bool = False
    has_cls: bool = True
    is_decoder: bool = False


BERT_PAIR = ("[CLS]",), ("[SEP]",), ("[SEP]",)
ROBERTA_PAIR = ("<s>",), ("</s>", "</s>"), ("</s>",)
T5_PAIR: Any = (), ("</s>",), ("</s>",)
LLAMA_PAIR: Any = ("<|begin_of_text|>",), ("<|begin_of_text|>",), ()
# The positions of RoBERTa's family start behind the padding index, which is 1.
LATER = {"max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1}
AT_MOST = {"max_position_embeddings": POSITIONS}

FAMILIES: dict[str, Family] = {
    "BERT": Family(
        write_tokenizer=write_wordpiece, pretrained=BertForPreTraining, around=BERT_PAIR, options=AT_MOST, segments=True
    ),
    "ELECTRA": Family(
        write_tokenizer=write_wordpiece,
        pretrained=ElectraForPreTraining,
        around=BERT_PAIR,
        options=AT_MOST | {"embedding_size": 16},
        segments=True,
    ),
    "RoBERTa": Family(
        write_tokenizer=lambda folder: write_bytes(folder, add_prefix_space=False),
        pretrained=RobertaForMaskedLM,
        around=ROBERTA_PAIR,
        options=LATER,
    ),
    "RoBERTa with prefix space": Family(
        write_tokenizer=lambda folder: write_bytes(folder, add_prefix_space=True),
        pretrained=RobertaForMaskedLM,
        around=ROBERTA_PAIR,
        options=LATER,
    ),
    "XLM-R": Family(
        write_tokenizer=write_xlm_roberta_unigrams, pretrained=XLMRobertaForMaskedLM, around=ROBERTA_PAIR, options=LATER
    ),
    "DeBERTa-v2": Family(
        write_tokenizer=write_deberta_model,
        pretrained=DebertaV2ForMaskedLM,
        around=BERT_PAIR,
        options=AT_MOST | DEBERTA_V2,
        positions=None,
    ),
    "DeBERTa-v3": Family(
        write_tokenizer=write_deberta_model,
        pretrained=DebertaV2ForMaskedLM,
        around=BERT_PAIR,
        options=AT_MOST | DEBERTA_V3,
        spare=5,
        positions=None,
    ),
    "ModernBERT": Family(
        write_tokenizer=write_bytes_and_spaces,
        pretrained=ModernBertForMaskedLM,
        around=BERT_PAIR,
        # A window of 8 in every second layer, so that texts are wider than it.
        options=AT_MOST | {"num_hidden_layers": 3, "global_attn_every_n_layers": 2, "local_attention": 8},
        spare=9,
        positions=None,
    ),
    "T5": Family(
        write_tokenizer=write_t5_unigrams,
        pretrained=T5ForConditionalGeneration,
        around=T5_PAIR,
        sizes=T5_SIZES,
        spare=7,
        positions=None,
        has_cls=False,
    ),
    "mT5": Family(
        write_tokenizer=write_mt5_model,
        pretrained=MT5ForConditionalGeneration,
        around=T5_PAIR,
        sizes=T5_SIZES | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
        spare=12,
        positions=None,
        has_cls=False,
    ),
    "BART": Family(
        write_tokenizer=lambda folder: write_bytes(folder, add_prefix_space=False, tokenizer_class=BartTokenizer),
        pretrained=BartForConditionalGeneration,
        around=ROBERTA_PAIR,
        options=AT_MOST,
        sizes=BART_SIZES,
    ),
    "Llama": Family(
        write_tokenizer=write_bytes_of_decoder,
        pretrained=LlamaForCausalLM,
        around=LLAMA_PAIR,
        options=AT_MOST | {"num_key_value_heads": 1},
        positions=None,
        has_cls=False,
        is_decoder=True,
    ),
    "Gemma 3": Family(
        write_tokenizer=write_bytes_of_decoder,
        pretrained=Gemma3ForCausalLM,
        around=LLAMA_PAIR,
        # A window of 8 in every second layer, so that texts are wider than it.
        options=AT_MOST | {"num_key_value_heads": 1, "head_dim": 16, "sliding_window": 8, "sliding_window_pattern": 2},
        positions=None,
        has_cls=False,
        is_decoder=True,
    ),
}


def write_encoder(folder: Path, name: str) -> Path:
    """A family's model as it was pretrained, two small layers with random weights, and its tokenizer."""
    family = FAMILIES[name]
    folder.mkdir(parents=True)
    family.write_tokenizer(folder)
    config_class = family.pretrained.config_class
    # Without it the tokenizer's class is not known, where a SentencePiece model is all there is.
    (folder / "config.json").write_text(json.dumps({"model_type": config_class.model_type}))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    shape = family.sizes | family.options | ids | {"vocab_size": len(tokenizer) + family.spare}
    family.pretrained(config_class(**shape)).save_pretrained(folder)
    return folder
