"""``python -m benchmarks NAME [options]`` runs one comparison; ``python -m benchmarks all`` runs every one.

A comparison is a module of this package that has ``main()``, which reads its options from the command line.
"""

import importlib
import pkgutil
import sys
from pathlib import Path


def comparisons() -> list[str]:
    """Return the names of all comparisons."""
    folder = Path(__file__).parent
    names = sorted(module.name for module in pkgutil.iter_modules([str(folder)]) if module.name != "__main__")
    return [name for name in names if hasattr(importlib.import_module(f"benchmarks.{name}"), "main")]


def main() -> int:
    """Run what the command line names; return the exit code."""
    known = comparisons()
    wanted, options = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if wanted != "all" and wanted not in known:
        print(f"用法：python -m benchmarks {'|'.join([*known, 'all'])} [选项]", file=sys.stderr)
        return 2
    for name in known if wanted == "all" else [wanted]:
        if wanted == "all":
            print(f"== {name}", flush=True)
        sys.argv = [f"benchmarks {name}", *options]
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
