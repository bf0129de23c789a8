"""DNS queries to real servers: what `send` reports against the servers' own counters. Over loopback, in
the first host of a lab."""
import json
import shutil

import pytest

ZONE = """$ORIGIN example.com.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 192.0.2.1
www IN A 192.0.2.80
www IN AAAA 2001:db8::80
mail IN MX 10 www
"""

NSD = """
server:
  ip-address: 127.0.0.1@5353
  ip-address: ::1@5353
  username: ""
  database: ""
  pidfile: "{dir}/nsd.pid"
  xfrdfile: "{dir}/xfrd.state"
  zonelistfile: "{dir}/zone.list"
  zonesdir: "{dir}"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: {dir}/control
zone:
  name: example.com
  zonefile: {dir}/zone
"""

UNBOUND = """
server:
  interface: 127.0.0.1@5353
  interface: ::1@5353
  access-control: 127.0.0.0/8 allow
  access-control: ::1/128 allow
  username: ""
  chroot: ""
  directory: "{dir}"
  pidfile: "{dir}/unbound.pid"
  use-syslog: no
  logfile: "{dir}/unbound.log"
  num-threads: 1
  do-daemonize: no
  module-config: "iterator"
  local-zone: "example.com." static
  local-data: "www.example.com. A 192.0.2.80"
  local-data: "www.example.com. AAAA 2001:db8::80"
remote-control:
  control-enable: yes
  control-use-cert: no
  control-interface: {dir}/control
"""

SERVERS = {
    "nsd": (NSD, "nsd -d -c {dir}/conf", "nsd-control -c {dir}/conf stats_noreset"),
    "unbound": (UNBOUND, "unbound -d -c {dir}/conf",
                "unbound-control -c {dir}/conf stats_noreset"),
}


class Asked:
    def __init__(self, done, folder):
        text = (folder / "tx.json").read_text()
        assert text, f"{done}\n{(folder / 'tx.err').read_text()}"
        self.code, self.doc = done.code, json.loads(text)
        self.total, self.stream = self.doc["total"], self.doc["streams"][0]
        self.stats = dict(line.split("=", 1) for line in
                          (folder / "stats").read_text().split("\n") if "=" in line)

    def count(self, *names):
        """One of the server's counters; the servers have different names for some."""
        for name in names:
            if name in self.stats:
                return int(self.stats[name])
        return 0


@pytest.fixture(params=sorted(SERVERS))
def asked(request, lab, tmp_path):
    """asked("URL and flags"): one `send` to a fresh server."""
    conf, command, stats = SERVERS[request.param]
    path = "/usr/sbin:/sbin:/usr/bin"
    assert shutil.which(request.param, path=path), f"{request.param} is missing"

    def run(send, timeout=40):
        (tmp_path / "zone").write_text(ZONE)
        (tmp_path / "conf").write_text(conf.format(dir=tmp_path))
        done = lab(f"""
            PATH=$PATH:/usr/sbin:/sbin
            {command.format(dir=tmp_path)} >server.out 2>&1 & n=$!
            i=0; until {stats.format(dir=tmp_path)} >/dev/null 2>&1; do
                i=$((i+1)); [ $i -lt 100 ] || exit 99; sleep 0.05; done
            "$SPATE" send {send} --json --no-run-dir >tx.json 2>tx.err
            code=$?
            {stats.format(dir=tmp_path)} >stats
            kill $n; wait $n
            exit $code""", timeout=timeout)
        assert done.code != 99, \
            f"{request.param} did not start: {(tmp_path / 'server.out').read_text()}"
        return Asked(done, tmp_path)

    return run


def test_answers_equal_the_servers_counters(asked):
    a = asked("dns://127.0.0.1:5353 --domain www.example.com -r 500 --count 1000")
    t = a.total
    assert a.code == 0
    assert t["tx_packets"] == t["rx_packets"] == t["rx_unique"] == 1000
    assert t["lost"] == t["in_flight"] == 0
    assert a.count("num.queries", "total.num.queries") == 1000
    assert a.count("num.type.A", "num.query.type.A") in (0, 1000)
    assert a.stream["statuses"] == {"NOERROR": 1000}
    assert a.stream["unit"] == "query"
    assert 0 < t["rtt_ns"]["min"] <= t["rtt_ns"]["p50"] <= t["rtt_ns"]["max"]
    assert not any(t["errors"].values())


def test_codes_are_counted(asked, tmp_path):
    (tmp_path / "names").write_text("www.example.com A\nnone.example.com A\n"
                                    "www.example.com AAAA\nnot.example.com MX\n")
    a = asked(f"dns://[::1]:5353 --domains {tmp_path}/names -r 400 --count 400")
    t = a.total
    assert t["tx_packets"] == t["rx_unique"] == 400
    assert a.stream["statuses"] == {"NOERROR": 200, "NXDOMAIN": 200}
    assert t["errors"]["status"] == 200
    assert a.count("num.queries", "total.num.queries") == 400


def test_many_at_once(asked):
    a = asked("-t 127.0.0.1 -p 5353 --protocol dns --domain www.example.com -r 20000 -D 2 "
              "--streams 2 --best-effort")
    t = a.total
    assert t["tx_packets"] == t["rx_unique"] + t["lost"]
    assert a.count("num.queries", "total.num.queries") + t["lost"] >= t["tx_packets"]
    assert t["rx_unique"] <= a.count("num.queries", "total.num.queries")


def test_nobody_answers(run_json):
    code, doc = run_json("send", "dns://127.0.0.1:5354", "-r", "100", "--count", "20",
                         "--timeout", "300ms", "--no-run-dir")
    t = doc["total"]
    assert code == 0
    assert t["tx_packets"] == t["lost"] == 20
    assert t["errors"]["unreachable"] == 20
