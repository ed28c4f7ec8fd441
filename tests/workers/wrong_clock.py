"""Run a module of ours on a clock that is wrong: `python -m tests.workers.wrong_clock SECONDS MODULE [ARGUMENT…]`.

What it starts itself has the machine's clock again; what passes (`time.monotonic`) is not changed.
"""

import runpy
import sys
import time

import time_machine


def main() -> None:
    seconds, module, *words = sys.argv[1:]
    time_machine.travel(time.time() + float(seconds), tick=True).start()
    # It stands until it is read for the first time.
    time.time()
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
