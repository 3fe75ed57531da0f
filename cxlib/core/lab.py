"""A notebook saved in JupyterLab keeps nothing of the machine that saved it.

An extension of Jupyter's server, which `pip install` of this package switches on in its environment
(etc/jupyter/jupyter_server_config.d/cxlab.json), however JupyterLab is started there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def leave_out_machine(
    model: dict[str, Any], path: str, contents_manager: Any, **_unused: object
) -> None:
    """Leave the kernel's version of Python out of a project's notebook: each machine has another.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from cxlib.core import files
    >>> about = {"language_info": {"name": "python", "version": "3.11.7"}}
    >>> content = {"nbformat": 4, "metadata": about}
    >>> project = SimpleNamespace(root_dir=files.project())
    >>> model = {"type": "notebook", "content": content}
    >>> leave_out_machine(model, "notebooks/20.ipynb", project)
    >>> about
    {'language_info': {'name': 'python'}}
    """
    file = Path(contents_manager.root_dir, path.strip("/"))
    if model["type"] != "notebook" or model["content"]["nbformat"] != 4:
        return
    if any((up / "data").is_dir() and (up / "notebooks").is_dir() for up in file.parents):
        about = model["content"]["metadata"]
        if about.get("language_info", {}).get("name") == "python":
            about["language_info"] = {"name": "python"}


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Name this module to Jupyter's server as an extension."""
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Have Jupyter's server call `leave_out_machine` before it saves."""
    server.contents_manager.register_pre_save_hook(leave_out_machine)
