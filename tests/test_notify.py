"""Messages about a run: each channel's form, retries, refusals, secrets that stay secret."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from cxlib.batch import messages, notify
from cxlib.batch.messages import Message
from cxlib.cli import main

SECRET = "token-nobody-may-see"
MESSAGE = Message(
    title="Nobody · now",
    sentences=("NPS is 20.", "Speed fell <again>."),
    alerts=("Delivery; 1.20 points below its baseline",),
    heading="New alerts",
    link="https://reports.example/nobody/now/index.html",
    study="nobody",
    run="now",
    lang="en",
)


class Server:
    """A web server on this machine that answers as told and keeps what it was sent."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.kept: list[tuple[str, dict]] = []
        kept, left = self.kept, list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append((self.path, json.loads(body)))
                status, text = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/hook/{SECRET}"


@pytest.fixture
def serve():
    made: list[Server] = []

    def start(*answers: tuple[int, str]) -> Server:
        made.append(Server(*(answers or ((200, "ok"),))))
        return made[-1]

    yield start
    for server in made:
        server.http.shutdown()
        server.http.server_close()


def send(target: str, server: Server, **environ: str) -> list[float]:
    """The pauses that were made."""
    pauses: list[float] = []
    environ |= {f"CX_{target.upper()}_URL": server.url}
    notify.send(target, MESSAGE, environ, wait=pauses.append)
    return pauses


def test_each_channel_gets_its_own_form(serve) -> None:
    bodies = {}
    for target in notify.WEBHOOKS:
        server = serve((200, '{"code": 0, "errcode": 0}'))
        assert send(target, server) == []
        [(path, bodies[target])] = server.kept
        assert path == f"/hook/{SECRET}"
    assert bodies["slack"]["text"].startswith(
        "*Nobody · now*\nNPS is 20.\nSpeed fell &lt;again&gt;."
    )
    card = bodies["teams"]["attachments"][0]["content"]
    assert [b["text"] for b in card["body"]][:2] == ["Nobody · now", "NPS is 20."]
    assert card["actions"][0]["url"] == MESSAGE.link
    post = bodies["feishu"]["content"]["post"]["en_us"]
    assert post["content"][0] == [{"tag": "text", "text": "NPS is 20."}]
    assert post["content"][-1][0]["href"] == MESSAGE.link
    assert bodies["dingtalk"]["markdown"]["text"].endswith(f"]({MESSAGE.link})")
    assert bodies["webhook"] == {
        "study": "nobody",
        "run": "now",
        "lang": "en",
        "title": "Nobody · now",
        "summary": list(MESSAGE.sentences),
        "new_alerts": list(MESSAGE.alerts),
        "url": MESSAGE.link,
    }


