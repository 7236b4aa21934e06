"""The command `spanmatch fit`: train one of the other ways to find entities."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from spanmatch.errors import InputError, nearest

if TYPE_CHECKING:
    from spanmatch.baselines.fitting import Method


def _token(arguments: Sequence[str]) -> None:
    from spanmatch.baselines.token_training import TOKEN

    _train(arguments, TOKEN)


def _llm(arguments: Sequence[str]) -> None:
    from spanmatch.baselines.token_training import LLM

    _train(arguments, LLM)


def _generative(arguments: Sequence[str]) -> None:
    from spanmatch.baselines.generative_training import GENERATIVE

    _train(arguments, GENERATIVE)


def _train(arguments: Sequence[str], method: "Method") -> None:
    from spanmatch.apps.training_curves import draw_training
    from spanmatch.baselines.fitting import fit

    fit(arguments, method, draw=draw_training)


def _prompted(arguments: Sequence[str]) -> None:
    from spanmatch.baselines.prompted_fit import fit_prompted

    fit_prompted(arguments)


# What each method makes, and what makes it of the arguments behind its name. Torch is imported only then.
METHODS: dict[str, tuple[str, Callable[[Sequence[str]], None]]] = {
    "token": ("a token classifier", _token),
    "llm": ("a decoder (Llama, Qwen, Gemma, ...) that is turned into a token classifier", _llm),
    "generative": ("a causal language model that writes down the entities of a text", _generative),
    "prompted": ("a chat model behind any OpenAI-compatible endpoint, with a few examples; nothing is trained", _prompted),
}


def run_fit(arguments: Sequence[str]) -> None:
    """Train one of the other ways to find entities: METHOD, then a JSON configuration, then `--key value`.

    Args:
        arguments: the command line behind `fit`.

    Raises:
        InputError: there is no such method, or the configuration or the data are wrong.
        SystemExit: help was asked for, and has been printed.
    """
    method = arguments[0] if arguments else "--help"
    if method in {"-h", "--help"}:
        print("usage: spanmatch fit METHOD [CONFIG.json] [--key value ...]\n\nmethods:")
        for name, (what, _) in METHODS.items():
            print(f"  {name:<12}{what}")
        print("\nspanmatch fit METHOD --help shows the keys of a configuration.")
        raise SystemExit(0)
    if method not in METHODS:
        raise InputError(f'fit: unknown method "{method}"; {nearest(method, METHODS)}')
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    METHODS[method][1](arguments[1:])
