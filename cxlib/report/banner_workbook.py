"""A banner table as an Excel file: groups across, answers down, letters beside the percentages.

report.banner_to_excel(scores.banner(sample, questions, by="region"), "banner.xlsx")
"""

from __future__ import annotations

from os import PathLike

from cxlib.core.result import Result
from cxlib.report.customer_lists import spreadsheet_cell


def banner_to_excel(fit: Result, file: str | PathLike[str]) -> None:
    """Write a banner to an xlsx file.

    Parameters
    ----------
    fit : of `scores.banner`
    file : to write; one that is there is replaced

    Notes
    -----
    The cells are those of `fit.wide`: percentages with the letters of significantly lower groups,
    nothing where a group is too small to be shown. The notes stand below the table.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from cxlib import scores
    >>> rows = pd.DataFrame({"shop": list("ab") * 30, "buys": [1, 0] * 30})
    >>> fit = scores.banner(rows, {"Buys": ["buys"]}, "shop")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     banner_to_excel(fit, folder + "/banner.xlsx")
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    table = fit.wide
    sheet.append([spreadsheet_cell(c) for c in table.columns])
    last = None
    for question, *cells in table.itertuples(index=False, name=None):
        sheet.append(
            [spreadsheet_cell("" if question == last else question), *map(spreadsheet_cell, cells)]
        )
        last = question
    for cell in sheet[1]:
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="bottom")
    for at in range(1, len(table.columns) + 1):
        sheet.column_dimensions[get_column_letter(at)].width = 28 if at <= 2 else 14
        for (cell,) in sheet.iter_rows(min_row=2, min_col=at, max_col=at):
            cell.alignment = Alignment(horizontal="left" if at <= 2 else "right")
    sheet.freeze_panes = "C2"
    sheet.append([])
    sheet.append([spreadsheet_cell(fit.notes)])
    book.save(file)
