"""What the hub accepts as the metadata of a model card, as far as it can be checked without it.

The hub checks a card when it is uploaded (`huggingface_hub.ModelCard.validate` asks it). Its lists of licences and of keys were
copied from its error messages and its documentation of model cards.
"""

import re

from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results

_LICENCES = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m afl-3.0
artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0
cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0
epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research
intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openmdw-1.1 openrail++ osl-3.0
postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3
llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown other
"""
LICENCES = set(_LICENCES.split())
KEYS = {key for key in vars(ModelCardData()) if key not in {"eval_results", "model_name"}} | {"model-index", "widget"}
REQUIRED = {"library_name": "spanmatch", "pipeline_tag": "token-classification"}
HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)


def problems_of_metadata(card: str) -> list[str]:
    """Say what the hub would refuse or not understand.

    Args:
        card: the text of the model card.
    """
    data = ModelCard(card).data
    values = data.to_dict()
    wrong = [f"unknown key {key}" for key in values.keys() - KEYS]
    wrong += [f"{key} is not {value}" for key, value in REQUIRED.items() if values.get(key) != value]
    wrong += [f"license {values['license']}"] if values.get("license", "other") not in LICENCES else []
    wrong += ["tags are no list of texts"] if not all(isinstance(item, str) for item in listed(values.get("tags"))) else []
    wrong += [f"language {item}" for item in listed(values.get("language")) if not re.fullmatch("[a-z]{2,3}", str(item))]
    for key in ("base_model", "datasets"):
        wrong += [f"{key} {item}" for item in listed(values.get(key)) if not HUB_ID.fullmatch(str(item))]
    if not all(isinstance(item, dict) and item.get("text") for item in values.get("widget", [{}])):
        wrong.append("widget is no list of texts to try")
    if data.eval_results is not None:
        name, results = model_index_to_eval_results(values["model-index"])
        if eval_results_to_model_index(name, results) != values["model-index"]:
            wrong.append("model-index is not what its results give")
        wrong += [f"{item.dataset_name}: no number" for item in results if not isinstance(item.metric_value, float)]
    return wrong


def listed(value: object) -> list[object]:
    """A value of metadata that may be one or several."""
    return value if isinstance(value, list) else [] if value is None else [value]
