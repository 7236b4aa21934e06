"""Download checkpoints from the hub and upload them to it. Only the files of a checkpoint travel, and no message shows a token.

`huggingface_hub` is imported inside the functions: it takes as long as the rest of what `--help` imports.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from spanmatch.errors import InputError, one_line

# What a checkpoint consists of. States of optimizers, results and logs, which may stand beside it, are left where they are.
CARD_FILE = "README.md"
SHARDS = "model-*-of-*.safetensors"
WEIGHTS = ("model.safetensors", SHARDS, "model.safetensors.index.json", "*.onnx*")
FILES = ("config.json", *WEIGHTS, "thresholds.json", "tokenizer/*", "type_tokenizer/*", CARD_FILE)
_LOG_IN = "log in (hf auth login) or give a token (HF_TOKEN, token=)"
_NAMED_IN_CARD = re.compile(r'from_pretrained\("[^"]*"\)')


class Saveable(Protocol):
    """Writes itself as a checkpoint folder."""

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a checkpoint.

        Args:
            folder: made if it is not there.
        """


def download(
    repo_id: str, *, revision: str | None = None, token: str | bool | None = None, local_files_only: bool = False
) -> Path:
    """Download a checkpoint into the cache of this machine, unless it is there; return its folder.

    Args:
        repo_id: "owner/name".
        revision: a branch, a tag or a commit; by default the main branch.
        token: a token of the hub, or False for none; by default that of `hf auth login` or of HF_TOKEN.
        local_files_only: take what the cache has, and ask no hub.

    Raises:
        InputError: no such repository or revision, no right to read it, or no network.
    """
    from huggingface_hub import snapshot_download

    with _told_in_one_line(repo_id, revision):
        found = snapshot_download(
            repo_id, revision=revision, token=_checked(token), local_files_only=local_files_only, allow_patterns=list(FILES)
        )
    return Path(found)


def push_to_hub(
    checkpoint: Saveable,
    repo_id: str,
    *,
    token: str | bool | None = None,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str = "Upload a spanmatch checkpoint",
) -> str:
    """Upload a checkpoint to the hub, with its model card if it was loaded with one; return the address of the commit.

    What the repository has besides a checkpoint stays; files of an older checkpoint that this one has not are deleted.

    Args:
        checkpoint: what to upload, such as a `SpanMatcher`.
        repo_id: "owner/name"; the repository is made if it is not there.
        token: a token of the hub that may write; by default that of `hf auth login` or of HF_TOKEN.
        private: whether a new repository is private; by default as the settings of the owner say.
        revision: the branch to upload to, made if it is not there; by default the main branch.
        commit_message: the message of the commit.

    Raises:
        InputError: no right to write there, a bad name, or no network.
    """
    with TemporaryDirectory() as folder:
        checkpoint.save_pretrained(folder)
        card = Path(folder) / CARD_FILE
        if card.exists():  # it shows how to load the checkpoint: from now on by this name
            text = card.read_text(encoding="utf-8")
            card.write_text(_NAMED_IN_CARD.sub(lambda _: f'from_pretrained("{repo_id}")', text), encoding="utf-8")
        return upload(folder, repo_id, token=token, private=private, revision=revision, commit_message=commit_message)


def upload(
    folder: str | Path,
    repo_id: str,
    *,
    token: str | bool | None = None,
    private: bool | None = None,
    revision: str | None = None,
    commit_message: str,
) -> str:
    """Upload the files of a checkpoint folder to the hub, and nothing else of it; return the address of the commit.

    Args:
        folder: the folder.
        repo_id: as in `push_to_hub`.
        token: as in `push_to_hub`.
        private: as in `push_to_hub`.
        revision: as in `push_to_hub`.
        commit_message: as in `push_to_hub`.

    Raises:
        InputError: no right to write there, a bad name, or no network.
    """
    from huggingface_hub import HfApi

    with _told_in_one_line(repo_id, revision):
        hub = HfApi(token=_checked(token))
        hub.create_repo(repo_id, private=private, exist_ok=True)
        if revision is not None:
            hub.create_branch(repo_id, branch=revision, exist_ok=True)
        replaced = [pattern for pattern in FILES if pattern != CARD_FILE]
        commit = hub.upload_folder(
            repo_id=repo_id, folder_path=folder, revision=revision, commit_message=commit_message,
            allow_patterns=list(FILES), delete_patterns=replaced,
        )  # fmt: skip
    return str(commit.commit_url)


def _checked(token: str | bool | None) -> str | bool | None:
    """Refuse a token that cannot be sent: the libraries' errors would show it."""
    from huggingface_hub import get_token

    sent = token if isinstance(token, str) or token is False else get_token()
    if isinstance(sent, str) and not re.fullmatch("[!-~]+", sent):
        raise InputError(f"the token of the hub is empty or has characters that no token has; {_LOG_IN}")
    return token


@contextmanager
def _told_in_one_line(repo_id: str, revision: str | None) -> Iterator[None]:
    """Turn whatever the hub, its library or the network raise inside a `with` statement into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # they raise many kinds, those of two HTTP libraries among them
        raise InputError(f"{repo_id}: {_what_and_remedy(error, revision)}") from error


def _what_and_remedy(error: Exception, revision: str | None) -> str:
    from huggingface_hub import errors

    cause = error.__cause__
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(cause, Exception):
        if isinstance(cause, errors.OfflineModeIsEnabled):
            return "neither a local folder nor in the cache of this machine, and HF_HUB_OFFLINE is set; unset it to download"
        error = cause
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else None
    if isinstance(error, errors.GatedRepoError):
        return f"its owner has to admit you to this gated model; ask on its page of the hub, then {_LOG_IN}"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"neither a local folder nor a hub model that you may see; check the name, or {_LOG_IN} if it is private"
    if isinstance(error, errors.RevisionNotFoundError):
        return f'no revision "{revision}"; give a branch, a tag or a commit'
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "neither a local folder nor in the cache of this machine; leave out local_files_only to download it"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set; unset it to upload"
    if isinstance(error, errors.HFValidationError):
        return f"no name of a hub model ({one_line(error, 80)}); give owner/name"
    if "metadata in README.md" in str(error):
        return f"the hub refuses the metadata of {CARD_FILE} ({one_line(error)}); mend them in the folder that was loaded"
    if status == 401:
        return f"the hub does not know the token, or there is none; {_LOG_IN}"
    if status == 403:
        return "the token may not do this; make one that may on the hub's page Settings, Access Tokens"
    if status is not None:
        return f"the hub answers with HTTP {status} ({one_line(error, 120)}); try again later"
    return f"neither a local folder nor a hub model that can be read ({one_line(error)}); check the path and the network"
