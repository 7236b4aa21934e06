"""The command `spanmatch calibrate`."""

from typing import Any

from spanmatch.evaluation.options import CalibrateOptions


def run_calibrate(**given: Any) -> None:
    """Find thresholds on a development file and store them in the checkpoint.

    Args:
        given: the options that the user gave, by their names.
    """
    from spanmatch.evaluation.run import calibrate_checkpoint
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    calibrate_checkpoint(CalibrateOptions(**given))
