#!/usr/bin/python3
"""disturbed_run.py SPATE SCENARIO PORT CONNECTIONS: runs the scenario while peers disturb its
receiver, and kills the sender on host c after 2 s. Prints the run's document. Inside a lab."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
HERE = Path(__file__).resolve().parent


def agents(pid):
    kids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(k) for k in kids if b"--stdio" in Path(f"/proc/{k}/cmdline").read_bytes()]


def disturber(*words):
    p = subprocess.Popen([sys.executable, HERE / "disturb.py", *words], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
    p.stdout.readline()
    return p


def main():
    spate, scenario, port, number = sys.argv[1:]
    env = {**os.environ, "LD_PRELOAD": FAKETIME, "FAKETIME": "+1d",
           "FAKETIME_START_AFTER_SECONDS": "3", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    run = subprocess.Popen([spate, "run", scenario, "--json", "--no-run-dir"], env=env)
    deadline = time.monotonic() + 10
    while len(agents(run.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    pids = agents(run.pid)
    assert len(pids) == 3, pids
    time.sleep(0.5)
    peers = [disturber(*w) for w in (("garbage", "127.0.0.1", port), ("half", "127.0.0.1", port,
             "5"), ("silent", "127.0.0.1", port, number), ("garbage", "127.0.0.1", port))]
    time.sleep(1.5)
    os.kill(pids[-1], signal.SIGKILL)  # the sender on c is started last
    code = run.wait(40)
    for p in peers:
        p.stdin.close()
        p.wait(10)
    return code


sys.exit(main())
