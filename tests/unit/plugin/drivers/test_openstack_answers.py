"""What a service says of an error is told as a person reads it."""

import pytest
import requests

from instance_images.drivers.openstack.api import reason_of


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('{"badRequest": {"message": "Name can&#x27;t be used"}}', "Name can't be used."),
        ("<html><title>400</title><p>Name can&#x27;t be used!</p></html>", "Name can't be used!"),
        ('{"error": {"message": "beep &#27;[2J\\u001b[2J"}}', "beep [2J[2J."),
        ('{"conflict": {"message": "is <busy> now"}}', "is <busy> now."),
    ],
)
def test_words_of_a_service_are_told_without_the_entities_of_html(said: str, told: str) -> None:
    answer = requests.Response()
    answer.status_code = 400
    answer._content = said.encode()

    assert reason_of(answer) == told
