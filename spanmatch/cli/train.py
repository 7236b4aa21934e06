"""What the scripts `train_*_encoder*.py` do."""

from collections.abc import Sequence

from spanmatch.errors import InputError


def train_as_script(arguments: Sequence[str], architecture: str, loss: str | None = None) -> None:
    """Train as a JSON configuration says.

    Args:
        arguments: the command line: the configuration, and `--key value` for each key to override.
        architecture: "bi" or "cross".
        loss: name of the loss that the configuration has to ask for; by default any.

    Raises:
        InputError: the configuration or the data are wrong.
    """
    from spanmatch.apps.training_curves import draw_training
    from spanmatch.prediction.processes import quiet_libraries
    from spanmatch.training.config_file import read_config
    from spanmatch.training.train import train

    quiet_libraries()
    if loss is not None:
        given = read_config(arguments, architecture)[0].objective.name
        if given != loss:
            script = f"train_{architecture}_encoder.py"
            raise InputError(f'"loss" is "{given}", and this script trains with "{loss}"; set "loss" to that, or use {script}')
    train(architecture, arguments, draw=draw_training)
