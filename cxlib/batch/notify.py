"""Post a message about a run to a channel: Slack, Teams, Feishu, DingTalk, any webhook, or mail.

    notify.configured("slack")            # raises ValueError where a variable is missing
    notify.send("slack", message)         # raises NotifyError when it cannot be delivered

Addresses and secrets come from the environment only (VARIABLES); neither is ever printed or kept:
the address of a webhook is itself a secret, so that messages about it name its host alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote_plus, urlsplit

from cxlib.batch.messages import Message

ATTEMPTS = 3
TIMEOUT = 10.0  # seconds for each attempt
WEBHOOKS = ("slack", "teams", "feishu", "dingtalk", "webhook")
TARGETS = (*WEBHOOKS, "mail")
VARIABLES = {
    **{name: (f"CX_{name.upper()}_URL",) for name in WEBHOOKS},
    "mail": ("CX_SMTP_HOST", "CX_SMTP_FROM", "CX_SMTP_TO"),
}
SECRETS = {"feishu": "CX_FEISHU_SECRET", "dingtalk": "CX_DINGTALK_SECRET"}  # where signing is on
SECURITY = ("starttls", "tls", "none")  # CX_SMTP_SECURITY

Json = dict[str, Any]


class NotifyError(RuntimeError):
    """A message that could not be delivered; the report itself is there."""


def configured(target: str, environ: Mapping[str, str] = os.environ) -> None:
    """Check that the environment says where to send.

    Raises
    ------
    ValueError : no such target, or a variable is missing or wrong
    """
    if target not in TARGETS:
        raise ValueError(f"--notify {target}: choose {', '.join(TARGETS)}.")
    if missing := [name for name in VARIABLES[target] if not environ.get(name)]:
        raise ValueError(f"--notify {target} needs the environment variable {', '.join(missing)}.")
    if target == "mail":
        _port(environ)
        if _security(environ) not in SECURITY:
            raise ValueError(f"CX_SMTP_SECURITY must be one of {', '.join(SECURITY)}.")
    elif urlsplit(environ[VARIABLES[target][0]]).scheme not in ("http", "https"):
        raise ValueError(f"{VARIABLES[target][0]} must begin with https://.")


def send(
    target: str,
    message: Message,
    environ: Mapping[str, str] = os.environ,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Deliver a message, in up to three attempts.

    Parameters
    ----------
    target : one of TARGETS
    message : what to say
    environ : holds addresses and secrets
    wait : pauses between the attempts

    Raises
    ------
    NotifyError : it was refused, or nobody answered; says so without the address
    """
    configured(target, environ)
    attempt = _mail if target == "mail" else _post
    for left in reversed(range(ATTEMPTS)):
        problem, again = attempt(target, message, environ)
        if not problem:
            return
        if not (again and left):
            raise NotifyError(f"--notify {target}: {problem}. The report was made.")
        wait(2.0 ** (ATTEMPTS - 1 - left))


