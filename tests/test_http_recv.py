"""HTTP and HTTPS: what clients get from `recv`. Over loopback, in the first host of a lab."""
import json
import subprocess

import pytest

SERVER = """
"$SPATE" recv {recv} --json --no-run-dir --no-control -D 30 >rx.json 2>rx.err & r=$!
i=0; until grep -q ^ready rx.err; do i=$((i+1)); [ $i -lt 100 ] || exit 99; sleep 0.05; done
{client}
code=$?
kill -INT $r; wait $r
exit $code"""


@pytest.fixture
def serving(lab, tmp_path):
    """serving("recv flags", "python text of a foreign client"): recv's document."""
    def run(recv, client, timeout=40):
        (tmp_path / "client.py").write_text(client)
        done = lab(SERVER.format(recv=recv, client=f"/usr/bin/python3 {tmp_path}/client.py"),
                   timeout=timeout)
        assert done.code == 0, f"{done}\n{(tmp_path / 'rx.err').read_text()}"
        return json.loads((tmp_path / "rx.json").read_text())

    return run


def test_recv_serves_a_foreign_client(serving):
    doc = serving("http://:8080 --status 201 --body 3000 --header 'X-Here: yes'", """
import http.client
c = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
for method, body in (("GET", None), ("POST", b"x" * 100000), ("HEAD", None), ("PUT", b"")):
    c.request(method, "/some/where?x=y", body)
    a = c.getresponse()
    assert a.status == 201 and a.headers["X-Here"] == "yes", (a.status, a.headers)
    assert len(a.read()) == (0 if method == "HEAD" else 3000)
c.request("POST", "/", iter([b"ab", b"cde"]), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
assert c.getresponse().read() == b"X" * 3000
""")
    assert doc["streams"][0]["statuses"] == {"201": 5}
    assert doc["total"]["rx_packets"] == 5


def test_recv_serves_https(serving):
    doc = serving("https://:8443 --body 10", """
import http.client, ssl
ctx = ssl.create_default_context(); ctx.check_hostname = False; ctx.verify_mode = ssl.CERT_NONE
ctx.set_alpn_protocols(["h2", "http/1.1"])
for i in range(3):
    c = http.client.HTTPSConnection("127.0.0.1", 8443, timeout=10, context=ctx)
    for k in range(4):
        c.request("GET", "/")
        assert c.getresponse().read() == b"X" * 10
    assert c.sock.selected_alpn_protocol() == "http/1.1"
    c.close()
""")
    assert doc["streams"][0]["statuses"] == {"200": 12}


def test_recv_is_not_held_up(serving):
    """Slow-loris clients, clients that never read, garbage and half requests beside a good one."""
    doc = serving("http://:8080 --body 2000000", """
import socket, http.client
slow = []
for i in range(200):
    s = socket.create_connection(("127.0.0.1", 8080)); s.sendall(b"GET / HTTP/1.1\\r\\nX: "); slow.append(s)
for i in range(5):
    s = socket.create_connection(("127.0.0.1", 8080))
    s.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" * 100); slow.append(s)
for junk in (b"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc\\x03\\x03", b"SSH-2.0-x\\r\\n", b"\\0" * 5000):
    s = socket.create_connection(("127.0.0.1", 8080)); s.settimeout(10); s.sendall(junk)
    assert s.recv(12) == b"HTTP/1.1 400"; slow.append(s)
c = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
for i in range(20):
    c.request("GET", "/")
    assert len(c.getresponse().read()) == 2000000
for s in slow[:200]:
    s.sendall(b"y\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
    assert s.recv(12) == b"HTTP/1.1 200"
    s.close()
""")
    assert doc["streams"][0]["statuses"]["400"] == 3
    assert doc["streams"][0]["statuses"]["200"] >= 220


def stalled(lab, tmp_path):
    """500 requests a second for 4 s to a server that answers nothing in the first 200 ms of each
    second; four connections."""
    done = lab(SERVER.format(
        recv="http://:8080 --stall 200ms",
        client='"$SPATE" send http://127.0.0.1:8080 -r 500 -D 4 --connections 4 --json '
               "--no-run-dir --no-control >tx.json 2>tx.err"), timeout=40)
    assert (tmp_path / "tx.json").exists(), done
    return json.loads((tmp_path / "tx.json").read_text())["total"]


