"""The command `spanmatch fit`: train one of the other ways to find entities."""

from collections.abc import Callable, Sequence

from spanmatch.errors import InputError, nearest


def _token(arguments: Sequence[str]) -> None:
    _token_classifier(arguments, "token")


def _llm(arguments: Sequence[str]) -> None:
    _token_classifier(arguments, "llm")


def _token_classifier(arguments: Sequence[str], recipe: str) -> None:
    from spanmatch.apps.training_curves import draw_training
    from spanmatch.baselines.token_training import RECIPES, fit_token_classifier

    fit_token_classifier(arguments, RECIPES[recipe], draw=draw_training)


def _prompted(arguments: Sequence[str]) -> None:
    from spanmatch.baselines.prompted_fit import fit_prompted

    fit_prompted(arguments)


def _generative(arguments: Sequence[str]) -> None:
    from spanmatch.apps.training_curves import draw_training
    from spanmatch.baselines.generative_training import fit_generative

    fit_generative(arguments, draw=draw_training)


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
