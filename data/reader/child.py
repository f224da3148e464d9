"""A reader, from its start to its end: it shuts itself in, reads one file, leaves an answer, and is gone.

Run as a script in Python's isolated mode: nothing of the server's memory, environment or open files is here.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.reader.orders import Order


def _tell(step: str, done: int, total: int) -> None:
    """Say on the pipe where the job stands."""
    line = json.dumps([step[:80], int(done), int(total)])
    os.write(1, line.encode("ascii") + b"\n")


def main(folder: Path) -> int:
    """Do the job that the order in ``folder`` names; return the exit code."""
    # The checkout or the installed package, whichever this script came from: nothing else leads there in
    # isolated mode.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    bounds = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    from data.reader import sandbox  # noqa: PLC0415 - a network can be left by a process of one thread only

    network = sandbox.leave_network()
    sandbox.take_limits(sandbox.Bounds(**bounds["bounds"]))
    if os.getppid() != bounds["parent"]:
        return 1
    from data.reader.orders import read_order  # noqa: PLC0415

    return _do(folder, read_order(folder), network)


def _do(folder: Path, order: Order, network: str) -> int:
    from data.reader import sandbox  # noqa: PLC0415
    from data.reader.answers import Answer, write_answer, write_failure  # noqa: PLC0415

    try:
        from data.reader.orders import known_drivers  # noqa: PLC0415

        job = importlib.import_module(f"data.reader.jobs.{order.job}")
        more = known_drivers(order.family) - {order.driver}
        if more:
            raise RuntimeError(f"drivers that were to be left out: {sorted(more)}")
        reads = (Path(order.path), *map(Path, order.reads))
        landlock = sandbox.leave_files(folder, read=reads)
        answer = job.read(folder, order, _tell)
        walls = {"network": network, "landlock": landlock}
        write_answer(folder, Answer(answer.tables, {**answer.said, "walls": walls}))
    except BaseException as fault:
        write_failure(folder, fault)
        return 1
    return 0


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    # What libraries would still do at the end of a process is of no use to anybody.
    os._exit(code)
