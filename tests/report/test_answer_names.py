"""What answers are called where they have no claim."""

from cxlib.core import context
from cxlib.report import answer_names, term_links

OF_STUDY = {
    "plan": "会员等级",
    "value": "感知价值",
    "price_rise": "涨价",
    "open_cases": "未结工单数",
}


def test_columns_of_the_study_do_not_name_answers() -> None:
    context.begin(lang="zh", labels=OF_STUDY)
    names = ("plan", "value", "open_cases", "change_price_rise")
    assert [answer_names.called(n) for n in names] == [
        "下次比较的方案",
        "各细分群体的价值",
        "未结工单",
        "涨价的效果",
    ]


def test_an_effect_of_a_driver_is_not_explained_as_uplift() -> None:
    context.begin(lang="zh")
    told = term_links.linked("<p>高评分的增益大于低评分的损失。</p>", "g.html")
    assert "#uplift" not in told
    assert "#uplift" in term_links.linked("<p>干预增益 3 个百分点</p>", "g.html")
