"""Write, execute and tidy the notebooks.

    python tools/notebooks.py write 03_pool lesson.py   make notebooks/03_pool.ipynb from a script
    python tools/notebooks.py edit 03_pool lesson.py    the same; unchanged cells keep their outputs
    python tools/notebooks.py rename 03_pool old new    rename in all code cells, run nothing
    python tools/notebooks.py execute [03_pool …]       run notebooks again, in place (or all)
    python tools/notebooks.py tidy [03_pool …]          set ids and metadata anew, run nothing
    python tools/notebooks.py script 03_pool            print a notebook as a script, to be edited

The script is a percent script, an ordinary Python file in which `# %%` begins a cell and
`# %% [markdown]` a text:

    # %% [markdown]
    # # Watch a pool of workers

    # %%
    print("compared by nbval")

    # %% tags=["nbval-ignore-output"] nbval_reason="The wording differs from system to system."
    print("not compared")

    # %% tags=["raises-exception"]
    1 / 0

A cell whose output is not compared carries its reason beside the tag, in `nbval_reason`.

A notebook is executed from its first cell to its last in a fresh kernel, as nbval will do it: in
notebooks/, with the default start method, and with PYTEST_CURRENT_TEST set (ipykernel treats child
output differently then). An error in a cell without the tag `raises-exception` stops the tool, and
the file on disk stays as it was.

What is saved is tidied, so that a diff shows what changed: cell ids come from the cells' text, and
there are no times of execution, no version numbers and no widgets. A saved widget is dead: without
its kernel JupyterLab shows "model not found" and a code host shows nothing, and its random ids
would change with every run. Without it, the plain text that stands beside it in the output is shown
until the student runs the cell. nbval does not compare widgets, but does compare that text.

Three things are folded when a notebook opens: a section whose heading begins with `## Deeper`; the
source of the cell that checks the set-up; and all outputs that come after the first question, so
that nothing is told before it is asked.
"""

import argparse
import hashlib
import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SECONDS_PER_CELL = 60
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CELL_METADATA = ("nbval_reason", "tags")
FOLDED = "jp-MarkdownHeadingCollapsed"
"""What JupyterLab writes beside a heading whose section is folded. All cells in it run as ever."""
CHECK = "in_the_way.check_imports()"
"""What the first cell of every lesson calls: it checks the set-up, and nobody has to read it."""
QUESTION = re.compile(r"^my_\w*guess\w* =|\bexplore\(", re.MULTILINE)
"""What asks the student something: a guess to be written down, or a panel, which asks for one."""
NOTHING = nbformat.v4.new_output("display_data")
"""An empty output. JupyterLab shows a line of the first output that is folded, and the line of a
text may be the answer; a chart's line is a piece of HTML. Of this it shows three dots alone. Pages
show nothing at its place, nbval compares nothing, and it goes when the cell is run.
"""
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def from_script(text: str) -> NotebookNode:
    """Return the notebook, without outputs, that a percent script describes."""
    return normalised(jupytext.reads(text, fmt="py:percent"))


def to_script(notebook: NotebookNode) -> str:
    """Return a notebook as a percent script, without its outputs."""
    bare = nbformat.from_dict(dict(notebook))
    bare.metadata = {"jupytext": {"notebook_metadata_filter": "-all"}}
    for cell in bare.cells:
        cell.metadata = _own_metadata(cell)
    return jupytext.writes(bare, fmt="py:percent")


def executed(notebook: NotebookNode, folder: Path = NOTEBOOKS) -> NotebookNode:
    """Run all cells in a fresh kernel in `folder` and return the notebook with its outputs, tidied.

    Raises nbclient's CellExecutionError at the first cell that fails without `raises-exception`.
    """
    environment = {**os.environ, "PYTEST_CURRENT_TEST": "tools/notebooks.py"}
    environment.pop("START_METHOD", None)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    return normalised(_without_paths(client.execute(env=environment)))


