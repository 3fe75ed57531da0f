"""How `make lab` starts JupyterLab: a saved notebook keeps nothing of the machine that saved it."""


def settle(model: dict, **_unused: object) -> None:
    """Leave the kernel's version of Python out, which would change with each machine."""
    if model["type"] == "notebook" and model["content"]["nbformat"] == 4:
        about = model["content"]["metadata"]
        if about.get("language_info", {}).get("name") == "python":
            about["language_info"] = {"name": "python"}


c.ContentsManager.pre_save_hook = settle  # noqa: F821  (Jupyter gives c)
