"""HTTP requests a second: spate's client and wrk against the same nginx; spate's server and nginx
under the same wrk. Loopback, one worker each, 64 connections, a body of 32 bytes."""
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from functools import partial

from lab import TARGET, Failed, have
from table import Side, alternate

PORT, TLS_PORT, CONNECTIONS, BODY = 8080, 8443, 64, 32
WHERE = TARGET["h1"]
URL = f"http://{WHERE}:{PORT}/"
TLS_URL = f"https://{WHERE}:{TLS_PORT}/"

# No log, no limit of requests a connection; whole handshakes only.
NGINX = """
user root; daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  ssl_certificate {dir}/cert; ssl_certificate_key {dir}/key;
  ssl_session_tickets off; ssl_session_cache off;
  server {{ listen {port}; listen {tls_port} ssl; location / {{ return 200 "{body}"; }} }}
}}
"""


def nginx_path():
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/sbin")


@contextmanager
def nginx(lab):
    where = lab.fresh()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout",
                    where / "key", "-out", where / "cert"], check=True, capture_output=True,
                   timeout=20)
    (where / "conf").write_text(NGINX.format(dir=where, port=PORT, tls_port=TLS_PORT,
                                             body="x" * BODY))
    with lab.start("h1", nginx_path(), "-c", where / "conf") as server:
        lab.wait_listening("h1", PORT)
        yield server


def counted(n, process, seconds):
    return {"rps": n / seconds, "cpu_us": 1e6 * process.cpu_s / max(n, 1),
            "cpu_s": process.cpu_s}


def run_wrk(lab, url, close):
    done = lab.run("h1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(lab.seconds))}s",
                   *(("-H", "Connection: close") if close else ()), url)
    text = done.out.read_text()
    found = re.search(r"(\d+) requests in ([\d.]+)(m?)s", text)
    if not found or "Non-2xx" in text:
        raise Failed(f"wrk: {text}")
    return counted(int(found[1]), done, float(found[2]) / (1000 if found[3] else 1))


def run_spate(lab, url, flags):
    """Only answers that came whole and with status 200 count."""
    done = lab.run("h1", lab.spate, "send", url, "--rate", "max", "--connections", CONNECTIONS,
                   "-D", f"{lab.seconds:g}", "--json", "--no-run-dir", "--no-control", *flags,
                   ok=(0, 3))
    doc = done.json()
    errors = {k: v for k, v in doc["total"]["errors"].items() if v}
    if errors:
        raise Failed(f"errors: {errors}")
    return counted(doc["streams"][0]["statuses"].get("200", 0), done, lab.seconds)


def missing(table):
    gone = [p for p in ("wrk", "openssl") if not have(p)] + ([] if nginx_path() else ["nginx"])
    if gone:
        table.verdict(f"the row ({', '.join(gone)} is not installed)", None, ">=", None)
    return bool(gone)


def ratio(mine, other, key):
    a, b = mine.median(key), other.median(key)
    return a / b if a and b else None


def client_row(lab, table, name, title, url, flags, close, rate, cpu, limit):
    table.row(name, title)
    if missing(table):
        return
    with nginx(lab):
        mine = Side("spate", partial(run_spate, lab, url, flags),
                    " ".join(("--rate max --connections 64", *flags)))
        wrk = Side("wrk", partial(run_wrk, lab, url, close), "-t1 -c64")
        alternate(lab, [mine, wrk])
    table.sides([mine, wrk], "rps", "requests/s", (("client CPU us a request", "cpu_us"),))
    table.verdict("requests, ratio to wrk", ratio(mine, wrk, "rps"), ">=", rate, limit)
    if cpu:
        table.verdict("client CPU a request, ratio to wrk", ratio(mine, wrk, "cpu_us"), "<=",
                      cpu)


def keep(lab, table):
    """HTTP keep-alive, 64 connections, against nginx"""
    client_row(lab, table, "http-keep", keep.__doc__, URL, (), False, 0.95, 0.9,
               "the server's core")


def close(lab, table):
    """HTTP, a new connection each, every status checked, against nginx"""
    client_row(lab, table, "http-close", close.__doc__, URL, ("--close",), True, 1.3, None,
               "the kernel: connect, send and close are 90 % of the client's time")


def tls(lab, table):
    """HTTPS, a new connection and a whole handshake each, against nginx"""
    client_row(lab, table, "https-close", tls.__doc__, TLS_URL,
               ("--close", "--insecure", "--no-resume"), True, 1.5, None,
               "OpenSSL: 85 % of the client's time; curves alone are 150 us, for wrk too")


def under_spate(lab):
    with lab.start("h1", lab.spate, "recv", f"http://{WHERE}:{PORT}", "--body", BODY, "--json",
                   "--no-run-dir", "--no-control", "-D", lab.seconds + 20) as server:
        server.ready()
        got = run_wrk(lab, URL, False)
        server.stop()
    return {**got, "server_us": 1e6 * server.cpu_s / (got["rps"] * lab.seconds),
            "cpu_s": got["cpu_s"] + server.cpu_s}


def under_nginx(lab):
    with nginx(lab) as server:
        got = run_wrk(lab, URL, False)
        server.stop(sig=signal.SIGTERM)
    return {**got, "server_us": 1e6 * server.cpu_s / (got["rps"] * lab.seconds),
            "cpu_s": got["cpu_s"] + server.cpu_s}


def serve(lab, table):
    """spate's HTTP server against nginx, both under wrk, small body"""
    table.row("http-server", serve.__doc__)
    if missing(table):
        return
    mine = Side("spate", partial(under_spate, lab), "recv http://")
    peer = Side("nginx", partial(under_nginx, lab), "one process, no log")
    alternate(lab, [mine, peer])
    table.sides([mine, peer], "rps", "requests/s", (("server CPU us a request", "server_us"),))
    table.verdict("requests, ratio to nginx", ratio(mine, peer, "rps"), ">=", 1.0,
                  "wrk's core is full with either")


ROWS = {"http-keep": keep, "http-close": close, "https-close": tls, "http-server": serve}
