"""HTTP and HTTPS: what `send` reports against nginx's access log. Over loopback, in the first host of a
lab."""
import collections
import json
import shutil
import subprocess

import pytest

NGINX = """
user root; daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 2048; }}
http {{
  log_format all '$request_method $status $request_length $bytes_sent $connection $uri $http_host $content_length';
  access_log {dir}/access.log all;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  keepalive_requests {keep};
  server {{
    listen 127.0.0.1:8080; listen 127.0.0.1:80; listen 127.0.0.1:443 ssl;
    listen 8443 ssl;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    location / {{ return 200 "0123456789"; }}
    location /gone {{ return 404; }}
    location /chunked {{ alias {dir}/page; ssi on; types {{}} default_type text/html; }}
  }}
}}
"""


def nginx_path():
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")
    assert path, "nginx is missing; run tools/setup test"
    return path


class Served:
    """What both sides say of one run."""

    def __init__(self, done, folder, shown):
        text = (folder / "tx.json").read_text()
        assert text, f"{done}\n{(folder / 'tx.err').read_text()}"
        self.code, self.doc = done.code, json.loads(text)
        self.total, self.stream = self.doc["total"], self.doc["streams"][0]
        self.errors = {k: v for k, v in self.total["errors"].items() if v}
        self.log = [line.split() for line in
                    (folder / "access.log").read_text().splitlines()]
        self.shown = shown

    def column(self, i):
        return collections.Counter(line[i] for line in self.log)

    def check(self, method, status, n=None, body=None):
        """Lines, methods, statuses and sizes are those reported. nginx drops a body that it has no
        use for, and $request_length is without it: what the client said of it counts."""
        t = self.total
        assert n is None or t["asked_packets"] == n
        assert t["tx_packets"] == t["rx_unique"] == len(self.log), self.doc["total"]
        assert self.column(0) == {method: len(self.log)}
        assert self.column(1) == {status: len(self.log)}
        assert self.stream["statuses"] == {status: len(self.log)}
        assert self.column(7) == {str(body or "-"): len(self.log)}
        assert sum(int(line[2]) + (body or 0) for line in self.log) == t["tx_bytes"]
        assert sum(int(line[3]) for line in self.log) == t["rx_bytes"]
        assert t["lost"] == t["in_flight"] == t["pending"] == 0


SHARES = """
"$SPATE" recv udp://:5001 tcp://:5001 http://:80 --body 100 --json --no-run-dir -D 30 \\
    >rx.json 2>rx.err & r=$!
i=0; until grep -q http rx.err; do i=$((i+1)); [ $i -lt 100 ] || exit 99; sleep 0.05; done
"$SPATE" send -t 127.0.0.1 --protocol udp:50,tcp:30,http:20 -r 250 -D 2 --json --no-run-dir >tx.json
code=$?
kill -INT $r; wait $r
exit $code"""


@pytest.fixture
def served(lab, tmp_path, certificate):
    """served("URL and flags"): one `send` to a fresh nginx."""
    def run(send, keep=1000, timeout=40, env=None):
        (tmp_path / "access.log").unlink(missing_ok=True)
        (tmp_path / "page").write_text('<!--#echo var="DATE_LOCAL" -->' + "x" * 5000)
        (tmp_path / "nginx.conf").write_text(NGINX.format(dir=tmp_path, keep=keep))
        done = lab(f"""
            {nginx_path()} -c {tmp_path}/nginx.conf >nginx.out 2>&1 & n=$!
            i=0; until [ -s nginx.pid ]; do i=$((i+1)); [ $i -lt 100 ] || exit 99; sleep 0.05; done
            "$SPATE" send {send} --json --no-run-dir --no-control >tx.json 2>tx.err
            code=$?
            kill -QUIT $n; wait $n
            exit $code""", timeout=timeout, env=env)
        assert done.code != 99, f"nginx did not start: {(tmp_path / 'nginx.out').read_text()}"
        return Served(done, tmp_path, send)

    return run


def test_get_keeps_connections(served):
    s = served("http://127.0.0.1:8080/ -r 500 -D 1")
    s.check("GET", "200", 500)
    assert s.code == 0 and not s.errors
    assert s.column(5) == {"/": 500} and s.column(6) == {"127.0.0.1:8080": 500}
    assert len(s.column(4)) == s.stream["way"]["connections"] < 100
    assert s.stream["unit"] == "request"
    assert s.total["rtt_ns"]["n"] == s.total["rtt_actual_ns"]["n"] == 500
    assert 0 < s.total["rtt_actual_ns"]["min"] <= s.total["rtt_ns"]["max"]


def test_plain_spelling(served):
    s = served("-t 127.0.0.1 -p 8080 --protocol http -r 100 --count 50 --path /a/b")
    s.check("GET", "200", 50)
    assert s.column(5) == {"/a/b": 50}


def test_post_has_a_body_of_size(served):
    s = served("http://127.0.0.1:8080/ -r 200 --count 100 --size 5000 --connections 3")
    s.check("POST", "200", 100, body=5000)
    assert len(s.column(4)) <= 3


def test_head(served):
    s = served("http://127.0.0.1:8080/ -r 200 --count 40 --method HEAD")
    s.check("HEAD", "200", 40)


def test_close_is_a_connection_a_request(served):
    s = served("http://127.0.0.1:8080/ -r 200 -D 1 --close")
    s.check("GET", "200", 200)
    assert set(s.column(4).values()) == {1}
    assert s.stream["way"]["connections"] == 200


