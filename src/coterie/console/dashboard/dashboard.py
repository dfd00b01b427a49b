"""Dashboard: the console of one system, from its source to its pages."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from coterie.server import Page

from .app import ConsoleApp
from .guard import LOCAL
from .history import History
from .known import Known
from .live import Live
from .port import Source

__all__ = ["Dashboard"]


class Dashboard:
    """Shows what ``source`` tells, and remembers it in the file ``history_path``. A component.

    ``app`` answers HTTP; serve it on loopback. ``title`` is the system's name, ``gateway_url``
    where its documentation is found, ``databases`` what services keep their data in, by service.
    ``pages`` answer for paths that are not the console's own. ``hosts`` are the names under which
    a browser may ask for the console.

    Stop it before the server that serves its ``app``: then the open pages end at once.
    """

    def __init__(
        self,
        source: Source,
        history_path: Path,
        *,
        title: str,
        pages: Sequence[Page] = (),
        gateway_url: str = "",
        databases: Mapping[str, str] | None = None,
        hosts: Collection[str] = LOCAL,
    ) -> None:
        self._source = source
        self._history = History(history_path)
        self._live = Live(source, self._history)
        known = Known(
            title=title,
            live=self._live,
            history=self._history,
            gateway_url=gateway_url.rstrip("/"),
            databases=databases or {},
        )
        self.app = ConsoleApp(known, source, more=pages, hosts=hosts)

    async def start(self) -> None:
        """Open the history and listen to the source; the system need not answer yet."""
        await self._history.start()
        await self._live.recall()
        self.app.streams.open()
        await self._source.start(self._live)

    async def stop(self) -> None:
        """End every open page, listen no more, write what is still to be written; never raises."""
        await self.app.streams.close()
        await self._source.stop()
        await self._history.stop()
