"""spate replay FILE --as client: conversations that were recorded against a real server, and played
against it again, and against another one."""
import json
import time

import pytest

NGINX = """
daemon off; worker_processes 1; pid nginx.pid; error_log stderr;
events { worker_connections 64; }
http {
    access_log off; etag off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;
    uwsgi_temp_path u; scgi_temp_path s;
    server {
        listen 127.0.0.1:8080;
        location /text { default_type text/plain; return 200 "TEXT"; }
        location / { default_type text/plain; return 404 "nothing"; }
    }
}
"""

ZONE = """$ORIGIN lab.zone.
@ 3600 IN SOA ns.lab.zone. root.lab.zone. 1 3600 600 86400 60
@ 3600 IN NS ns.lab.zone.
ns 3600 IN A 10.0.0.1
www 3600 IN A ADDRESS
"""
# One question over TCP; prints the address of the answer, if it has one.
ASK = """import socket, struct, sys
name = b"".join(bytes([len(x)]) + x for x in (sys.argv[1].encode(), b"lab", b"zone"))
ask = struct.pack("!6H", 77, 256, 1, 0, 0, 0) + name + bytes([0, 0, 1, 0, 1])
with socket.create_connection(("127.0.0.1", 5353), 5) as s, s.makefile("rb") as f:
    s.sendall(struct.pack("!H", len(ask)) + ask)
    answer = f.read(struct.unpack("!H", f.read(2))[0])
if struct.unpack_from("!H", answer, 6)[0]:
    print(socket.inet_ntoa(answer[len(ask) + 12:len(ask) + 16]))
"""
NSD = """server:
    ip-address: 127.0.0.1
    port: 5353
    username: ""
    chroot: ""
    zonesdir: "."
    pidfile: "nsd.pid"
    database: ""
    xfrdfile: "xfrd"
    zonelistfile: "zones"
    server-count: 1
    minimal-responses: yes
    round-robin: no
remote-control:
    control-enable: no
zone:
    name: lab.zone
    zonefile: lab.zone.file
"""


def up(port):
    return (f"for i in $(seq 200); do (: </dev/tcp/127.0.0.1/{port}) 2>/dev/null && break; "
            "sleep 0.05; done")


RECORD = ('"$SPATE" capture record -i lo --filter "tcp port %d" --out talk.pcap >rec 2>recerr '
          "& rec=$!; until grep -q ^ready recerr || ! kill -0 $rec; do sleep 0.05; done")
STOP = "sleep 0.3; kill -INT $rec; wait $rec"
PLAY = '"$SPATE" replay talk.pcap --as client --no-run-dir --json'



def lab(me, script, timeout=60):
    (me.home / "script").write_text(script)
    return me.lab("bash ./script", hosts="h1,h2", timeout=timeout)


def told(me, name):
    return json.loads((me.home / name).read_text())


def test_http_against_nginx(me):
    (me.home / "nginx.conf").write_text(NGINX.replace("TEXT", "as it was"))
    (me.home / "other.conf").write_text(NGINX.replace("TEXT", "as it WAS, and more"))
    done = lab(me, f"""
        nginx -p . -c nginx.conf >nginx.log 2>&1 & server=$!
        {up(8080)}
        {RECORD % 8080}
        for i in 1 2 3; do curl -s http://127.0.0.1:8080/text >>got; done
        curl -s http://127.0.0.1:8080/text http://127.0.0.1:8080/none >>got
        {STOP}
        {PLAY} --target 127.0.0.1:8080 --compare length >same; echo same $?
        {PLAY} --target 127.0.0.1 --compare length --times recorded >timed; echo timed $?
        {PLAY} --target 127.0.0.1 --compare none --connections 1 >any; echo any $?
        kill $server; wait $server
        nginx -p . -c other.conf >nginx.log 2>&1 & server=$!
        {up(8080)}
        {PLAY} --target 127.0.0.1 >other; echo other $?
        kill $server; wait $server
        {PLAY} --target 127.0.0.1 >gone; echo gone $?""")
    assert (me.home / "got").read_text() == "as it was" * 4 + "nothing", done
    codes = dict(line.split() for line in done.out.splitlines())
    for name in ("same", "timed", "any"):
        assert codes[name] == "0", (name, done)
        t = told(me, name)
        assert (t["conversations"], t["equal"], t["played"], t["tcp"]) == (4, 4, 4, 4), t
    assert codes["other"] == "5", done
    t = told(me, "other")
    assert t["conversations"] == 4 and t["different"] == 4, t
    # The Content-Length is the first that must differ, unless the clock's second did before.
    assert all(0 < c["differs_at"] < c["recorded_bytes"] for c in t["each"]), t
    assert codes["gone"] == "69" and told(me, "gone")["refused"] == 4, done