def test_closed_loop(served):
    s = served("http://127.0.0.1:8080/ --rate max --connections 8 -D 1", keep=10**7)
    s.check("GET", "200")
    assert s.code == 0 and not s.errors
    assert len(s.log) > 100 and len(s.column(4)) == 8


def test_closed_loop_with_close(served):
    s = served("http://127.0.0.1:8080/ --rate max --connections 4 --count 300 --close")
    s.check("GET", "200")
    assert len(s.column(4)) == len(s.log) == 300


def test_server_that_ends_connections(served):
    """nginx says Connection: close on each tenth answer: no error, no request twice."""
    s = served("http://127.0.0.1:8080/ -r 500 -D 1", keep=10)
    s.check("GET", "200", 500)
    assert not s.errors
    assert max(s.column(4).values()) == 10


def test_chunked_answers(served):
    s = served("http://127.0.0.1:8080/chunked -r 100 --count 50")
    s.check("GET", "200", 50)
    assert s.total["rx_bytes"] > 50 * 5000


def test_error_statuses_are_counted(served):
    s = served("http://127.0.0.1:8080/gone -r 100 --count 50")
    s.check("GET", "404", 50)
    assert s.errors == {"status": 50}


def test_https(served):
    s = served("https://127.0.0.1:8443/ -r 200 -D 1 --insecure")
    s.check("GET", "200", 200)
    assert not s.errors


def test_https_close(served, certificate):
    s = served(f"https://localhost:8443/x -r 50 -D 1 --close --no-resume --ca {certificate}")
    s.check("GET", "200", 50)
    assert set(s.column(4).values()) == {1}


def test_https_of_an_unknown_signer(served):
    """Nothing is sent to a server that is not trusted, and nothing counts as sent."""
    s = served("https://127.0.0.1:8443/ -r 50 -D 1")
    assert s.errors.get("tls") == 50 and set(s.errors) == {"tls"}
    assert s.total["tx_packets"] == 0 and s.total["rx_unique"] == 0 and not s.log
    assert s.code != 0


def test_nobody_listens(lab, tmp_path):
    done = lab('"$SPATE" send http://127.0.0.1:9 -r 50 -D 1 --json --no-run-dir --no-control')
    doc = json.loads(done.out)
    assert doc["total"]["errors"]["refused"] == 50
    assert doc["total"]["tx_packets"] == 0 and doc["total"]["tx_refused"] == 50
    assert done.code != 0


def test_the_simple_generators_words(served):
    """-t -p --protocol -r -D --size, and nothing else."""
    s = served("-t 127.0.0.1 -p 8080 --protocol http -r 100 -D 3 --size 1024")
    s.check("POST", "200", 300, body=1024)
    assert s.code == 0 and not s.errors and s.column(5) == {"/": 300}


def test_ports_by_protocol(served):
    s = served("-t 127.0.0.1 --protocol http -r 100 --count 20")
    s.check("GET", "200", 20)
    assert s.column(6) == {"127.0.0.1": 20}
    s = served("https://127.0.0.1 -r 100 --count 20 --insecure")
    assert s.total["rx_unique"] == 20 and s.column(6) == {"127.0.0.1": 20}


def test_https_post_keeps_connections(served):
    s = served("https://127.0.0.1:8443/up -r 100 --count 60 --size 40000 --insecure "
               "--connections 2 --header 'X-A: b'")
    s.check("POST", "200", 60, body=40000)
    assert len(s.column(4)) <= 2 and s.column(5) == {"/up": 60}


def test_https_closed_loop_with_whole_handshakes(served):
    s = served("https://127.0.0.1:8443/ --rate max --connections 4 --count 100 --close --insecure "
               "--no-resume")
    s.check("GET", "200")
    assert len(s.column(4)) == len(s.log) == 100


def test_the_systems_certificates(served, certificate):
    """They are read before the sandbox closes: a folder as c_rehash makes it."""
    folder = certificate.parent / "trusted"
    folder.mkdir()
    name = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", certificate], check=True,
                          capture_output=True, text=True, timeout=10).stdout.strip()
    shutil.copy(certificate, folder / f"{name}.0")
    s = served("https://localhost:8443/ -r 50 --count 20", env={"SSL_CERT_DIR": str(folder)})
    s.check("GET", "200", 20)
    assert not s.errors


def test_a_certificate_for_another_name(served, certificate):
    s = served(f"https://127.0.0.1:8443/ -r 50 --count 10 --ca {certificate}")
    s.check("GET", "200", 10)
    s = served(f"https://127.1.2.3:8443/ -r 50 --count 10 --ca {certificate}")
    assert s.total["tx_packets"] == 0 and s.errors == {"tls": 10} and s.code != 0 and not s.log


def test_shares_with_http(lab, tmp_path):
    done = lab(SHARES, timeout=40)
    assert done.code == 0, f"{done}\n{(tmp_path / 'rx.err').read_text()}"
    doc = json.loads((tmp_path / "tx.json").read_text())
    got = {s["name"]: s for s in doc["streams"]}
    assert {n: s["tx_packets"] for n, s in got.items()} == \
        {"s1-udp": 250, "s1-tcp": 150, "s1-http": 100}
    assert {n: s["rx_unique"] for n, s in got.items()} == \
        {"s1-udp": 250, "s1-tcp": 150, "s1-http": 100}
    assert doc["total"]["asked_packets"] == doc["total"]["tx_packets"] == 500
