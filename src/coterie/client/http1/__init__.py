"""HTTP/1.1 over our own sockets: ask one origin, and know what became of the question.

A call may be tried again only when it is certain that it never left. General clients blur that
line, so this room draws it: `NotSent` or `Unknown`, nothing between, and a cancelled request
closes its socket at once.

Knows: bytes, headers, sockets, keep-alive, limits, time. Speaks RFC 9112, as strictly as llhttp
reads it.
Deliberately does not know: contracts, calls, codes, retries, redirects, cookies, compression,
proxies. Whoever asks decides what an answer means and whether to ask again.
"""

from .errors import NotSent, Reason, Unknown
from .pool import Pool
from .response import Body, Response, StreamedResponse

__all__ = ["Body", "NotSent", "Pool", "Reason", "Response", "StreamedResponse", "Unknown"]
