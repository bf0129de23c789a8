"""Measures spate against its peers: each row of the table of speeds, A and B alternating.

It calls itself twice: outside it drops root and makes a lab of two hosts; inside the lab it
measures. Whatever is started in the lab ends with the lab."""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import facts
from lab import Failed, Lab
from rows import (capture, cbr, craft, dns, extract, http, memory, pipeline, poisson, raw,
                  replay, tcp, telemetry, udp, xdp)
from table import Table

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
LIMIT_S = 1500
ROWS = {**udp.ROWS, **tcp.ROWS, **http.ROWS, **dns.ROWS, **cbr.ROWS, **poisson.ROWS,
        **pipeline.ROWS, **craft.ROWS, **raw.ROWS, **xdp.ROWS, **replay.ROWS, **extract.ROWS,
        **capture.ROWS, **telemetry.ROWS, **memory.ROWS}


def parse(argv):
    p = argparse.ArgumentParser(prog="tools/bench", description=__doc__.splitlines()[0],
                                epilog="rows: " + " ".join(ROWS))
    p.add_argument("rows", nargs="*", metavar="ROW", help="default: all")
    p.add_argument("--runs", type=int, default=5, help="of each side (default 5)")
    p.add_argument("--seconds", type=float, default=2, help="length of a run (default 2)")
    p.add_argument("--json", metavar="FILE", help="all figures, also of each run")
    p.add_argument("--wait", type=float, default=90,
                   help="seconds, all in all, to wait for a quiet machine (default 90)")
    p.add_argument("--list", action="store_true", help="the names of the rows")
    p.add_argument("--spate", default=str(ROOT / "build" / "spate"), type=os.path.abspath,
                   help="another binary")
    p.add_argument("--inside", metavar="DIR", help=argparse.SUPPRESS)
    args = p.parse_args(argv)
    for row in args.rows:
        if row not in ROWS:
            p.error(f"no row '{row}'; there are: {' '.join(ROWS)}")
    if args.runs < 1 or not 0.5 <= args.seconds <= 60:
        p.error("at least 1 run, and 0.5 to 60 seconds")
    return args


def inside(args):
    """In the first host of the lab."""
    where = Path(args.inside)
    table = Table(sys.stdout)
    lab = Lab(args.spate, ROOT / "build" / "bench", where, args.seconds, args.runs,
              args.wait)
    table.facts(facts.collect(lab))
    for name in args.rows or ROWS:
        start = time.monotonic()
        try:
            ROWS[name](lab, table)
        except Failed as e:
            table.broken(name, str(e))
        table.took(time.monotonic() - start)
    (where / "figures.json").write_text(json.dumps(table.document, indent=1) + "\n")
    return 0 if table.summary() else 1


def ordinary(where, spate):
    """What to put before a command so that it runs as an ordinary user, and where that fails."""
    if os.geteuid() != 0:
        return [], ""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            "--inh-caps=-all", "--"]
    os.chown(where, NOBODY, NOBODY)
    if subprocess.run(drop + [spate, "lab", "run", "--", "test", "-r", __file__],
                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                      check=False).returncode == 0:
        return drop, ""
    return [], "as root: user 'nobody' cannot make a lab here, or cannot read this tree"


def outside(args, argv):
    with tempfile.TemporaryDirectory(prefix="spate-bench-") as where:
        drop, note = [], ""
        if not args.rows or not set(args.rows) <= set(xdp.ROWS):
            drop, note = ordinary(where, args.spate)
        if note:
            print(note)
        command = [*drop, args.spate, "lab", "run", "--hosts", "h1,h2", "--", sys.executable,
                   "-B", __file__, *argv, "--inside", where]
        env = {k: v for k, v in os.environ.items() if k != "SPATE_RUNS"}
        sys.stdout.flush()
        lab = subprocess.Popen(command, env={**env, "HOME": where}, cwd="/")
        signal.signal(signal.SIGTERM, lambda *_: lab.terminate())
        try:
            rc = lab.wait(timeout=LIMIT_S)
        except (KeyboardInterrupt, subprocess.TimeoutExpired):
            lab.terminate()
            lab.wait()
            rc = 130
        figures = Path(where) / "figures.json"
        if args.json and figures.exists():
            shutil.copyfile(figures, args.json)
        return rc


def main(argv):
    args = parse(argv)
    if args.list:
        for name, row in ROWS.items():
            print(f"{name:12} {row.__doc__.splitlines()[0]}")
        return 0
    if args.inside:
        return inside(args)
    for program in (args.spate, ROOT / "build" / "bench" / "bench-cost"):
        if not os.access(program, os.X_OK):
            print(f"tools/bench: no {program}; run make", file=sys.stderr)
            return 2
    return outside(args, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
