"""Programs that tests start end with them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import processes
import psutil
import pytest
from parts import PATIENCE

STARTS = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import processes
print(processes.start(["sleep", "60"]).pid, flush=True)
input()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends what somebody killed has started")
def test_what_a_killed_process_has_started_is_ended_too():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with processes.running([sys.executable, "-c", STARTS], **pipes) as tests:
        sleeper = psutil.Process(int(tests.stdout.readline()))
        end = time.monotonic() + PATIENCE
        while sleeper.name() != "sleep":  # until it has become that
            assert time.monotonic() < end
        tests.kill()
        psutil.wait_procs([sleeper], timeout=PATIENCE)
    assert not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE


def test_a_program_ends_with_its_block_also_where_that_fails():
    with pytest.raises(ZeroDivisionError), processes.running([sys.executable, "-c", "input()"]) as one:
        raise ZeroDivisionError
    assert one.returncode is not None
