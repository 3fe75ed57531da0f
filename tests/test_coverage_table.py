"""The table of coverages that `make coverage` writes, by hand."""

import coverage_table


def test_intervals_and_error_rates_stand_apart_with_what_is_off():
    page = coverage_table.page(
        [
            ["NPS", "100 answers", 0.95, 400, 0.95],
            ("NPS", "50 answers", 0.9, 400, 0.95),
            ("AUC", "50 customers", 0.92, 50, 0.95),
            ("rate of false alarms, trend", "25 answers", 0.004, 700, 0.003),
        ]
    )
    intervals, rates = page.split("## How often tests and alarms are wrong")
    rows = [
        line.split(" | ") for line in intervals.splitlines() if "answers" in line or "AUC" in line
    ]
    assert [row[1] for row in rows] == ["50 customers", "50 answers", "100 answers"]
    assert rows[0][-1] == "81.2% to 96.8%, may be below |"  # Wilson: 46 of 50
    assert rows[1][-1].endswith("significantly below |") and "below" not in rows[2][-1]
    assert "| 25 answers | 0.3% | 0.4% | 700 |" in rates
