"""Fixtures for tests that cross processes. They need no package but pytest; every process they
start has a deadline, and what a test leaves running is ended with it."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534


class Done:
    """A command that ended. code is a shell's: 128 + n after signal n."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Process:
    """A command that runs. It is killed when the test ends, or at its deadline."""

    def __init__(self, argv, env=None, cwd=None, stdin=subprocess.DEVNULL, group=True):
        self.popen = subprocess.Popen(
            [str(a) for a in argv], env=env, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=group)
        self.pid = self.popen.pid
        self.seen = ""

    def read_until(self, text, timeout=10, stream="stdout"):
        """Reads whole lines until one holds text; returns that line."""
        pipe = getattr(self.popen, stream)
        deadline = time.monotonic() + timeout
        os.set_blocking(pipe.fileno(), False)
        while time.monotonic() < deadline:
            line = pipe.readline()
            if line:
                self.seen += line
                if text in line:
                    os.set_blocking(pipe.fileno(), True)
                    return line
            elif self.popen.poll() is not None:
                break
            else:
                time.sleep(0.01)
        self.kill()
        raise AssertionError(f"no {text!r} on {stream}; so far:\n{self.seen}"
                             f"{self.popen.stderr.read() if stream == 'stdout' else ''}")

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=20):
        """Waits for the end; a process that does not end in time fails the test."""
        try:
            out, err = self.popen.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            out, err = self.popen.communicate(timeout=10)
            raise AssertionError(f"did not end in {timeout} s: {self.popen.args}\n"
                                 f"{self.seen}{out}{err}") from None
        code = self.popen.returncode
        return Done(code if code >= 0 else 128 - code, out, err)

    def kill(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:  # another user's
            subprocess.run(["sudo", "-n", "kill", "-9", str(self.pid)], check=False)


class User:
    """Somebody who runs spate: prefix goes before every command."""

    def __init__(self, name, prefix, spate, home):
        self.name, self.prefix, self.spate, self.home = name, prefix, spate, home
        self.started = []

    def env(self, **more):
        keep = {k: os.environ[k] for k in ("PATH", "LANG", "TERM") if k in os.environ}
        keep["PATH"] = keep.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
        return {**keep, "HOME": str(self.home), "SPATE_RUNS": str(self.home / "runs"),
                "SPATE": str(self.spate), **more}

    def start(self, *argv, cwd=None, env=None, **options):
        """Starts a command (the word "spate" stands for the program)."""
        argv = [self.spate if a == "spate" else a for a in argv]
        p = Process(self.prefix + argv, env=self.env(**(env or {})), cwd=cwd or self.home,
                    **options)
        self.started.append(p)
        return p

    def run(self, *argv, timeout=20, **options):
        return self.start(*argv, **options).wait(timeout)

    def lab(self, script, hosts="h1,h2", timeout=20, **options):
        """Runs a shell script in the first host of a lab; $SPATE is the program there."""
        return self.start_lab(script, hosts, **options).wait(timeout)

    def start_lab(self, script, hosts="h1,h2", **options):
        return self.start("spate", "lab", "run", "--hosts", hosts, "--", "sh", "-c", script,
                          **options)

    def stop(self):
        for p in self.started:
            if p.popen.poll() is None:
                p.kill()
                p.popen.wait(10)
            p.popen.stdout.close()
            p.popen.stderr.close()


@pytest.fixture(scope="session")
def spate():
    """The program under test: build/spate, or $SPATE_BIN."""
    path = Path(os.environ.get("SPATE_BIN", ROOT / "build" / "spate")).resolve()
    if not path.exists():
        pytest.exit(f"{path} is missing; type make, or set SPATE_BIN", returncode=2)
    return path


@pytest.fixture(scope="session")
def public_spate(spate):
    """A copy that every user can reach, whatever the rights of the build folder are."""
    folder = Path(tempfile.mkdtemp(prefix="spate-test-"))
    folder.chmod(0o755)
    copy = folder / "spate"
    shutil.copy(spate, copy)
    copy.chmod(0o755)
    yield copy
    shutil.rmtree(folder)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """The folder of run folders, SPATE_RUNS, below tmp_path."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("SPATE_RUNS", str(folder))
    return folder


@pytest.fixture
def me(spate, tmp_path, runs):
    """The user who runs the tests."""
    user = User("me", [], spate, tmp_path)
    yield user
    user.stop()


@pytest.fixture
def lab(me):
    """lab(script, hosts="h1,h2", timeout=20): a shell script in the first host; lab.start()
    begins one in the background."""
    def run(script, hosts="h1,h2", timeout=20, **options):
        return me.lab(script, hosts, timeout, **options)

    run.start = me.start_lab
    return run


@pytest.fixture
def certificate(tmp_path):
    """For localhost and 127.0.0.1, its key in key.pem beside it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                    tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
                   check=True, capture_output=True, timeout=20)
    return tmp_path / "cert.pem"


@pytest.fixture
def run_json(me):
    """run_json("recv", ...): runs spate with --json; (exit status, parsed document)."""
    def run(*args, timeout=60, **options):
        done = me.run("spate", *args, "--json", timeout=timeout, **options)
        try:
            return done.code, json.loads(done.out)
        except json.JSONDecodeError as e:
            raise AssertionError(f"not one JSON document ({e}): {done}") from None

    return run


def _ordinary(public_spate):
    home = Path(tempfile.mkdtemp(prefix="spate-home-"))
    prefix = []
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return User("ordinary", prefix, public_spate, home)


def _root(public_spate):
    prefix = []
    if os.geteuid() != 0:
        if not shutil.which("sudo") or subprocess.run(
                ["sudo", "-n", "true"], capture_output=True, check=False).returncode:
            pytest.skip("neither root nor sudo without a password")
        prefix = ["sudo", "-n", "--preserve-env=HOME,SPATE,SPATE_RUNS"]
    return User("root", prefix, public_spate, Path(tempfile.mkdtemp(prefix="spate-home-")))


@pytest.fixture(params=["root", "ordinary"])
def user(request, public_spate):
    """Root, and an ordinary user: a test that asks for it runs as both."""
    one = (_root if request.param == "root" else _ordinary)(public_spate)
    if one.run("unshare", *([] if request.param == "root" else ["-Ur"]), "-n", "true").code:
        why = "no namespaces for " + one.name
        one.stop()
        pytest.skip(why)
    yield one
    one.stop()
    shutil.rmtree(one.home, ignore_errors=True)
