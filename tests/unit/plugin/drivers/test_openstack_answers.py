"""What a service says of an error is told as a person reads it."""

import pytest
import requests

from instance_images.drivers.openstack.api.answers import (
    LONGEST_PAGE,
    address_of,
    body_of,
    may_be_json,
    reason_of,
)
from instance_images.errors import TooDeep


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
    assert reason_of(answered(said)) == told


@pytest.mark.parametrize("said", ["", '{"servers": []}', "\n [1]", "null"])
def test_an_answer_thatmay_be_json_is_taken(said: str) -> None:
    assert may_be_json(said.encode())


@pytest.mark.parametrize("said", ["<html>Log in to the proxy</html>", "It works!", "\ufeff{}"])
def test_an_answer_of_a_proxy_is_none_of_the_service(said: str) -> None:
    assert not may_be_json(said.encode())


def answered(said: str) -> requests.Response:
    """Return an answer of that text."""
    answer = requests.Response()
    answer.status_code = 400
    answer._content = said.encode()
    return answer


def test_document_that_is_nested_too_deeply_is_refused_and_is_no_fault() -> None:
    deep = '{"a": ' * 50_000 + "1" + "}" * 50_000

    with pytest.raises(TooDeep):
        body_of(answered(deep))
    assert reason_of(answered("[" * 50_000)).startswith("[[[")
    assert body_of(answered('{"a": [1]}')) == {"a": [1]}


def test_only_the_beginning_of_a_long_page_is_looked_at() -> None:
    page = answered("<p>Down.</p>" + " " * LONGEST_PAGE + "<title>" * 100_000)

    assert reason_of(page) == "Down."


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://Glance.example:9292/v2/", "glance.example:9292"),
        ("https://glance.example:9292", "glance.example:9292"),
        ("https://cloud.example/image/v2.1", "cloud.example:443/image"),
        ("http://[::1]/image//", "::1:80/image"),
    ],
)
def test_address_of_a_service_is_the_same_however_it_is_written(url: str, address: str) -> None:
    assert address_of(url) == address
