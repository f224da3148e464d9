"""What the server has freed goes back to the system: allocators would keep hundreds of megabytes."""

from __future__ import annotations

import ctypes
import gc

import pyarrow as pa

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
_LARGE_BYTES = 4 << 20


def return_large_blocks() -> None:
    """Let every large block go back as soon as it is freed, Arrow's too; for glibc, once in a process.

    Arrow's own allocator keeps what threads that have ended held. The C library raises the size from which it
    gives back to that of the largest block it has seen (up to 32 MB): after one upload of that size each
    thread would keep such blocks. See mallopt(3), M_MMAP_THRESHOLD.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    setting = getattr(ctypes.CDLL(None), "mallopt", None)
    if setting is not None:
        setting(_MMAP_THRESHOLD, _LARGE_BYTES)
        setting(_TRIM_THRESHOLD, 2 * _LARGE_BYTES)


def keep_what_is_loaded() -> None:
    """Leave what the start has made out of every later look for garbage; for the end of the start.

    Hundreds of thousands of objects of libraries live as long as the process: looking through them each time
    would hold up every page for a third of a second. What pages make is still looked through, by Python.
    """
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return what is free now; what a thread held goes only once it has ended."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
