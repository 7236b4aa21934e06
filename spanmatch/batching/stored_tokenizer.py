"""The tokenizer of a checkpoint, read with the library `tokenizers` alone: importing transformers takes longer than tagging."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from spanmatch.data.files import read_json
from spanmatch.errors import InputError, one_line

# The files that transformers writes of a fast tokenizer.
TOKENIZER_FILE, SETTINGS_FILE = "tokenizer.json", "tokenizer_config.json"
# Settings that name special tokens: one each, then those with several.
NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
FURTHER_TOKENS = ("extra_special_tokens", "additional_special_tokens")
# A vocabulary without its unknown token fails only where a word is unknown.
UNUSUAL = "a \U00012031"


@dataclass(frozen=True, kw_only=True)
class StoredTokenizer:
    """Holds a tokenizer. What it says of its special tokens has the names that a tokenizer of transformers has for it.

    Attributes:
        backend_tokenizer: the tokenizer of the library `tokenizers`.
        settings: the settings that transformers keeps beside it.
    """

    backend_tokenizer: Tokenizer
    settings: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path) -> "StoredTokenizer":
        """Read a tokenizer.

        Args:
            folder: the folder that transformers wrote, or `save_pretrained`.

        Raises:
            Exception: a file is missing or cannot be parsed; the library has no class of its own for it.
        """
        backend = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        settings = read_json(folder / SETTINGS_FILE, "copy the checkpoint again")
        if not isinstance(settings, dict):
            raise InputError(f"{SETTINGS_FILE}: expected a JSON object")
        found = cls(backend_tokenizer=backend, settings=settings)
        # What is wrong is found now, not in the first text.
        for token in found._special_tokens():
            found._id(token)
        try:
            backend.encode(UNUSUAL)
            backend.encode(UNUSUAL, UNUSUAL)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # the library panics where a special token has no id, and a panic is no Exception
            raise InputError(f"{TOKENIZER_FILE}: cannot be used ({one_line(error)})") from error
        return found

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the tokenizer, for `load` and for transformers.

        Args:
            folder: made if it is not there.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        self.backend_tokenizer.save(str(target / TOKENIZER_FILE))
        (target / SETTINGS_FILE).write_text(json.dumps(self.settings, indent=2) + "\n", encoding="utf-8")

    @property
    def unk_token_id(self) -> int | None:
        """Return the id of the unknown token, None for a vocabulary without one."""
        return self._id(self.settings.get("unk_token"))

    @property
    def pad_token_id(self) -> int | None:
        """Return the id of the padding, None for a vocabulary without one."""
        return self._id(self.settings.get("pad_token"))

    @property
    def all_special_ids(self) -> list[int]:
        """Return the ids of all special tokens that the settings name."""
        found = (self._id(token) for token in self._special_tokens())
        return [item for item in found if item is not None]

    def _special_tokens(self) -> Iterator[Any]:
        yield from (self.settings.get(name) for name in NAMED_TOKENS)
        for name in FURTHER_TOKENS:
            several = self.settings.get(name) or ()
            yield from several.values() if isinstance(several, dict) else several

    def _id(self, token: Any) -> int | None:
        # A token is its text, or a description that has it.
        content = token.get("content") if isinstance(token, dict) else token
        if not isinstance(content, str | None):
            raise InputError(f"{SETTINGS_FILE}: a special token must be a text, got {str(content)[:40]}")
        return None if content is None else self.backend_tokenizer.token_to_id(content)
