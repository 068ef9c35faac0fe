"""What a person reads of a message that breaks its contract."""

import uuid

import pytest
from pydantic import ValidationError

from messaging.message import describe_error
from payments.contract import TakePayment


def test_a_body_that_breaks_its_contract_is_told_field_by_field() -> None:
    with pytest.raises(ValidationError) as caught:
        TakePayment.parse({"booking_id": str(uuid.uuid4()), "amount": "a lot", "color": "blue"})
    text = describe_error(caught.value)
    assert text.startswith("TakePayment does not match its contract: ")
    assert "amount: has to be a whole number" in text
    assert "color: is no field that is known here" in text
    assert "pydantic.dev" not in text
    assert "\n" not in text


def test_any_other_exception_has_its_name() -> None:
    assert describe_error(ValueError("cannot bear this")) == "ValueError: cannot bear this"
