"""Comments in Traditional Chinese, in other languages, and of few kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import voice
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.data.intake.encodings import find_encoding
from cxlib.voice import lexicon, tokens

SIMPLIFIED = [
    "快递太慢了，等了一个星期",
    "客服态度很好，很满意",
    "价格太贵，不值",
    "配送延误，没有人回复电话",
    "房间干净，前台热情",
    "退款一直没有到账，太失望了",
]
TRADITIONAL = [
    "快遞太慢了，等了一個星期",
    "客服態度很好，很滿意",
    "價格太貴，不值",
    "配送延誤，沒有人回覆電話",
    "房間乾淨，前臺熱情",
    "退款一直沒有到賬，太失望了",
]
GIVEN = {
    "late": {"zh": ["快递", "配送延误", "太慢"]},
    "price": {"zh": ["太贵", "价格"]},
    "refund": {"zh": ["退款", "到账"]},
}


def comments_of(texts: list[str], n: int = 300) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "comment_id": [f"k{i}" for i in range(n)],
            "text": [texts[i % len(texts)] for i in range(n)],
            "score": [1.0 + i % 5 for i in range(n)],
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("in_traditional", [False, True])
def test_both_kinds_of_chinese_are_counted_alike(in_traditional: bool) -> None:
    words = GIVEN
    if in_traditional:  # a study may write its topics in either
        words = {"late": {"zh": ["快遞", "配送延誤"]}, "refund": {"zh": ["退款"]}}
    shares = []
    for texts in (SIMPLIFIED, TRADITIONAL, SIMPLIFIED[:3] + TRADITIONAL[3:]):
        prepared = voice.prepare(comments_of(texts))[0]
        fit = voice.topics(prepared, words)
        given = fit.table[fit.table["origin"] == "given"].set_index("term")["estimate"]
        shares.append(given.round(6).to_dict())
        felt = voice.topic_sentiment(voice.mark(prepared, fit), fit)
        shares[-1] |= {f"felt {t}": v for t, v in felt.table[["term", "estimate"]].values}
        assert set(prepared["text"]) == set(texts)  # quotes stay as they were written
    assert shares[0] == shares[1] == shares[2]


def test_words_that_judge_are_known_in_both_kinds_of_chinese() -> None:
    def feel(texts: list[str]) -> list[tuple[float, float]]:
        good, bad = lexicon.score(tokens.tokenise(texts, "zh"))
        return list(zip(good.tolist(), bad.tolist(), strict=True))

    assert feel(SIMPLIFIED) == feel(TRADITIONAL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "written", "found"),
    [
        ("\n".join(TRADITIONAL).replace("臺", "台"), "big5", "cp950"),
        ("\n".join(SIMPLIFIED), "gbk", "gb18030"),
        ("\n".join(TRADITIONAL), "gb18030", "gb18030"),
        ("id,城市\n1,台北市\n2,高雄市\n3,台中市\n", "big5", "cp950"),
        ("id,城市\n1,北京市\n2,上海市\n3,广州市\n", "gbk", "gb18030"),
        ("產品,備註\n手機,螢幕破裂\n耳機,包裝完整\n", "big5", "cp950"),
        ("香港銅鑼灣\n服務唔錯，嘅係咁\n", "big5hkscs", "big5hkscs"),
        ("name,city\nJosé,São Paulo\nÁgnes,Köln\nÇelik,Málaga\n", "cp1252", "cp1252"),
        ("AÇÃO,OBSERVAÇÃO\nNÃO,SIM\nATENÇÃO,É\n", "cp1252", "cp1252"),
        ("größe;straße\nMüller;Übergröße\n", "cp1252", "cp1252"),
    ],
)
def test_big5_is_told_from_other_encodings(text: str, written: str, found: str) -> None:
    encoding = find_encoding(text.encode(written))[0]
    assert encoding == found and text.encode(written).decode(encoding) == text


PARTS = {
    "pt": (
        ["o produto", "a entrega", "o vendedor", "a embalagem", "o atendimento"],
        ["chegou com muito atraso", "veio com defeito", "não respondeu", "foi muito rápido"],
        ["e eu não gostei", "mas tudo bem", "para a minha casa", "como foi prometido"],
    ),
    "de": (
        ["die Lieferung", "das Zimmer", "der Verkäufer", "die Verpackung", "der Service"],
        ["kam viel zu spät", "war leider kaputt", "hat nicht geantwortet", "war sehr schnell"],
        ["und ich bin enttäuscht", "aber sonst ist alles gut", "für das Geld", "wie immer"],
    ),
    "es": (
        ["el producto", "la entrega", "el vendedor", "el paquete", "la atención"],
        ["llegó con mucho retraso", "vino con defectos", "no respondió", "fue muy rápido"],
        ["y no me gustó", "pero todo bien", "para mi casa", "como siempre"],
    ),
}


def written_in(code: str, n: int, seed: int = 1) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(some) for some in PARTS[code]) for _ in range(n)]


@pytest.mark.slow
@pytest.mark.parametrize("codes", [("pt",), ("de",), ("pt", "de"), ("es", "de")])
def test_topics_are_found_within_a_language_and_not_of_its_small_words(codes) -> None:
    texts = [t for code in codes for t in written_in(code, 200)]
    prepared = voice.prepare(comments_of(texts, len(texts)))[0]
    languages = prepared.data["language"]
    assert [languages[k * 200 : k * 200 + 200].mode().item() for k in range(len(codes))] == [*codes]
    fit = voice.topics(prepared)
    assert {m.language for m in fit.models} == set(codes)
    small = {w for code in codes for w in tokens.small_words(code)}
    assert not small & {w for m in fit.models for first in m.listed() for w in first}
    marked = voice.mark(prepared, fit).data
    for model in fit.models:
        other = (marked["language"] != model.language).to_numpy()
        there = [name for name in model.names if name in marked]
        assert not marked.loc[other, there].to_numpy().any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "texts",
    [
        ["good product for the price", "box was damaged, please improve", "too slow, five days"],
        ["东西不错，性价比高", "包装破损，希望改进", "物流太慢了，等了五天"],
        ["ok", "fine", "bad"],
    ],
)
def test_few_kinds_of_comment_are_said_to_be_few(texts: list[str]) -> None:
    prepared = voice.prepare(comments_of(texts))[0]
    fit = voice.topics(prepared)
    assert "There are only 3 different comments among 300" in str(fit)
    marked = voice.mark(prepared, fit)
    quotes = voice.quotes(marked, fit)
    assert len(quotes) == len(fit.table)
    voice.topic_sentiment(marked, fit)


@pytest.mark.slow
def test_comments_that_vary_are_not_called_few() -> None:
    assert "different comments" not in str(
        voice.topics(voice.prepare(comments_of(written_in("pt", 200), 200))[0])
    )


def test_languages_are_named_in_the_language_of_the_page() -> None:
    with context.use(Context(lang="en")):
        assert tokens.language_name("pt") == "comments in Portuguese"
    with context.use(Context(lang="zh")):
        assert tokens.language_name("pt") == "葡萄牙语评论"


@pytest.mark.slow
def test_a_declared_language_counts_before_a_guess() -> None:
    texts = written_in("pt", 200) + written_in("es", 100)
    rows = comments_of(texts).assign(lang="pt-BR")
    assert set(voice.prepare(rows)[0]["language"]) == {"pt"}
    none = voice.prepare(rows.assign(lang=None))[0]["language"]
    assert none.tolist() == voice.prepare(comments_of(texts))[0]["language"].tolist()
    assert set(none) == {"pt", "es"}
    # A code that contradicts what is written, such as the language of the shop, is no evidence.
    english = ["the parcel was late and the box was broken", "很满意，谢谢"]
    wrong = voice.prepare(comments_of(english).assign(lang="pt"))[0]
    assert set(wrong["language"]) == {"en", "zh"}