def test_latency_counts_from_the_intended_start(lab, tmp_path):
    """A fifth of the requests waits, evenly up to 200 ms: of all, p90 is 100 ms, p99 190 ms and
    the mean 20 ms, counted from when each should have started. Counted from when it did, four a
    second have waited and the others say nothing: so do tools that wait for the answer. Other
    work on the machine adds to the times, so the best of five runs counts."""
    want = {"mean": 20e6, "p90": 100e6, "p99": 190e6}
    tried = []
    for _ in range(5):
        t = stalled(lab, tmp_path)
        assert t["rx_unique"] == t["asked_packets"] == 2000
        assert t["rtt_ns"]["max"] >= 190e6
        tried.append({k: t["rtt_ns"][k] for k in want})
        assert t["rtt_actual_ns"]["mean"] < t["rtt_ns"]["mean"] / 2
        if all(abs(t["rtt_ns"][k] - v) <= 0.15 * v for k, v in want.items()):
            assert t["rtt_actual_ns"]["p90"] < 50e6
            return
    raise AssertionError(f"want {want}, got {tried}")


KEYS = {
    "rsa": ["-newkey", "rsa:2048"],
    "rsa-pss": ["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["-newkey", "ed25519"],
    "ed448": ["-newkey", "ed448"],
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_every_kind(lab, tmp_path, kind):
    """recv shows them, send trusts them, by both versions of TLS."""
    subprocess.run(["openssl", "req", "-x509", *KEYS[kind], "-nodes", "-days", "2", "-subj",
                    "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
                   check=True, capture_output=True, timeout=30)
    done = lab(SERVER.format(
        recv="https://:8443 --body 10 --cert cert.pem --cert-key key.pem",
        client="for v in 1.2 1.3; do \"$SPATE\" send https://127.0.0.1:8443/ -r 50 --count 20 "
               "--close --ca cert.pem --tls $v --json --no-run-dir --no-control >tx$v.json || "
               "exit 1; done"), timeout=40)
    assert done.code == 0, f"{done}\n{(tmp_path / 'rx.err').read_text()}"
    for version in ("1.2", "1.3"):
        t = json.loads((tmp_path / f"tx{version}.json").read_text())["total"]
        assert t["rx_unique"] == 20 and not any(t["errors"].values()), t
    assert json.loads((tmp_path / "rx.json").read_text())["streams"][0]["statuses"] == {"200": 40}


def test_a_bad_key_is_refused_at_the_start(me, certificate, tmp_path):
    (tmp_path / "other.pem").write_text("nonsense\n")
    for flags in (["--cert", "missing.pem"], ["--cert", "cert.pem", "--cert-key", "other.pem"],
                  ["--cert-key", "key.pem"]):
        done = me.run("spate", "recv", "https://127.0.0.1:0", *flags, "--no-run-dir")
        assert done.code in (2, 66), done


def test_ten_thousand_connections_in_one_process(lab, tmp_path):
    """All open at a time, each with one request a second; what each costs is in the report."""
    done = lab("ulimit -Sn 20000; " + SERVER.format(
        recv="http://:8080 --delay 1s --body 32",
        client='"$SPATE" send http://127.0.0.1:8080 --rate max --connections 10000 -D 4 --json '
               "--no-run-dir --no-control >tx.json 2>tx.err"), timeout=60)
    assert done.code == 0, f"{done}\n{(tmp_path / 'tx.err').read_text()}"
    tx, rx = (json.loads((tmp_path / f"{f}.json").read_text()) for f in ("tx", "rx"))
    s = tx["streams"][0]
    assert s["way"]["connections"] == 10000 and not any(tx["total"]["errors"].values())
    assert tx["total"]["rx_unique"] == tx["total"]["tx_packets"] >= 20000
    assert s["statuses"] == rx["streams"][0]["statuses"] == {"200": tx["total"]["tx_packets"]}
    for end in (tx, rx):  # of both, what a program without connections has is below 12 MB
        assert end["host"]["rss_peak_bytes"] < 12e6 + 10000 * 2048


def test_ten_thousand_silent_connections(serving):
    """They hold nobody up, and are let go after ten seconds."""
    doc = serving("http://:8080 --body 32", """
import http.client, resource, socket
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
assert hard == resource.RLIM_INFINITY or hard >= 10200, "`ulimit -Hn 12000` is needed"
resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 10200), hard))
silent = []
for i in range(10000):
    s = socket.socket(); s.bind((f"127.0.1.{1 + i % 4}", 0)); s.connect(("127.0.0.1", 8080))
    silent.append(s)
c = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
for i in range(200):
    c.request("GET", "/")
    assert len(c.getresponse().read()) == 32
for s in silent[:1] + silent[-1:]:
    s.settimeout(30)
    assert s.recv(100) == b""
""", timeout=60)
    assert doc["streams"][0]["statuses"] == {"200": 200}
    assert doc["host"]["rss_peak_bytes"] < 12e6 + 10000 * 2048