def with_outputs_of(stored: NotebookNode, notebook: NotebookNode) -> NotebookNode:
    """Return an executed notebook where each cell that was stored before has its stored outputs.

    Two runs never draw the same picture, and a diff should show only what was changed. Cells are
    compared by their ids, which are made from their text.
    """
    outputs = {cell.id: cell.outputs for cell in stored.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        if cell.id in outputs:
            cell.outputs = outputs[cell.id]
    return normalised(notebook)


def renamed(notebook: NotebookNode, old: str, new: str) -> NotebookNode:
    """Return a notebook with a name replaced in its code. The outputs stay; nbval checks them."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(rf"\b{re.escape(old)}\b", new, cell.source)
    return normalised(notebook)


def _without_paths(notebook: NotebookNode) -> NotebookNode:
    """Take this machine's folders out of tracebacks; nbval does not compare those."""
    folders = {str(NOTEBOOKS.parent), sys.prefix, sys.base_prefix}
    folders |= {folder.replace(str(Path.home()), "~") for folder in folders}  # as IPython writes it
    folders = sorted(folders, key=len, reverse=True)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for folder in folders if "traceback" in output else []:
                output.traceback = [line.replace(folder + os.sep, "") for line in output.traceback]
    return notebook


def normalised(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without anything that differs between two writers of the same lesson."""
    tidy = nbformat.v4.new_notebook(metadata=nbformat.from_dict(NOTEBOOK_METADATA))
    taken: set[str] = set()
    asked = False
    for cell in notebook.cells:
        copy = nbformat.from_dict({**cell, "id": _cell_id(cell, taken)})
        copy.metadata = nbformat.from_dict({**_own_metadata(cell), **_folds(cell, asked)})
        asked = asked or is_question(cell)
        if cell.cell_type == "code":
            copy.outputs = _tidy_outputs(copy)
        tidy.cells.append(copy)
    return tidy


def is_question(cell: NotebookNode) -> bool:
    """Tell whether a cell asks the student something."""
    return cell.cell_type == "code" and QUESTION.search(cell.source) is not None


def _tidy_outputs(cell):
    """Return a cell's outputs without widgets, and with NOTHING before them if they are folded."""
    outputs = [output for output in cell.outputs if output != NOTHING]
    for output in outputs:
        if "data" in output:
            output.data.pop(WIDGET_VIEW, None)
    return [NOTHING, *outputs] if _are_folded(cell) else outputs


def _are_folded(cell):
    """Tell whether JupyterLab folds a cell's outputs."""
    return cell.metadata.get("jupyter", {}).get("outputs_hidden", False)


def _own_metadata(cell: NotebookNode) -> dict:
    """Return what the author has written beside a cell."""
    return {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}


def _folds(cell: NotebookNode, asked: bool) -> dict:
    """Return what JupyterLab is told to fold of a cell, which stands after a question or not."""
    if cell.cell_type == "markdown":
        return {FOLDED: True} if cell.source.startswith("## Deeper") else {}
    if CHECK in cell.source:
        return {"jupyter": {"source_hidden": True}}
    return {"jupyter": {"outputs_hidden": True}} if asked and cell.get("outputs") else {}


def _cell_id(cell: NotebookNode, taken: set[str]) -> str:
    """Return an id made from the cell's text: it stays when other cells come and go."""
    digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    number = 1
    while (cell_id := digest if number == 1 else f"{digest}-{number}") in taken:
        number += 1
    taken.add(cell_id)
    return cell_id


def read(path: Path) -> NotebookNode:
    """Read a notebook file in the current format."""
    return nbformat.read(path, as_version=4)


def as_text(notebook: NotebookNode) -> str:
    """Return what is written to disk for a notebook."""
    return nbformat.writes(notebook) + "\n"


def save(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook and print its size, since pictures grow unnoticed."""
    text = as_text(notebook)
    path.write_text(text, encoding="utf-8", newline="\n")
    pictures = sum(map(len, re.findall(r"[A-Za-z0-9+/=]{1000,}", text)))
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(
        f"{path.name}: {cells} code cells, {len(text) / 1e3:.0f} kB "
        f"({pictures / 1e3:.0f} kB of it pictures)"
    )


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help in (
        ("write", "make a notebook from a percent script"),
        ("edit", "the same, but cells whose text is as before keep their outputs"),
    ):
        command = commands.add_parser(name, help=help)
        command.add_argument("name")
        command.add_argument("script", type=Path)
    rename = commands.add_parser("rename", help="give something in the code another name")
    for argument in ("name", "old", "new"):
        rename.add_argument(argument)
    for name, help in (
        ("execute", "run notebooks again, in place"),
        ("tidy", "set ids and metadata anew, run nothing"),
    ):
        commands.add_parser(name, help=help).add_argument("names", nargs="*")
    script = commands.add_parser("script", help="print a notebook as a percent script")
    script.add_argument("name")
    options = parser.parse_args(arguments)

    if options.command == "script":
        print(to_script(read(_path(options.name))))
        return 0
    if options.command == "rename":
        path = _path(options.name)
        save(renamed(read(path), options.old, options.new), path)
        return 0
    if options.command in ("write", "edit"):
        drafts = {_path(options.name): from_script(options.script.read_text(encoding="utf-8"))}
    else:
        paths = [_path(name) for name in options.names] or sorted(NOTEBOOKS.glob("*.ipynb"))
        drafts = {path: read(path) for path in paths}
    if options.command == "tidy":
        for path, notebook in drafts.items():
            save(normalised(notebook), path)
        return 0
    failed = False
    for path, draft in drafts.items():
        try:
            notebook = executed(draft)
            if options.command == "edit":
                notebook = with_outputs_of(read(path), notebook)
            save(notebook, path)
        except CellExecutionError as error:
            print(f"{path.name} was not saved, a cell failed:\n{error}", file=sys.stderr)
            failed = True
    return int(failed)


def _path(name: str) -> Path:
    """Return a notebook's file for its name or any path to it."""
    return NOTEBOOKS / f"{Path(name).stem}.ipynb"


if __name__ == "__main__":
    sys.exit(main())
