"""What each value of an axis cost: the code that is there for it alone, in lines without blank ones, comments and docstrings.

python benchmarks/axis_cost.py
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from common import RESULTS, machine, write_table

from spanmatch.batching import batcher, collate, tokenizer, views
from spanmatch.model import head, model
from spanmatch.prediction import decoding, thresholds
from spanmatch.training import build, dataset, losses

# The functions that would go if the value went.
VALUES: dict[str, tuple[Callable[..., Any], ...]] = {
    "objective: bce": (losses.binary_cross_entropy,),
    "objective: focal": (losses.focal,),
    "objective: contrastive": (losses.contrastive,),
    "starts and ends, for every objective": (
        losses.matching_loss, losses.starting, losses.ending, head.SpanHead._boundaries,
    ),
    "null slots": (
        head.SpanHead.represent_nulls, build._null_slots, thresholds._slot, thresholds._check_slot, thresholds.default_slot,
    ),
    "architecture: bi": (model.type_states, model.SpanMatcherModel.type_embeddings, collate.collate_types),
    "architecture: cross": (
        model.type_states_behind, model.SpanMatcherModel.type_embeddings_behind, tokenizer.SequenceTokenizer.after_text,
        batcher._append_types, batcher.Batcher.passes, views.type_runs, build._types_of_a_pass,
    ),
    "types read twice, in a cross-encoder": (head.SpanHead.embed_behind, dataset.apart),
    "overlap: flat": (decoding._Flat.admits,),
    "overlap: nested": (decoding._Nested.admits,),
    "overlap: multi-label": (decoding._MultiLabel.admits,),
}  # fmt: skip


def code_lines(function: Callable[..., Any]) -> int:
    """Lines of a function as the parser writes them back, without its docstring; long lines are not broken."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (node,) = tree.body
    assert isinstance(node, ast.FunctionDef)
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return len(ast.unparse(tree).splitlines())


def main() -> None:
    """Count, and write the table."""
    rows = []
    for value, functions in VALUES.items():
        names = [f"`{item.__module__.partition('.')[2]}.{item.__qualname__}`" for item in functions]
        rows.append([value, str(sum(map(code_lines, functions))), ", ".join(names)])
    header = ["value", "lines", "what is there for it alone"]
    write_table(
        RESULTS / "axis_cost.md", title="What each value cost", doc=__doc__ or "", header=header, rows=rows, facts=machine()
    )


if __name__ == "__main__":
    main()
