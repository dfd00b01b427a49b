"""Contract to wire and back, one folder a protocol.

Knows how calls, replies, faults and contexts look as bytes and headers, and derives documents
from contracts. Pure: takes and gives bytes, so protocols are tested by tables.

Deliberately opens no socket, reads no file, awaits nothing but the bodies it is handed.
"""

__all__: list[str] = []
