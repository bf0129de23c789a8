"""Generated sessions into peers that refuse them, say nothing or hang up: how often they are tried, what
the report says, and that the truth holds nothing that nobody holds."""
import json
import sys
from pathlib import Path

import pytest

PEER = Path(__file__).resolve().parent / "refusing.py"
PORT = 9996


def send(lab, folder, protocol, mode, duration, words="--prefixes 300"):
    """Exit status and document of a sender, and when its connections came."""
    done = lab(f"""
        {sys.executable} {PEER} {mode} {PORT} peer.log & n=$!
        i=0; until ss -Hlnt | grep -q ':{PORT} '; do
            i=$((i+1)); [ $i -lt 300 ] || exit 99; sleep 0.05; done
        "$SPATE" send --protocol {protocol} -t 127.0.0.1 -p {PORT} {words} -D {duration} \
            --no-run-dir --json --truth truth.jsonl >tx.json 2>tx.err; code=$?
        kill $n; wait $n; exit $code""", hosts="h1", timeout=60 + duration)
    text = (folder / "tx.json").read_text()
    assert text, f"{done}\n{(folder / 'tx.err').read_text()}"
    times = [float(t) for t in (folder / "peer.log").read_text().split()]
    return done.code, json.loads(text), times


def remark(doc, code):
    return [r["text"] for r in doc["verdict"]["remarks"] if r["code"] == code]


@pytest.mark.parametrize("protocol, mode, words", [
    ("bgp", "bad-as", "the peer refused: NOTIFICATION Open Message Error / Bad Peer AS (2/2)"),
    ("bgp", "bad-hold",
     "the peer refused: NOTIFICATION Open Message Error / Unacceptable Hold Time (2/6)"),
    ("bgp", "close", "OPEN"),
    ("bgp", "reset", "OPEN"),
    ("bgp", "cease", "the peer ended the session: NOTIFICATION Cease / Maximum Number of "
                     "Prefixes Reached (6/1)"),
    ("bmp", "close", "the collector"),
    ("bmp", "reset", "the collector reset the connection"),
])
def test_a_refused_session_backs_off_and_says_why(lab, tmp_path, protocol, mode, words):
    """At 0, 0.1, 0.3, 0.7, 1.5, 3.1 s: not more often, however slow this machine is."""
    code, doc, times = send(lab, tmp_path, protocol, mode, 4)
    assert code == 69
    assert 2 <= len(times) <= 6
    for i in range(1, len(times)):
        # 0.1 s and twice as long each time, less what the first was accepted late.
        assert times[i] - times[0] > 0.09 * (2 ** i - 1) - 0.05, times
    (text,) = remark(doc, "session-failed")
    assert words in text and "no session stood at the end" in text
    assert doc["verdict"]["result"] == "valid with remarks"
    assert (tmp_path / "truth.jsonl").read_text() == ""


def test_a_silent_peer_is_named_in_time(lab, tmp_path):
    code, doc, times = send(lab, tmp_path, "bgp", "silent", 3)
    assert code == 69 and len(times) == 1
    (text,) = remark(doc, "session-failed")
    assert "the peer did not answer OPEN within 3" in text
    # No grace is waited for: 2 s more.
    assert 3e9 <= doc["duration_ns"] < 4.5e9
    assert (tmp_path / "truth.jsonl").read_text() == ""


def test_a_session_that_is_begun_again_counts(lab, tmp_path):
    """The first is ended by the peer, the second stands until we leave: its truth is whole."""
    code, doc, times = send(lab, tmp_path, "bgp", "later", 5)
    assert code == 0 and len(times) == 2
    (text,) = remark(doc, "session-lost")
    assert "begun again after 1 connection that failed or was lost" in text
    assert "Maximum Number of Prefixes Reached (6/1)" in text
    assert len((tmp_path / "truth.jsonl").read_text().splitlines()) == 300


def test_nobody_listens(me, tmp_path):
    done = me.run("spate", "send", "--protocol", "bgp", "-t", "127.0.0.1", "-p", "1", "-D", 1,
                  "--no-run-dir", "--json", "--truth", "truth.jsonl")
    doc = json.loads(done.out)
    assert done.code == 69
    (text,) = remark(doc, "session-failed")
    assert "the connection was refused: nobody listens there" in text
    assert doc["streams"][0]["way"]["connections"] <= 4, doc["streams"][0]
    assert (tmp_path / "truth.jsonl").read_text() == ""
