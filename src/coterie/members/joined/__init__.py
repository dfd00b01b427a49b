"""Joined: what a Flask, Django, FastAPI or other program adds to be more than a guest.

Knows how the context of a call is found in a request of WSGI or ASGI, and where other services are: in
variables such as ``USERS_URL``, which `coterie up` sets and anybody else can.

Deliberately knows no system: the same program runs alone, under ``flask run`` or ``uvicorn``.
"""

from .joined import Joined, NotJoined

__all__ = ["Joined", "NotJoined"]
