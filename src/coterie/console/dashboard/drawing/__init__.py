"""Pictures: charts, graphs and waterfalls as SVG, drawn on the server.

Knows geometry. A picture carries its shape in attributes and its colours in classes, so that no
style stands in the page and the theme may change under it.

Deliberately knows no page and asks nobody for anything.
"""

from .chart import chart
from .graph import Link, Node, graph
from .layers import Placed, layers
from .sparkline import sparkline
from .timeline import Bar, bar

__all__ = ["Bar", "Link", "Node", "Placed", "bar", "chart", "graph", "layers", "sparkline"]