def signed(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def test_feishu_and_dingtalk_are_signed_where_there_is_a_secret(serve) -> None:
    server = serve((200, '{"code": 0}'))
    send("feishu", server, CX_FEISHU_SECRET="s3")
    [(_path, body)] = server.kept
    assert body["sign"] == signed(f"{body['timestamp']}\ns3", "")
    server = serve((200, '{"errcode": 0}'))
    send("dingtalk", server, CX_DINGTALK_SECRET="s3")
    asked = parse_qs(urlsplit(server.kept[0][0]).query)
    assert asked["sign"] == [signed("s3", f"{asked['timestamp'][0]}\ns3")]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_tried_again(serve, status) -> None:
    server = serve((status, ""), (status, ""), (200, "ok"))
    assert send("slack", server) == [1.0, 2.0] and len(server.kept) == 3


def problem_of(target: str, server: Server, **environ: str) -> str:
    with pytest.raises(notify.NotifyError) as caught:
        send(target, server, **environ)
    return str(caught.value)


def test_what_is_refused_is_not_tried_again_and_the_address_stays_secret(serve) -> None:
    server = serve((404, SECRET))
    problem = problem_of("slack", server)
    assert "127.0.0.1 answered with status 404" in problem and "The report was made." in problem
    assert SECRET not in problem and len(server.kept) == 1
    server = serve((302, ""))  # a redirect would carry the message elsewhere
    assert "status 302" in problem_of("webhook", server)
    server = serve((200, '{"code": 19021, "msg": "sign match fail"}'))
    assert "refused the message with code 19021" in problem_of("feishu", server)


def test_nobody_there_is_said_without_the_address(serve) -> None:
    server = serve()
    server.http.shutdown()
    server.http.server_close()
    problem = problem_of("teams", server)
    assert "did not answer" in problem and SECRET not in problem and "/hook" not in problem


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as taking one mail needs."""

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines))
            if word == "QUIT":
                return self._say("221 bye")
            self._say(self.server.refusal if word == "RCPT" else "250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mailbox():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        server.daemon_threads = True
        server.mails, server.refusal = [], "250 ok"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def mail_environ(server) -> dict[str, str]:
    return {
        "CX_SMTP_HOST": "127.0.0.1",
        "CX_SMTP_PORT": str(server.server_address[1]),
        "CX_SMTP_FROM": "cx@example.com",
        "CX_SMTP_TO": "a@example.com, b@example.com",
        "CX_SMTP_SECURITY": "none",
    }


def test_a_mail_has_summary_and_alerts(mailbox) -> None:
    notify.send("mail", MESSAGE, mail_environ(mailbox), wait=lambda _s: None)
    mail = email.message_from_bytes(mailbox.mails[0], policy=email.policy.default)
    assert mail["Subject"] == MESSAGE.title and mail["To"] == "a@example.com, b@example.com"
    assert mail.get_content().replace("\r\n", "\n").strip() == MESSAGE.text


@pytest.mark.slow
def test_a_mail_that_is_refused_is_an_error(mailbox) -> None:
    mailbox.refusal = "550 no such user"
    with pytest.raises(notify.NotifyError, match=r"127\.0\.0\.1"):
        notify.send("mail", MESSAGE, mail_environ(mailbox), wait=lambda _s: None)


@pytest.mark.parametrize(
    ("target", "environ", "words"),
    [
        ("pigeon", {}, "choose slack, teams"),
        ("slack", {}, "needs the environment variable CX_SLACK_URL"),
        ("slack", {"CX_SLACK_URL": "file:///etc/passwd"}, "must begin with https://"),
        ("mail", {"CX_SMTP_HOST": "h", "CX_SMTP_TO": "a@b.c"}, "CX_SMTP_FROM"),
    ],
)
def test_where_to_send_is_checked_before_anything_runs(target, environ, words) -> None:
    with pytest.raises(ValueError, match=words):
        notify.configured(target, environ)


def test_a_run_with_an_unknown_channel_makes_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("CX_SLACK_URL", raising=False)
    made = CliRunner().invoke(main, ["run", "sample", "--notify", "slack", "-o", str(tmp_path)])
    assert made.exit_code == 2 and "CX_SLACK_URL" in made.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_message_of_a_run_has_its_summary_and_what_is_new(tmp_path, lang) -> None:
    columns = ["measure", "by", "group", "term", "estimate", "low", "high"]
    columns += ["standing", "first_seen", "kind", "owner", "wave"]
    rows = [
        ["scale", "", "", "speed", -1.2, -1.4, -1, "new", "w4", "change", "depot", "w5"],
        ["scale", "", "", "room", -1.0, -1.4, -1, "ongoing", "w1", "change", "", "w5"],
    ]
    page = {
        "page": "41_page",
        "notebook": "41_page.ipynb",
        "set": "",
        "status": "ok",
        "lang": lang,
        "title": "What next?",
        "job": {"rules": {"lang": lang, "labels": {"speed": "Pace", "room": "Chamber"}}},
    }
    warnings = {
        "finding": {"claim": "Pace fell.", "importance": 4, "verdict": "worse"},
        "table": {"columns": columns, "rows": rows},
        "tables": {},
    }
    run = {"run": "now", "study": "nobody", "lang": lang, "pages": [page], "about": {"title": "N"}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    (tmp_path / "answers.json").write_text(json.dumps({"41_page": {"warnings": warnings}}))
    message = messages.of(tmp_path, environ={"CX_REPORTS_URL": "https://r.example/"})
    assert message.sentences == ("Pace fell.",)
    [alert] = message.alerts
    assert "Pace" in alert and "depot" in alert.lower() and "Chamber" not in message.text
    assert message.link == "https://r.example/nobody/now/index.html"
    assert messages.of(tmp_path, environ={}).link == ""