def test_dns_over_tcp_against_nsd(me):
    (me.home / "ask.py").write_text(ASK)
    for name, address in (("same", "10.0.0.2"), ("other", "10.0.0.3")):
        folder = me.home / name
        folder.mkdir()
        (folder / "nsd.conf").write_text(NSD)
        (folder / "lab.zone.file").write_text(ZONE.replace("ADDRESS", address))
    done = lab(me, f"""
        (cd same; exec nsd -d -c nsd.conf >log 2>&1) & server=$!
        {up(5353)}
        {RECORD % 5353}
        for name in www ns none; do /usr/bin/python3 ask.py $name >>got; done
        {STOP}
        {PLAY} --target 127.0.0.1 >same.json; echo same $?
        kill $server; wait $server
        (cd other; exec nsd -d -c nsd.conf >log 2>&1) & server=$!
        {up(5353)}
        {PLAY} --target 127.0.0.1 >other.json; echo other $?
        kill $server; wait $server""")
    assert (me.home / "got").read_text().split() == ["10.0.0.2", "10.0.0.1"], done
    codes = dict(line.split() for line in done.out.splitlines() if len(line.split()) == 2)
    assert codes["same"] == "0", done
    same, other = told(me, "same.json"), told(me, "other.json")
    assert same["equal"] == same["conversations"] == 3, same
    assert codes["other"] == "5" and other["equal"] == 2 and other["different"] == 1, other
    first = other["each"][0]
    assert first["result"] == "different" and first["answer_bytes"] == first["recorded_bytes"]
    # The last octet of the address, which ends the answer unless more follows.
    assert 0 < first["differs_at"] < first["recorded_bytes"]


def test_a_silent_server_is_named(me):
    (me.home / "nginx.conf").write_text(NGINX.replace("TEXT", "as it was"))
    begin = time.monotonic()
    done = lab(me, f"""
        nginx -p . -c nginx.conf >nginx.log 2>&1 & server=$!
        {up(8080)}
        {RECORD % 8080}
        curl -s http://127.0.0.1:8080/text >got
        {STOP}
        kill $server; wait $server
        /usr/bin/python3 -c 'import socket,time; s=socket.create_server(("127.0.0.1",8080)); time.sleep(60)' &
        server=$!
        {up(8080)}
        {PLAY} --target 127.0.0.1 --timeout 500ms >silent; echo silent $?
        kill $server""")
    assert "silent 1" in done.out, done
    assert told(me, "silent")["unanswered"] == 1
    assert time.monotonic() - begin < 40


@pytest.mark.parametrize("words,code,says", [
    (["none.pcap", "--target", "127.0.0.1"], 66, "none.pcap"),
    (["x.pcap"], 2, "--target"),
    (["x.pcap", "--target", "127.0.0.1", "--compare", "most"], 2, "--compare"),
    (["x.pcap", "--target", "127.0.0.1", "--timeout", "soon"], 2, "--timeout"),
    (["empty.pcap", "--target", "127.0.0.1", "--protocol", "tcp"], 65, "no whole TCP or UDP conversation"),
])
def test_what_is_wrong_is_said(me, words, code, says):
    done = me.run("spate", "send", "udp://127.0.0.1:9", "--count", "3", "-r", "100", "--out",
                  me.home / "empty.pcap", "--no-run-dir", "-q")
    assert done.code == 0, done
    done = me.run("spate", "replay", "--as", "client", *words)
    assert done.code == code and says in done.err, done
