"""Executing a jupytext script, and showing it as one HTML file that needs no network.

Whatever Jupyter, IPython and matplotlib find in the user's home, outputs are the same.
"""

import os
import sys
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import matplotlib as mpl
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode, reads, writes

# MathJax, require.js and mermaid would be loaded from the network; the notebook needs none of them.
OFFLINE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block extra_css -%}
<style>
main { max-width: 60rem; margin: 0 auto; }
.jp-InputPrompt, .jp-OutputPrompt { display: none !important; }
</style>
{%- endblock -%}
"""


def run(source: Path, folder: Path, experiment: str, *, theory: bool) -> None:
    """Run the analysis in a paper folder; write analysis.ipynb and analysis.html there.

    Args:
        source: the jupytext script.
        folder: the paper folder.
        experiment: its name, for the title.
        theory: whether the checks of the theory are in the folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message has its traceback.
    """
    leave_out = () if theory else ("theory",)
    notebook = executed(source.read_text(encoding="utf-8"), folder, leave_out)
    (folder / "analysis.ipynb").write_text(notebook, encoding="utf-8")
    html = as_html(notebook, f"{experiment}: Table 1, measured")
    (folder / "analysis.html").write_text(html, encoding="utf-8")


def executed(script: str, folder: Path, leave_out: Collection[str] = ()) -> str:
    """The notebook of a jupytext percent script, run in a folder, as JSON text.

    Args:
        script: the script.
        folder: the paper folder.
        leave_out: cells that bear one of these tags are left out.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; the message has its traceback.
    """
    notebook = jupytext.reads(script, fmt="py:percent")
    notebook.cells = [
        cell for cell in notebook.cells if not {*cell.metadata.get("tags", [])} & {*leave_out}
    ]
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    # Left without folders to look in, it takes this interpreter, and no other kernel of that name.
    client.create_kernel_manager().kernel_spec_manager.kernel_dirs = []
    with TemporaryDirectory(prefix="ipython-") as profiles:
        client.execute(env=_environment(profiles))
    return _settled(notebook)


def as_html(notebook: str, title: str) -> str:
    """One HTML file with all figures inside and nothing loaded from elsewhere."""
    exporter = _Exporter(raw_template=OFFLINE)  # type: ignore[no-untyped-call]
    content = reads(notebook, as_version=4)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(content, resources={"metadata": {"name": title}})
    return str(body)


class _Exporter(HTMLExporter):
    """HTML by the templates that are installed with nbconvert, not by the user's of their names."""

    def get_prefix_root_dirs(self) -> list[str]:
        return [str(Path(sys.prefix, "share/jupyter"))]


def _environment(profiles: str) -> dict[str, str]:
    """The kernel's: IPython's profiles are in an empty folder, matplotlib's settings its own."""
    left_out = ("PYTHONSTARTUP", "MPLBACKEND")
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    return kept | {
        "IPYTHONDIR": profiles,
        "MATPLOTLIBRC": str(Path(mpl.get_data_path(), "matplotlibrc")),
    }


def _settled(notebook: NotebookNode) -> str:
    """JSON without what changes from run to run: cell ids, the patch version, transient data."""
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{place:02d}"
    notebook.metadata.pop("jupytext", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    text: str = writes(notebook)  # type: ignore[no-untyped-call]
    return text + "\n"
