"""What a run gives up while it goes: the kernel's own word on it."""
import json
import re
import signal
import time

import pytest


def statuses(pid):
    """/proc/PID/task/*/status as dictionaries."""
    from pathlib import Path
    rows = []
    for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
        text = (task / "status").read_text()
        rows.append(dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M)))
    return rows


def confined(pid, threads):
    """Waits until so many threads run, then looks at each."""
    deadline = time.monotonic() + 10
    while len(statuses(pid)) < threads and time.monotonic() < deadline:
        time.sleep(0.02)
    rows = statuses(pid)
    assert len(rows) >= threads, rows
    for row in rows:
        for sort in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(row[sort], 16) == 0, row
        assert row["NoNewPrivs"] == "1" and row["Seccomp"] == "2", row


def test_sender_and_receiver(user):
    """As root and as an ordinary user, workers and writer of the run folder included."""
    rx = user.start("spate", "recv", "udp://127.0.0.1:5993", "-D", "30", "--json")
    rx.read_until("ready", stream="stderr")
    confined(rx.pid if not user.prefix or user.name != "root" else child_of(rx.pid), 2)
    tx = user.start("spate", "send", "udp://127.0.0.1:5993", "-r", "1000", "-D", "2", "--json",
                    "--cores", "2")
    confined(tx.pid if not user.prefix or user.name != "root" else child_of(tx.pid), 3)
    sent = tx.wait()
    assert sent.code == 0, sent
    doc = json.loads(sent.out)
    assert doc["host"]["sandbox"].startswith("no capabilities, no new privileges, seccomp"), doc
    assert doc["total"]["lost"] == 0 and doc["folder"]
    rx.signal(signal.SIGINT)
    assert rx.wait().code == 130


def child_of(pid):
    """Below sudo it is the child that runs spate."""
    from pathlib import Path
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        kids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if kids:
            return int(kids[0])
        time.sleep(0.02)
    return pid


def test_frames(lab):
    """Raw sockets stay open without the capability that opened them."""
    done = lab("$SPATE send udp://10.99.0.2:5001 --transport packet --interface eth0 -r 1000 -D 2 "
               "--no-run-dir --json >out & tx=$!; sleep 1; grep -E 'CapEff|Seccomp:' "
               "/proc/$tx/status; wait $tx; cat out", timeout=20)
    assert re.search(r"CapEff:\t0+$", done.out, re.M) and "Seccomp:\t2" in done.out, done
    assert json.loads(done.out[done.out.index("{"):])["total"]["tx_packets"] == 2000


def test_nothing_is_refused_or_opened(me, tmp_path):
    """What a run does after it has confined itself: nothing fails for it, and of files it opens
    only its run folder's."""
    folder = tmp_path / "run"
    done = me.run("strace", "-f", "-o", str(tmp_path / "trace"), "spate", "send",
                  "udp://127.0.0.1:5994", "-r", "1000", "-D", "1", "--run-dir", str(folder))
    assert done.code == 0, done
    lines = (tmp_path / "trace").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "SECCOMP_SET_MODE_FILTER" in line)
    after = lines[start + 1:]
    assert len(after) > 50
    refused = [line for line in after if re.search(r"= -1 (EPERM|EACCES)", line)]
    assert not refused, refused
    opened = [line for line in after if re.search(r"\bopen(at)?\(", line)]
    assert opened and all(re.search(r"openat\(\d+, \"\.spate-[0-9a-f]{16}\.part\"", line) for line in opened)
    assert (folder / "report.json").exists()


def test_it_can_be_left_out(me):
    tx = me.start("spate", "send", "udp://127.0.0.1:5994", "-r", "100", "-D", "2", "--no-sandbox",
                  "--no-run-dir", "--json")
    time.sleep(0.7)
    assert statuses(tx.pid)[0]["Seccomp"] == "0"
    assert json.loads(tx.wait().out)["host"]["sandbox"] is None


@pytest.mark.parametrize("row", ["seccomp", "landlock"])
def test_doctor_says_what_works(me, row):
    checks = {c["name"]: c for c in json.loads(me.run("spate", "doctor", "--json").out)["checks"]}
    assert checks[row]["state"] in ("ok", "limited", "missing")
    assert (row == "landlock") <= ("ABI" in checks[row]["detail"] or checks[row]["state"] != "ok")
