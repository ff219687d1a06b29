"""Whether code runs in an event loop, where it must not wait."""

from __future__ import annotations

import asyncio


def in_event_loop() -> bool:
    """Whether the caller is called by async code."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
