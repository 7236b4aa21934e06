"""The command `spanmatch fit`: train one of the other ways to find entities."""

from collections.abc import Callable, Sequence
from importlib import import_module

from spanmatch.errors import InputError, nearest


def _trained(module: str, method: str) -> Callable[[Sequence[str]], None]:
    """Return what runs the training that a module of `baselines` has under a name."""

    def run(arguments: Sequence[str]) -> None:
        from spanmatch.apps.training_curves import draw_training
        from spanmatch.baselines.fitting import fit

        fit(arguments, getattr(import_module(f"spanmatch.baselines.{module}"), method), draw=draw_training)

    return run


def _prompted(arguments: Sequence[str]) -> None:
    from spanmatch.baselines.prompted_fit import fit_prompted

    fit_prompted(arguments)


# What each method makes, and what makes it of the arguments behind its name. Torch is imported only then.
METHODS: dict[str, tuple[str, Callable[[Sequence[str]], None]]] = {
    "token": ("a token classifier", _trained("token_training", "TOKEN")),
    "llm": ("a decoder (Llama, Qwen, Gemma, ...) that is turned into a token classifier", _trained("token_training", "LLM")),
    "generative": (
        "a causal language model that writes down the entities of a text",
        _trained("generative_training", "GENERATIVE"),
    ),
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
