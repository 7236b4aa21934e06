"""Hooks of the documentation: pages that stand elsewhere in the repository become pages of the site.

Links in the Markdown files are relative paths within the repository, so that they work where the files are read as they
are. On the site, a link to a page that is there leads to it, and a link to any other file of the repository becomes its text.
A notebook becomes a page of its cells, and of what they printed and drew.
"""

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
# What becomes a page, besides docs/. Trained checkpoints in models/ have a README, too, and are left out.
ELSEWHERE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "benchmarks/results/*.md",
    "benchmarks/results/*.png",
    "data/README.md",
    "data/*/README.md",
    "models/README.md",
    "models/spanmatch-mini/README.md",
)
_FENCE = re.compile(r"^(```.*?^```[^\S\n]*$)", re.DOTALL | re.MULTILINE)
# A picture of a notebook is part of its page, because it is no file that a link could lead to.
_PICTURE = '<img alt="what the program {name} draws" src="data:image/png;base64,{png}">'
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")


def elsewhere() -> list[str]:
    """Return the pages and pictures that stand outside docs/, as paths within the repository."""
    return sorted(path.relative_to(ROOT).as_posix() for pattern in ELSEWHERE for path in ROOT.glob(pattern))


def site_path(path: str, pages: list[str]) -> str | None:
    """Return where a file of the repository is on the site, None if it is not there.

    Args:
        path: path within the repository.
        pages: what `elsewhere` returned.
    """
    if path == "README.md":
        return "index.md"
    if path.startswith("docs/"):
        return re.sub(r"\.ipynb$", ".md", path.removeprefix("docs/"))
    return next((place for place in (path, f"{path}/README.md") if place in pages), None)


def rewrite_links(markdown: str, source: str, pages: list[str]) -> str:
    """Return a page with its relative links as the site needs them.

    Args:
        markdown: the page.
        source: its path within the repository.
        pages: what `elsewhere` returned.

    Raises:
        PluginError: a link leads to no file.
    """
    here = posixpath.dirname(site_path(source, pages) or source)

    def rewritten(match: re.Match[str]) -> str:
        image, text, target = match.groups()
        path, _, anchor = target.partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return match[0]
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if not (ROOT / wanted).exists():
            raise PluginError(f"{source}: the link to {target} leads to no file; mend the path")
        place = site_path(wanted, pages)
        if place is None:
            return text
        return f"{image}[{text}]({posixpath.relpath(place, here)}{'#' + anchor if anchor else ''})"

    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(rewritten, part) for part in parts)


def notebook_page(path: Path) -> str:
    """Return a notebook as a page: its text, its programs, and below each what it printed and drew.

    Args:
        path: the notebook, executed.
    """
    blocks = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            blocks.append(source)
            continue
        blocks.append(f"```python\n{source}\n```")
        printed = "".join("".join(output.get("text", [])) for output in cell["outputs"])
        blocks += [f"```text\n{printed.strip()}\n```"] if printed.strip() else []
        pictures = ["".join(output.get("data", {}).get("image/png", [])) for output in cell["outputs"]]
        blocks += [_PICTURE.format(name=cell["id"], png="".join(png.split())) for png in pictures if png]
    return "\n\n".join(blocks) + "\n"


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that stand elsewhere, and those of notebooks; MkDocs calls this."""
    for path in elsewhere():
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    for notebook in sorted((ROOT / "docs").glob("*.ipynb")):
        files.append(File.generated(config, notebook.with_suffix(".md").name, content=notebook_page(notebook)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Rewrite the links of a page; MkDocs calls this."""
    del config, files
    pages = elsewhere()
    source = page.file.src_uri
    return rewrite_links(markdown, source if source in pages else f"docs/{source}", pages)
