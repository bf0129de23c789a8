"""Builds spate in three ways, runs every test and counts them.

tools/run-tests            everything
tools/run-tests quick      gcc build, unit tests, layers: for between two edits
tools/run-tests STEP...    these steps only; build folders that they need must be there
tools/run-tests --list     the names of the steps

A unit test is a cmocka test, a check is one script of tools/check-*, a corpus counts as one, a
pytest test is one test. The last line is "N passed, N failed" and perhaps ", N skipped"; the
exit status is 1 if something failed."""
import json
import os
import re
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
JOBS = str(os.cpu_count() or 1)
SANITIZE = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
TAP = re.compile(r"^\s*(not )?ok\b[^#\n]*(#\s*skip)?", re.I | re.M)


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def run(command, env=None, timeout=None):
    """(exit status, all output) of a command; a missing program is status 127."""
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=timeout, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout
    except FileNotFoundError:
        return 127, f"{command[0]} is missing; run tools/setup test\n"
    except subprocess.TimeoutExpired as e:
        out = e.stdout or b""
        out = out.decode(errors="replace") if isinstance(out, bytes) else out
        return 124, f"{out}\n{command[0]} did not end in {timeout} s\n"


def tail(text, lines=60):
    rows = text.rstrip().splitlines()
    return "\n".join((["..."] if len(rows) > lines else []) + rows[-lines:])


def build(folder, compiler, options):
    """Sets up or updates a build folder; None, or what went wrong."""
    options = ["-Dwerror=true"] + options
    if (ROOT / folder / "build.ninja").exists():
        rc, out = run(["meson", "configure", folder] + options)
    else:
        rc, out = run(["meson", "setup", folder] + options, {"CC": compiler})
    if rc == 0:
        rc, out = run(["ninja", "-C", folder, "-j", JOBS])
    return None if rc == 0 else f"{folder}: build failed\n{tail(out)}"


def count_tap(test):
    """The counts of one entry of meson's testlog.json."""
    count = Count()
    for m in TAP.finditer(test.get("stdout") or ""):
        if m[2]:
            count.skipped += 1
        elif m[1]:
            count.failed += 1
        else:
            count.passed += 1
    # A crash or a plan that was not kept to leaves no "not ok".
    if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not count.failed:
        count.failed += 1
    return count


def unit_tests(folder, env=None):
    log = ROOT / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    rc, out = run(["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", JOBS], env)
    count = Count()
    if not log.exists():
        print(f"{folder}: no unit tests were run; is cmocka there (tools/setup test)?\n{tail(out)}")
        return Count(failed=1)
    for line in log.read_text().splitlines():
        test = json.loads(line)
        one = count_tap(test)
        count.add(one)
        if one.failed:
            print(f"{folder}: {test['name']}: {test['result']}")
            print(tail((test.get("stdout") or "") + (test.get("stderr") or "")))
    if rc != 0 and not count.failed:
        print(tail(out))
        count.failed += 1
    if not count.passed + count.failed + count.skipped:
        print(f"{folder}: no unit tests; is cmocka there (tools/setup test)?")
        count.failed += 1
    return count


def build_and_test(folder, compiler, options=(), env=None):
    wrong = build(folder, compiler, list(options))
    if wrong:
        print(wrong)
        return Count(failed=1)
    return unit_tests(folder, env)


def check(name, *args):
    rc, out = run([str(ROOT / "tools" / f"check-{name}"), *args])
    if rc:
        print(f"check-{name}:\n{tail(out)}")
    return Count(failed=1) if rc else Count(passed=1)


def packages():
    names = re.findall(r"dependency\('([\w.+-]+)'", (ROOT / "meson.build").read_text())
    names = [n for n in names if run(["pkg-config", "--exists", n])[0] == 0]
    return shlex.split(run(["pkg-config", "--cflags", "--libs"] + names)[1]) if names else []


def across_processes():
    results = ROOT / "build" / "pytest.xml"
    results.unlink(missing_ok=True)
    rc, out = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                   "--durations=5", f"--junitxml={results}", "tests"], timeout=1800)
    if not results.exists():
        print(f"pytest:\n{tail(out)}")
        return Count(failed=1)
    count = Count()
    for suite in ElementTree.parse(results).getroot().iter("testsuite"):
        bad = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        count.add(Count(int(suite.get("tests")) - bad - skipped, bad, skipped))
    if rc and not count.failed:
        count.failed += 1
    if count.failed:
        print(tail(out, 200))
    return count


# name: what it does, whether "quick" does it too
STEPS = {
    "gcc": (lambda: build_and_test("build", "gcc"), True),
    "layers": (lambda: check("layers"), True),
    "headers": (lambda: check("headers"), False),
    "format": (lambda: check("format"), False),
    "globals": (lambda: check("globals", "build"), False),
    "pure": (lambda: check("pure", "build"), False),
    "clang": (lambda: build_and_test("build-clang", "clang"), False),
    "asan": (lambda: build_and_test("build-asan", "gcc", SANITIZE, SANITIZER_ENV), False),
    "pytest": (across_processes, False),
}


def main(words):
    if words == ["--list"]:
        print("\n".join(STEPS))
        return 0
    if words == ["quick"]:
        words = [name for name, (_, quick) in STEPS.items() if quick]
    unknown = [w for w in words if w not in STEPS]
    if unknown:
        print(f"unknown step {unknown[0]}; there are: {', '.join(STEPS)}", file=sys.stderr)
        return 2
    total, began = Count(), time.monotonic()
    for name in words or STEPS:
        start = time.monotonic()
        count = STEPS[name][0]()
        total.add(count)
        print(f"{name:8} {time.monotonic() - start:6.1f} s  {count}", flush=True)
    print(f"{'all':8} {time.monotonic() - began:6.1f} s")
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
