"""lss in a process of its own."""

import subprocess
import sys
import time


def imported_modules(code):
    script = f"import sys\n{code}\nprint(*sorted(m for m in sys.modules if '.' not in m))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


def lss_code(*arguments):
    return (
        "from lss_cli.cli.main import main\n"
        f"try: main({list(map(str, arguments))})\nexcept SystemExit as e: assert not e.code"
    )


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