def _post(target: str, message: Message, environ: Mapping[str, str]) -> tuple[str, bool]:
    """What went wrong, if anything, and whether to try again."""
    import requests

    url = environ[VARIABLES[target][0]]
    host = urlsplit(url).hostname
    now, secret = int(time.time()), environ.get(SECRETS.get(target, ""), "")
    body = PAYLOADS[target](message)
    if secret and target == "feishu":
        body |= {"timestamp": str(now), "sign": _signature(f"{now}\n{secret}", "")}
    elif secret:
        sign = _signature(secret, f"{1000 * now}\n{secret}")
        url += f"{'&' if '?' in url else '?'}timestamp={1000 * now}&sign={quote_plus(sign)}"
    try:
        answer = requests.post(url, json=body, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:  # its own text has the address in it
        return f"{host} did not answer ({type(error).__name__})", True
    if not 200 <= answer.status_code < 300:
        again = answer.status_code == 429 or answer.status_code >= 500
        return f"{host} answered with status {answer.status_code}", again
    if code := _refused(answer):
        return f"{host} refused the message with code {code}", False
    return "", False


def _refused(answer: Any) -> int:
    """Feishu and DingTalk answer 200 to everything and say in JSON what is wrong."""
    try:
        said = answer.json()
    except ValueError:
        return 0
    if not isinstance(said, dict):
        return 0
    return next((int(said[k]) for k in ("code", "errcode") if str(said.get(k, "0")) != "0"), 0)


def _signature(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def _slack(message: Message) -> Json:
    text = f"*{message.title}*\n{message.text}"
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, escaped)
    return {"text": text}


def _teams(message: Message) -> Json:
    lines = [message.title, *message.sentences, message.heading, *message.alerts]
    heads = (message.title, message.heading)
    blocks = [
        {"type": "TextBlock", "text": line, "wrap": True}
        | ({"weight": "Bolder"} if line in heads else {})
        for line in lines
    ]
    card: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": message.title, "url": message.link}]
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _feishu(message: Message) -> Json:
    lines = [*message.sentences, message.heading, *(f"• {a}" for a in message.alerts)]
    content: list[list[Json]] = [[{"tag": "text", "text": line}] for line in lines]
    if message.link:
        content.append([{"tag": "a", "text": message.title, "href": message.link}])
    lang = "zh_cn" if message.lang == "zh" else "en_us"
    post = {lang: {"title": message.title, "content": content}}
    return {"msg_type": "post", "content": {"post": post}}


def _dingtalk(message: Message) -> Json:
    alerts = "\n".join(f"- {line}" for line in message.alerts)
    link = f"[{message.title}]({message.link})" if message.link else ""
    parts = [f"### {message.title}", *message.sentences, f"**{message.heading}**", alerts, link]
    text = "\n\n".join(part for part in parts if part)
    return {"msgtype": "markdown", "markdown": {"title": message.title, "text": text}}


def _generic(message: Message) -> Json:
    return {
        "study": message.study,
        "run": message.run,
        "lang": message.lang,
        "title": message.title,
        "summary": list(message.sentences),
        "new_alerts": list(message.alerts),
        "url": message.link or None,
    }


PAYLOADS: dict[str, Callable[[Message], Json]] = {
    "slack": _slack,
    "teams": _teams,
    "feishu": _feishu,
    "dingtalk": _dingtalk,
    "webhook": _generic,
}


def _mail(_target: str, message: Message, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Send by SMTP; what went wrong, if anything, and whether to try again."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.title.split())
    mail["From"], mail["To"] = environ["CX_SMTP_FROM"], environ["CX_SMTP_TO"]
    mail.set_content(message.text)
    host, how = environ["CX_SMTP_HOST"], _security(environ)
    secure = ssl.create_default_context()
    try:
        server: smtplib.SMTP
        if how == "tls":
            server = smtplib.SMTP_SSL(host, _port(environ), timeout=TIMEOUT, context=secure)
        else:
            server = smtplib.SMTP(host, _port(environ), timeout=TIMEOUT)
        with server:
            if how == "starttls":
                server.starttls(context=secure)
            if user := environ.get("CX_SMTP_USER", ""):
                server.login(user, environ.get("CX_SMTP_PASSWORD", ""))
            server.send_message(mail)
    except smtplib.SMTPResponseException as error:
        return f"{host} answered with code {error.smtp_code}", 400 <= error.smtp_code < 500
    except (OSError, smtplib.SMTPException) as error:
        return f"{host} could not be reached or refused the mail ({type(error).__name__})", True
    return "", False


def _security(environ: Mapping[str, str]) -> str:
    return environ.get("CX_SMTP_SECURITY") or "starttls"


def _port(environ: Mapping[str, str]) -> int:
    usual = {"tls": 465, "none": 25}.get(_security(environ), 587)
    try:
        return int(environ.get("CX_SMTP_PORT") or usual)
    except ValueError:
        raise ValueError("CX_SMTP_PORT must be a number.") from None
