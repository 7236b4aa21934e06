"""The command `spanmatch generate`."""

from typing import Any

from spanmatch.baselines.synthesis_options import GenerateOptions


def run_generate(**given: Any) -> None:
    """Make annotated texts for a training: by a chat model, from patterns, or from a file of a model's answers.

    Args:
        given: the options that the user gave, by their names.
    """
    options = GenerateOptions(**given)
    from spanmatch.baselines.synthesis import generate

    print(generate(options))
