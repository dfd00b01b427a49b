"""A caller of ServiceA: knows its name, and asks the registry for its address at each call."""

from client import ask, discover_service

FAILED = "Failed to get greeting from ServiceA"


def greeting() -> str:
    """ServiceA's greeting, wherever it is now; where there is none, a text that says so."""
    url = discover_service("ServiceA")
    if url is None:
        return FAILED
    response = ask("GET", f"{url}/greet")
    if response is None or response.status_code != 200:
        return FAILED
    try:
        text = response.text
        text.encode()  # half a character is a ValueError here, and could not be printed
    except ValueError:
        return FAILED
    return text


if __name__ == "__main__":
    print(greeting())
