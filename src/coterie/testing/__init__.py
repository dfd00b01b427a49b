"""The test kit: a whole system in one process, or one service with its events recorded.

Knows how to run things for the length of a block, on free ports and in temporary folders.

Deliberately mocks nothing: what stands in for a service implements its contract.
"""

from .recording import Recorded, recording
from .running import RunningSystem, running

__all__ = ["Recorded", "RunningSystem", "recording", "running"]
