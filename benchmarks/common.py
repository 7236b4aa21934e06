"""What every benchmark writes: a table with the machine, the versions and the commit it was measured on."""

import sys
from collections.abc import Sequence
from pathlib import Path

from spanmatch.evaluation import provenance

RESULTS = Path(__file__).parent / "results"


def machine(seed: int = 0) -> dict[str, str]:
    """Processor, threads, versions, seed and commit."""
    facts = provenance.provenance(seed)
    versions = ", ".join(f"{key} {value}" for key, value in facts["versions"].items())
    return {"machine": provenance.machine(), "versions": versions, "seed": str(seed), "commit": str(facts["commit"])}


def write_table(
    path: Path, *, title: str, doc: str, header: Sequence[str], rows: Sequence[Sequence[str]], facts: dict[str, str]
) -> None:
    """Write a Markdown table with the command that made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# {title}", "", doc.strip().splitlines()[0], ""]
    lines += ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    command = "python " + " ".join([f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    lines += ["", f"`{command}`", "", *(f"- {key}: {value}" for key, value in facts.items()), ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
