"""Why somebody is not mailed, in words."""

from __future__ import annotations

import pytest

from composer.audience.reasons import counted, told
from composer.delivery.choosing import NOT_IN_SEGMENT
from composer.ledger.due import ALREADY_MAILED
from composer.ledger.forgotten import FORGOTTEN
from composer.ledger.model import Reason


@pytest.mark.parametrize("reason", [*Reason, NOT_IN_SEGMENT, ALREADY_MAILED, FORGOTTEN, "duplicate", "invalid", "cancelled"])
def test_every_reason_has_words(reason):
    """The code "manual" is nothing that a person understands; a new reason needs its words too."""
    assert counted(reason, 1_200).startswith("1,200 ")
    assert told(reason) != str(reason).replace("_", " ")
    assert "_" not in counted(reason, 1) + told(reason)


def test_a_reason_of_a_newer_ledger_is_told_as_it_is():
    """Nothing breaks, and nothing is hidden."""
    assert (counted("too_young", 2), told("too_young")) == ("2 too young", "too young")
