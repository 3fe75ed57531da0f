"""Answers from survey platforms by their interfaces; tokens come from the environment.

    path = qualtrics("SV_8pqX", folder)      # QUALTRICS_BASE_URL, QUALTRICS_API_TOKEN
    path = limesurvey("123456", folder)      # LIMESURVEY_URL, LIMESURVEY_USER, LIMESURVEY_PASSWORD

Where a token goes is said by the environment too, so that no study.yaml can send it elsewhere.
"""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cxlib.data.sources import SourceError

PATIENCE = 600  # seconds that an export may take
TIMEOUT = 60  # seconds that one answer may take


def qualtrics(survey: str, folder: Path) -> Path:
    """All answers to a survey at Qualtrics, as the zip archive that it exports.

    Parameters
    ----------
    survey : its id; `?useLabels=true` and further keys of Qualtrics' export may follow
    folder : where the file is to lie
    """
    survey, _, more = survey.partition("?")
    keys = {k: {"true": True, "false": False}.get(v, v) for k, v in parse_qsl(more)}
    base, token = _given("qualtrics", "QUALTRICS_BASE_URL", "QUALTRICS_API_TOKEN")
    url = f"{base.rstrip('/')}/API/v3/surveys/{_plain(survey)}/export-responses"
    head = {"X-API-TOKEN": token}
    started = _json("qualtrics", "POST", url, headers=head, json={"format": "csv", **keys})
    progress, until, wait = started["result"]["progressId"], time.monotonic() + PATIENCE, 0.2
    while True:
        found = _json("qualtrics", "GET", f"{url}/{progress}", headers=head)["result"]
        if found["status"] == "complete":
            break
        if found["status"] == "failed" or time.monotonic() > until:
            raise SourceError(
                f"qualtrics:{survey}: the export {found['status']} at "
                f"{found.get('percentComplete', 0):.0f}%. Try again, or export it on the website."
            )
        time.sleep(wait)
        wait = min(2 * wait, 10)
    target = folder / "answers.zip"
    target.write_bytes(_answer("qualtrics", "GET", f"{url}/{found['fileId']}/file", headers=head))
    return target


def limesurvey(survey: str, folder: Path) -> Path:
    """The completed answers to a survey of LimeSurvey, as CSV, through its RemoteControl.

    `survey` is its number.
    """
    url, user, password = _given(
        "limesurvey", "LIMESURVEY_URL", "LIMESURVEY_USER", "LIMESURVEY_PASSWORD"
    )
    key = _call(url, "get_session_key", user, password)
    try:
        content = _call(
            url,
            "export_responses",
            key,
            int(_plain(survey)),
            "csv",
            None,
            "complete",
            "code",
            "short",
        )
    finally:
        _call(url, "release_session_key", key)
    target = folder / "answers.csv"
    target.write_bytes(base64.b64decode(content))
    return target


def _call(url: str, method: str, *parameters: object) -> str:
    body = {"method": method, "params": parameters, "id": 1}
    answer = _json("limesurvey", "POST", url, json=body)
    result = answer.get("result")
    if answer.get("error") or isinstance(result, dict):
        why = answer.get("error") or (result or {}).get("status")
        raise SourceError(
            f"limesurvey: {method}: {why}. Check LIMESURVEY_USER, LIMESURVEY_PASSWORD and the "
            "number of the survey, and that RemoteControl is switched on."
        )
    return str(result)


def _given(platform: str, *names: str) -> list[str]:
    if missing := [n for n in names if not os.environ.get(n)]:
        raise SourceError(f"{platform}: set {' and '.join(missing)} in the environment.")
    return [os.environ[n] for n in names]


def _plain(survey: str) -> str:
    if not survey.isascii() or not survey.replace("_", "").isalnum():
        raise SourceError(f"{survey!r} is no id of a survey: letters, digits and _ only.")
    return survey


def _json(platform: str, method: str, url: str, **how: object) -> dict[str, Any]:
    import json

    content = _answer(platform, method, url, **how)
    try:
        return json.loads(content)
    except ValueError:
        raise SourceError(f"{platform}: {url} answered {content[:80]!r}, no JSON.") from None


def _answer(platform: str, method: str, url: str, **how: object) -> bytes:
    import requests

    if not url.startswith("https://") and not url.startswith(
        ("http://127.0.0.1", "http://localhost")
    ):
        raise SourceError(f"{platform}: {url} is not https: a password would be sent in the open.")
    try:
        # A redirection may lead to another host, which must not get the token.
        answer = requests.request(method, url, timeout=TIMEOUT, allow_redirects=False, **how)  # type: ignore[arg-type]
    except requests.RequestException as error:
        raise SourceError(
            f"{platform}: {url} cannot be reached ({type(error).__name__})."
        ) from None
    if answer.status_code != 200:
        hint = " Is the token right?" if answer.status_code in (401, 403) else ""
        raise SourceError(f"{platform}: {url} answered {answer.status_code} {answer.reason}.{hint}")
    return answer.content
