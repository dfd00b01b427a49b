"""Where and how long a run measures: what every figure is handed."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from bench.cores import Cores

ROOT = Path(__file__).resolve().parent.parent


class Pace(Struct, frozen=True):
    """`rounds` of `seconds` for each contestant, after a warm-up of `warm` seconds."""

    rounds: int
    seconds: float
    warm: float


FULL = Pace(rounds=11, seconds=1.2, warm=1.0)
QUICK = Pace(rounds=5, seconds=0.5, warm=0.3)


class Setting(Struct, frozen=True):
    """The Python of the peers' environment, a folder that is thrown away afterwards, cores, pace.

    `environment` holds the few variables that engines are named by (`COTERIE_TEST_RABBITMQ`).
    """

    python: Path
    folder: Path
    cores: Cores
    pace: Pace
    environment: Mapping[str, str]

    def times(self, full: int) -> int:
        """How often to do what is done `full` times in a full run; twice at the least."""
        return max(2, full * self.pace.rounds // FULL.rounds)
