"""The command `spanmatch export`."""

from dataclasses import dataclass
from typing import Any

from spanmatch.apps.extras import require_extra
from spanmatch.prediction import options as shared
from spanmatch.prediction.options import option


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Holds the options of `spanmatch export`, by the names of the parameters of `export`."""

    model: str = option("checkpoint folder or hub id", metavar="MODEL", positional=True)
    output: str = option("the folder to write; it must not be there, or be empty", metavar="DIR")
    quantize: str | None = option(
        "int8: encoders in int8, unless that costs more than 0.5 points of F1 on annotated texts", default=None, choices=("int8",)
    )
    check_file: str | None = option(
        "annotated texts that int8 is measured on; by default data/everyday, which ships", default=None, metavar="FILE"
    )
    entity_types: str | None = shared.ENTITY_TYPES()


def run_export(**given: Any) -> None:
    """Export a checkpoint to ONNX: a folder that tags without torch and transformers (pip install 'spanmatch[export]').

    Args:
        given: the options that the user gave, by their names.
    """
    options = ExportOptions(**given)
    require_extra("export", "onnx", "onnxscript", "onnxruntime", purpose="spanmatch export")
    from spanmatch.integrations.onnx_export import export
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    print(export(**vars(options)))
