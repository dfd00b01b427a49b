"""Background: a loop in a thread of its own, for programs that have none."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["Background"]

T = TypeVar("T")


class Background:
    """Runs coroutines for threads that wait. The loop begins with the first, in each process anew.

    So a server may fork after the program was imported, as Gunicorn and uWSGI do.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of ``call``, in the context of whoever waits; raises what it raises.

        Raises `RuntimeError` inside a running event loop, which waiting would stop.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            call.close()
            raise RuntimeError("this would stop the running event loop: await the call instead")
        future = asyncio.run_coroutine_threadsafe(call, self._running())
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C: the call ends too
            raise

    def stop(self) -> None:
        """End the loop; the next call begins another."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None and self._process == os.getpid():
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._loop = asyncio.new_event_loop()
                self._process = os.getpid()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="coterie-calls", daemon=True
                )
                self._thread.start()
            return self._loop
