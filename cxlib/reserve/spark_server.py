"""A Spark server that a study's tables stay on, asked through Spark Connect.

    server = SparkServer("sc://127.0.0.1:15002")
    server.fetch("SELECT count(*) AS n FROM shop.orders")    # an Arrow table

Spark has no transaction that only reads, so that each query sees the tables as they are then. The
session sets what would change the meaning of a query without an error.
"""

from __future__ import annotations

import os
import warnings
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from cxlib.data import live
from cxlib.data.sources import SourceError

SETTINGS = {  # whatever the server's own are
    "spark.sql.ansi.enabled": "true",  # what cannot be cast, divided or held is an error
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.groupByOrdinal": "true",
    "spark.sql.session.timeZone": "UTC",  # times without a zone are cut to days as they stand
}
RETRIES = {"max_retries": 6, "initial_backoff": 100, "max_backoff": 4000}  # milliseconds: 15 s
TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # which the client sends to whatever host it calls  # noqa: S105 - the name of a variable
ADVICE = "Is the server up, and may this user read the tables?"


class SparkServer:
    """A Spark Connect server, connected to at the first query; only SELECT is sent to it.

    Parameters
    ----------
    address : as study.yaml names it; a token comes from the environment

    Examples
    --------
    >>> SparkServer("sc://127.0.0.1:15002").dialect
    'spark'
    """

    dialect = "spark"

    def __init__(self, address: str) -> None:
        if find_spec("sqlglot") is None:
            raise SourceError(f"{address}: an engine needs `pip install 'cxlib[spark]'`.")
        self.address = address
        self._session: Any = None
        self._secrets: tuple[str, ...] = ()

    def fetch(self, statement: str) -> pa.Table:
        """What a statement in Spark's dialect gives. Raises SourceError."""
        try:
            if self._session is None:
                self._session = self._opened()
            return self._session.sql(statement).toArrow()
        except SourceError:
            raise
        except Exception as error:  # the client raises many kinds
            self._drop()  # the next query opens another session: the server may have ended this one
            raise SourceError(self._said(error)) from None

    def _opened(self) -> Any:
        """A session; the client asks again for a while where the connection is lost."""
        if find_spec("pyspark") is None:
            raise SourceError(f"{self.address}: Spark needs `pip install 'cxlib[spark]'`.")
        url = _url(self.address)
        given = (part.partition("=")[2] for part in urlsplit(url).path.split(";"))
        self._secrets = tuple(s for s in (*given, os.environ.get(TOKEN, "")) if len(s) > 5)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client's own, on pandas and on each setting
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession

            session = SparkSession(url)
            session.client.set_retry_policies([DefaultPolicy(**RETRIES)])
            for name, value in SETTINGS.items():
                session.conf.set(name, value)
        return session

    def _said(self, error: Exception) -> str:
        why = " ".join(str(error).split("JVM stacktrace")[0].split())[:300]
        for secret in self._secrets:
            why = why.replace(secret, "***")
        return f"{self.address}: {why}. {ADVICE}"

    def _drop(self) -> None:
        """Forget the session without a word to the server, which may be gone."""
        if self._session is not None:
            self._session.client.close()
            self._session = None

    def close(self) -> None:
        """Leave the server."""
        if self._session is not None:
            self._session.stop()
            self._session = None


def _url(address: str) -> str:
    """The address as the client takes it; a host that only study.yaml names is sent no secret."""
    url, named = live.expanded(address), urlsplit(address)
    host, theirs = urlsplit(url).hostname or "", urlsplit(os.environ.get("SPARK_REMOTE", ""))
    by_study = bool(named.hostname) and not live.VARIABLE.search(named.netloc)
    secret = live.VARIABLE.search(address) or os.environ.get(TOKEN)
    if by_study and secret and host not in live.LOCAL and host != theirs.hostname:
        raise SourceError(
            f"{address}: a token of the environment would go to {host}, which only study.yaml "
            f"names. If you trust it, set SPARK_REMOTE={named.scheme}://{named.netloc}."
        )
    return url
