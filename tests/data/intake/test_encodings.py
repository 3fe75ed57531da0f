"""Files in the encodings of many scripts: none is read as Windows-1252 without a question."""

import pytest
import yaml

from cxlib import reserve
from cxlib.data import intake
from cxlib.data.intake.encodings import find_encoding, odd_words

TOWNS = {
    "cp1251": ["Москва", "Санкт-Петербург", "Казань"],
    "koi8_r": ["Москва", "Санкт-Петербург", "Казань"],
    "iso8859_5": ["Москва", "Санкт-Петербург", "Казань"],
    "cp866": ["Москва", "Санкт-Петербург", "Казань"],
    "cp1253": ["Αθήνα", "Θεσσαλονίκη", "Πάτρα"],
    "iso8859_7": ["Αθήνα", "Θεσσαλονίκη", "Πάτρα"],
    "cp1254": ["İstanbul", "İzmir", "Eskişehir"],
    "cp1255": ["תל אביב", "ירושלים", "חיפה"],
    "cp1256": ["القاهرة", "الرياض", "دبي"],
    "cp874": ["กรุงเทพ", "เชียงใหม่", "ภูเก็ต"],
    "cp1258": ["Hu\u00ea\u0301", "Đ\u00e0 N\u0103\u0303ng", "C\u00e2\u0300n Th\u01a1"],
    "cp1250": ["Łódź", "Kraków", "Gdańsk"],
    "iso8859_2": ["Łódź", "Kraków", "Gdańsk"],
    "cp1257": ["Kaunas", "Šiauliai", "Panevėžys"],
    "mac_roman": ["München", "Köln", "Düsseldorf"],
    "cp850": ["München", "Köln", "Düsseldorf"],
}


def survey(towns: list[str], encoding: str) -> bytes:
    rows = [f"R{k},2026-03-{1 + k % 28:02},{(7 * k) % 11},{towns[k % 3]}" for k in range(42)]
    return "\n".join(["Response ID,Date,Recommend,Region", *rows, ""]).encode(encoding)


@pytest.mark.few(4)
@pytest.mark.parametrize("encoding", TOWNS)
def test_words_of_no_western_language_are_asked_about(folder, encoding):
    (folder / "a.csv").write_bytes(survey(TOWNS[encoding], encoding))
    draft = intake.draft("new", [folder / "a.csv"])
    assert any("a.csv: read" in guess for guess in yaml.safe_load(draft)["unconfirmed"])
    # The same where study.yaml was written before, for a file without such letters.
    plain = {**yaml.safe_load(draft), "unconfirmed": []}
    plain["tables"]["responses"]["files"] = "a.csv"
    (folder / "study.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == reserve.LOST
    assert "doubtful_encoding" in check.warnings["rule"].tolist()


@pytest.mark.parametrize(
    "encoding", ["cp1251", "koi8_r", "cp1253", "cp1255", "cp874", "cp1250", "cp850"]
)
def test_the_likeliest_encoding_is_proposed(encoding):
    assert find_encoding(survey(TOWNS[encoding], encoding))[0] == encoding


@pytest.mark.parametrize(
    ("towns", "encoding"),
    [
        (["서울", "부산", "서비스가 아주 좋아요"], "cp949"),
        (["とても良いサービスでした", "配送が遅い", "普通です"], "euc_jp"),
    ],
)
def test_korean_and_japanese_of_unix_are_no_chinese(towns, encoding):
    assert find_encoding(survey(towns, encoding))[0] == encoding


@pytest.mark.parametrize(
    "text",
    [
        "Zürich, Genève, Málaga, España, Düsseldorf à Köln, MÜNCHEN, STRAßE",
        "L’été… où ça? «Bien», œuvre, naïf, Noël",
        "El niño comió piñas, ¿Qué? ¡Hola! nº 5",
        "São Paulo, Brasília, Açúcar, não, INFORMAÇÕES",
        "però così più città perché è",
        "Smørrebrød på blå Ærø, Tromsø, Malmö",
        "Länsi-Suomi, Hämeenlinna, Šakki",
        "Reykjavík, Ísafjörður, Þórshöfn",
        "25°C, 5 £, 10 m², café™",
    ],
)
def test_western_words_are_not_asked_about(text):
    assert odd_words(text.encode("cp1252").decode("cp1252"), "cp1252") == []


def test_a_later_file_in_another_encoding_than_the_one_named_is_a_question_or_refused(folder):
    (folder / "a.csv").write_bytes(survey(["München", "Köln", "Essen"], "cp1252"))
    draft = intake.draft("new", [folder / "a.csv"])
    assert "encoding: cp1252" in draft
    (folder / "study.yaml").write_text(draft, encoding="utf-8")
    assert reserve.check("new").ok
    (folder / "a.csv").write_bytes(survey(TOWNS["cp1251"], "cp1251"))
    assert reserve.check("new").warnings["rule"].tolist() == ["doubtful_encoding"]
    (folder / "a.csv").write_bytes(survey(["München", "Köln", "Essen"], "utf-8"))
    check = reserve.check("new")
    assert check.exit_code == reserve.UNUSABLE
    assert "a.csv is in UTF-8, but study.yaml names the encoding cp1252" in str(check)
