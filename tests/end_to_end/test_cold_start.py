"""What a sentence waits for: libraries that tagging does without are not imported. Counted, not timed."""

import json
import sys

import pytest
from helpers_e2e import end_in_time, offline_environment

SENTENCE = "Google was founded by Larry Page and Sergey Brin in California."
# Each takes a tenth of a second to several seconds, and some import others of them.
HEAVY = (
    "accelerate", "datasets", "huggingface_hub", "matplotlib", "onnx", "onnxruntime", "pandas", "pyarrow", "scipy",
    "sentence_transformers", "seqeval", "sklearn", "sympy", "torch._dynamo", "torch._inductor", "torchvision", "transformers",
)  # fmt: skip


def imported_by(*arguments: str) -> tuple[str, set[str]]:
    """Run the command in a process of its own; return what it prints, and the names of the modules that it imported."""
    code = "import atexit, json, sys\natexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
    code += "from spanmatch.cli.main import main\nmain()"
    ended = end_in_time([sys.executable, "-c", code, *arguments], offline_environment(), 100)
    assert ended.status == 0, ended.err
    return ended.out, set(json.loads(ended.err.splitlines()[-1]))


@pytest.mark.parametrize("given", [(), ("--types", "person,organization,location")], ids=["plain", "types"])
def test_a_sentence_is_tagged_without_heavy_libraries(given: tuple[str, ...]) -> None:
    out, imported = imported_by("tag", SENTENCE, *given)
    assert [item["text"] for item in json.loads(out)["entities"]] == ["Google", "Larry Page", "Sergey Brin", "California"]
    assert imported & set(HEAVY) == set()
    assert "torch" in imported  # what is looked at is what the command imports


def test_help_waits_for_no_library_of_tensors() -> None:
    _, imported = imported_by("tag", "--help")
    assert imported & {*HEAVY, "torch", "http.client"} == set()
