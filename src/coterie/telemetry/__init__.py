"""What happened: counters and spans, recorded on the hot path and told off it.

Knows how a call is noted (a `Meter` counts it, a `Spans` ring keeps its span), and the two
languages in which others read it: Prometheus text and OTLP. An OpenTelemetry span costs twenty
times what a call may; so what is noted here is our own, and translated when somebody asks.

Deliberately sends nothing, opens no port, and reads no environment.
"""

from .action import Action, Note, Read, Reading
from .answer import answer
from .destination import Destination, destination
from .exposition import exposition
from .meter import BOUNDS, Meter, Series
from .otlp import Resource, metrics_body, traces_body
from .ring import SPANS, Batch, Spans
from .span import Kind, Span
from .traced import traced

__all__ = [
    "BOUNDS",
    "SPANS",
    "Action",
    "Batch",
    "Destination",
    "Kind",
    "Meter",
    "Note",
    "Read",
    "Reading",
    "Resource",
    "Series",
    "Span",
    "Spans",
    "answer",
    "destination",
    "exposition",
    "metrics_body",
    "traced",
    "traces_body",
]
