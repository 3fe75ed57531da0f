"""Messages that list what there is say so where there is nothing."""

import pandas as pd
import pytest

from cxlib.core.errors import require_choice, require_columns
from cxlib.core.parameters import settle
from cxlib.data.intake.unmatched import no_column, shown


def test_no_message_ends_in_an_empty_list():
    with pytest.raises(ValueError, match="They have: none."):
        require_columns(pd.DataFrame(), ["delivery"])
    with pytest.raises(ValueError, match="There are: none."):
        require_choice("kind", "linear", [])
    with pytest.raises(ValueError, match="It has: none."):
        settle({}, {"WAVE": "2026-Q1"})
    assert no_column("group", "region", []).endswith("There are: none.")
    assert shown([]) == "none"
