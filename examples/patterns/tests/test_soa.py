"""01-soa: a producer, and a consumer that gets its greeting or says that there is none.

With a producer, and without one, the consumer is run by test_readmes.py.
"""

from time import monotonic

import pytest

from peers import BAD, http, patience, peer
from programs import load, run

FAILED = "Failed to get greeting from Service A"


@pytest.mark.promise("S0-03")
def test_the_producer_greets_in_plain_text() -> None:
    """To the letter, and nothing round it."""
    answer = load("01-soa/service_a.py").app.test_client().get("/greet")
    assert (answer.status_code, answer.data) == (200, b"Hello from Service A!")
    assert answer.content_type == "text/plain; charset=utf-8"


@pytest.mark.promise("S0-05")
def test_the_consumer_asks_where_the_pattern_says() -> None:
    """Unless it is told of another place, and for two seconds at most."""
    consumer = load("01-soa/consumer.py")
    assert (consumer.SERVICE_A_URL, consumer.TIMEOUT) == ("http://localhost:5000", 2)


@pytest.mark.promise("S0-08")
def test_a_producer_that_hangs_is_given_up() -> None:
    """After TIMEOUT, and not long after it."""
    with peer(BAD["hangs"]) as hanging:
        settings = {"SOA_SERVICE_A_URL": hanging.url, "TIMEOUT": 0.2}
        assert run("01-soa/consumer.py", **settings) == f"Received greeting: {FAILED}\n"
        assert len(hanging.requests) == 1


@pytest.mark.promise("S0-08")
@pytest.mark.parametrize("way", ["drips", "drips in its head"])
def test_a_producer_that_is_slow_without_end_is_given_up(way: str) -> None:
    """The program ends after TIMEOUT, too, though each byte comes in time."""
    with peer(BAD[way]) as slow:
        settings = {"SOA_SERVICE_A_URL": slow.url, "TIMEOUT": 0.5}
        assert run("01-soa/consumer.py", **settings) == f"Received greeting: {FAILED}\n"


@pytest.mark.promise("S0-06", "S0-07", "S0-08")
def test_a_greeting_that_cannot_be_printed_is_none() -> None:
    """Half a character, which some charsets can say, is no traceback; control: a whole one."""
    charset = "Content-Type: text/plain; charset=unicode_escape"
    for body, greeting in ((r"\ud800", FAILED), (r"\u00fc", "ü")):
        with peer(http(body, "200 OK", charset)) as odd:
            printed = run("01-soa/consumer.py", SOA_SERVICE_A_URL=odd.url)
            assert printed == f"Received greeting: {greeting}\n"


@pytest.mark.promise("S0-06", "S0-08")
@pytest.mark.parametrize("way", BAD)
def test_whatever_a_producer_does_wrong_it_is_no_greeting(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`consume_greeting()` returns its text of failure, and raises nothing."""
    consumer = load("01-soa/consumer.py")
    with peer(BAD[way]) as bad:
        monkeypatch.setattr(consumer, "SERVICE_A_URL", bad.url)
        monkeypatch.setattr(consumer, "TIMEOUT", patience(BAD[way]))
        before = monotonic()
        assert consumer.consume_greeting() == FAILED
        assert monotonic() - before < 2


@pytest.mark.promise("S0-05")
def test_a_greeting_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: the same server, when it does as it should."""
    consumer = load("01-soa/consumer.py")
    with peer(http("Hi!")) as good:
        monkeypatch.setattr(consumer, "SERVICE_A_URL", good.url)
        assert consumer.consume_greeting() == "Hi!"
