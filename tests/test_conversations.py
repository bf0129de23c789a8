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
# Whoever answers at all has the time to do so, whatever else this machine does.
PLAY = '"$SPATE" replay talk.pcap --as client --no-run-dir --timeout 20s --json'



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
        {PLAY.replace("--no-run-dir", "--run-dir run")} --target 127.0.0.1 --await pause \\
            --compare length >paused; echo paused $?
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
    # All was said, though the answers are longer; the run folder has the result, too.
    t = told(me, "paused")
    assert codes["paused"] == "5" and t["different"] == 4, done
    assert t["each"][3]["answer_bytes"] > t["each"][3]["recorded_bytes"], t
    report = " ".join((me.home / "run" / "report.txt").read_text().split())
    assert "conversations 4 (4 TCP, 0 UDP): 0 equal, 4 different" in report, report
    assert "conversation://" not in report and "error status" not in report, report
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


# One question over UDP from a socket of its own, the same twice if "again" is given.
ASK_UDP = """import socket, struct, sys
def ask(to, family, number, word, again):
    name = b"".join(bytes([len(x)]) + x for x in (word.encode(), b"lab", b"zone"))
    query = struct.pack("!6H", number, 256, 1, 0, 0, 0) + name + bytes([0, 0, 1, 0, 1])
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.connect((to, 5353))
        for _ in range(1 + again):
            s.send(query)
            answer = s.recv(2000)
            assert answer[:2] == query[:2], answer
for i, word in enumerate(sys.argv[2:]):
    ask(sys.argv[1], socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, 77 + i,
        word.rstrip("+"), word.endswith("+"))
"""
# Answers as the file says; "other", "silent", "twice", "short" or "late" in the ways that matter.
ANSWER_UDP = """import socket, sys, time
how = sys.argv[1]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 5353))
print("ready", flush=True)
while True:
    query, who = s.recvfrom(2000)
    answer = query[:2] + b"answer to " + query[2:]
    if how == "silent" or (how == "holes" and b"two" in query):
        continue
    if how == "other" and b"two" in query:
        answer = answer[:5] + b"#" + answer[6:]
    if how == "short":
        answer = answer[:-1]
    s.sendto(answer, who)
    if how == "twice":
        s.sendto(answer, who)
"""
TALK_UDP = """import socket
for number in (b"17", b"18"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.connect(("127.0.0.1", 5353))
        for word in (b"one", b"two", b"two", b"three"):
            s.send(number + word)
            s.recv(2000)
"""
RECORD_UDP = RECORD.replace("tcp port", "udp port")
READY = 'until grep -qs ready ready; do kill -0 $server || break; sleep 0.05; done'


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_dns_over_udp_against_nsd(me, address):
    """Queries keep their ids, so that answers are the same octets; one is asked twice."""
    (me.home / "ask.py").write_text(ASK_UDP)
    (me.home / "tcp.py").write_text(ASK.replace("127.0.0.1", address))
    for name, zone in (("same", "10.0.0.2"), ("other", "10.0.0.3")):
        folder = me.home / name
        folder.mkdir()
        (folder / "nsd.conf").write_text(NSD.replace("127.0.0.1", address))
        (folder / "lab.zone.file").write_text(ZONE.replace("ADDRESS", zone))
    wait = f"for i in $(seq 100); do /usr/bin/python3 tcp.py www >/dev/null 2>&1 && break; sleep 0.1; done"
    done = lab(me, f"""
        (cd same; exec nsd -d -c nsd.conf >log 2>&1) & server=$!
        {wait}
        {(RECORD % 5353).replace("tcp port", "port")}
        /usr/bin/python3 ask.py {address} www ns www+ none && echo asked
        /usr/bin/python3 tcp.py www >got
        {STOP}
        {PLAY} --target {address} >same.json; echo same $?
        {PLAY} --target {address} --protocol udp --times recorded >timed.json; echo timed $?
        kill $server; wait $server
        (cd other; exec nsd -d -c nsd.conf >log 2>&1) & server=$!
        {wait}
        {PLAY} --target {address} >other.json; echo other $?
        kill $server; wait $server
        {PLAY} --target {address} >gone.json; echo gone $?""", timeout=240)
    codes = dict(line.split() for line in done.out.splitlines() if len(line.split()) == 2)
    assert "asked" in done.out and codes["same"] == "0", done
    same, timed, other = (told(me, f"{x}.json") for x in ("same", "timed", "other"))
    assert (same["tcp"], same["udp"], same["equal"]) == (1, 4, 5), same
    assert same["answers"] == {"recorded": 5, "alike": 5, "differing": 0, "missing": 0, "late": 0,
                               "extra": 0}
    assert codes["timed"] == "0", done
    assert (timed["tcp"], timed["equal"], timed["left_out"]["others"]) == (0, 4, 1), timed
    assert codes["other"] == "5" and (other["different"], other["equal"]) == (3, 2), other
    first = next(c for c in other["each"] if c["protocol"] == "udp")
    assert first["difference"]["message"] == 2 and first["difference"]["offset"] > 12, first
    assert (first["difference"]["expected"][:2], first["difference"]["got"][:2]) == ("02", "03")
    assert codes["gone"] == "69" and told(me, "gone.json")["refused"] == 5, done


def test_servers_of_datagrams_that_answer_otherwise(me):
    (me.home / "answer.py").write_text(ANSWER_UDP)
    (me.home / "talk.py").write_text(TALK_UDP)
    hows = ("same", "other", "silent", "twice", "short", "holes")
    # What the last one wrote must not speak for this one.
    serve = "rm -f ready; /usr/bin/python3 answer.py {} >ready & server=$!; " + READY
    timeout = {"silent": "500ms", "holes": "2s"}
    steps = "\n".join(f"""
        {serve.format(how)}
        {PLAY} --target 127.0.0.1 --timeout {timeout.get(how, "20s")} >{how}.json; echo {how} $?
        {PLAY.replace("--json", "")} --target 127.0.0.1 --timeout {timeout.get(how, "20s")} >{how}.txt
        kill $server; wait $server""" for how in hows)
    done = lab(me, f"""
        {serve.format("same")}
        {RECORD_UDP % 5353}
        /usr/bin/python3 talk.py && echo talked 1
        {STOP}
        kill $server; wait $server
        {steps}
        {serve.format("short")}
        {PLAY} --target 127.0.0.1 --compare none >none.json; echo none $?
        {PLAY} --target 127.0.0.1 --times recorded --await none >await.json; echo await $?
        kill $server; wait $server
        {PLAY.replace("--json", "")} --target 127.0.0.1 >gone.txt; echo gone $?
        {serve.format("same")}
        head -c -1 talk.pcap >cut.pcap
        {PLAY.replace("talk.pcap", "cut.pcap")} --target 127.0.0.1 >cut.json 2>cut.err; echo cut $?
        kill $server; wait $server""", timeout=240)
    assert "talked 1" in done.out, done
    codes = dict(line.split() for line in done.out.splitlines() if len(line.split()) == 2)
    t = {how: told(me, f"{how}.json") for how in hows}
    text = {how: (me.home / f"{how}.txt").read_text() for how in (*hows, "gone")}

    def answers(how):
        return tuple(t[how]["answers"][k] for k in ("alike", "differing", "missing", "extra"))

    assert codes["same"] == "0" and (t["same"]["equal"], answers("same")) == (2, (8, 0, 0, 0)), done
    assert "2 equal, 0 different" in text["same"]
    # The third octet from the end of the id on is what differs, in two messages of each.
    assert codes["other"] == "5" and answers("other") == (4, 4, 0, 0), t["other"]
    d = t["other"]["each"][0]["difference"]
    assert (d["message"], d["offset"]) == (4, 5), d
    assert bytes.fromhex(d["expected"])[:1] == b"w" and bytes.fromhex(d["got"])[:1] == b"#"
    assert 'message 4 (packet ' in text["other"] and 'offset 5 of 15: expected 77657220' in \
        text["other"], text["other"]
    assert codes["silent"] == "1" and t["silent"]["unanswered"] == 2, t["silent"]
    assert answers("silent") == (0, 0, 8, 0)
    assert "4 of 4 answers did not come" in text["silent"], text["silent"]
    # The copy of the last answer may come when nobody listens any more.
    assert codes["twice"] == "5" and answers("twice")[:3] == (8, 0, 0), t["twice"]
    assert t["twice"]["different"] == 2 and 6 <= answers("twice")[3] <= 8
    assert "more came than was recorded" in text["twice"]
    assert codes["short"] == "5" and answers("short") == (0, 8, 0, 0), t["short"]
    assert "got nothing" in text["short"], text["short"]
    # Those that did not come are counted, and the conversation goes on.
    assert codes["holes"] == "1" and answers("holes") == (4, 0, 4, 0), t["holes"]
    assert codes["none"] == "0" and told(me, "none.json")["equal"] == 2, done
    assert codes["await"] == "5" and told(me, "await.json")["answers"]["differing"] == 8, done
    assert codes["gone"] == "69" and "refused" in text["gone"], text["gone"]
    # The last answer is not in the capture: what is before it is played, and the place is named.
    cut = told(me, "cut.json")
    assert codes["cut"] == "65" and "packet 16 at byte" in (me.home / "cut.err").read_text(), done
    assert "packet 16 at byte" in cut["damage"] and cut["played"] == 2, cut
    for shown in text.values():
        assert "conversation://" not in shown and "error status" not in shown, shown


def test_times_of_datagrams_are_kept(me):
    """What nobody answers leaves at its distances, not all at once."""
    (me.home / "sink.py").write_text("""import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 5353))
print("ready", flush=True)
times = []
while len(times) < 8:
    s.recv(100)
    times.append(time.monotonic())
    if len(times) % 4 == 0:
        print("gaps", *(round(b - a, 3) for a, b in zip(times[-4:], times[-3:])), flush=True)
""")
    (me.home / "tell.py").write_text("""import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(("127.0.0.1", 5353))
    for i in range(4):
        s.send(b"tell %d" % i)
        time.sleep(0.5)
""")
    done = lab(me, f"""
        /usr/bin/python3 sink.py >ready & server=$!
        {READY}
        {RECORD_UDP % 5353}
        /usr/bin/python3 tell.py
        {STOP}
        {PLAY} --target 127.0.0.1 >told; echo told $?
        wait $server""")
    assert "told 0" in done.out, done
    gaps = [[float(x) for x in line.split()[1:]]
            for line in (me.home / "ready").read_text().splitlines() if line.startswith("gaps")]
    assert len(gaps) == 2 and all(g > 0.2 for g in gaps[1]), gaps
    t = told(me, "told")
    assert (t["udp"], t["equal"], t["answers"]["recorded"]) == (1, 1, 0), t


def test_there_is_no_way(me):
    """Not even a socket can be connected: each conversation hears so."""
    (me.home / "both.py").write_text("""import socket
with socket.create_server(("127.0.0.1", 5353)) as server:
    with socket.create_connection(("127.0.0.1", 5353)) as s, server.accept()[0] as peer:
        s.sendall(b"ask")
        peer.sendall(b"said")
        s.recv(10)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(("127.0.0.1", 5353))
    s.send(b"tell")
""")
    done = lab(me, f"""
        {(RECORD % 5353).replace("tcp port", "port")}
        /usr/bin/python3 both.py
        {STOP}
        {PLAY} --target 192.0.2.7 >none.json; echo none $?
        {PLAY.replace("--json", "")} --target 192.0.2.7""")
    t = told(me, "none.json")
    assert "none 69" in done.out and (t["tcp"], t["udp"], t["refused"]) == (1, 1, 2), (t, done)
    assert done.out.count("there is no way to the target") == 2, done


def test_a_public_target_is_refused(me):
    done = me.run("spate", "send", "udp://127.0.0.1:9", "--count", "3", "-r", "100", "--out",
                  me.home / "x.pcap", "--no-run-dir", "-q")
    assert done.code == 0, done
    done = me.run("spate", "replay", me.home / "x.pcap", "--as", "client", "--target", "8.8.8.8",
                  "--no-run-dir")
    assert done.code == 77 and "8.8.8.8" in done.err and not done.out, done


@pytest.mark.parametrize("words,code,says", [
    (["none.pcap", "--target", "127.0.0.1"], 66, "none.pcap"),
    (["x.pcap"], 2, "--target"),
    (["x.pcap", "--target", "127.0.0.1", "--compare", "most"], 2, "--compare"),
    (["x.pcap", "--target", "127.0.0.1", "--timeout", "soon"], 2, "--timeout"),
    (["x.pcap", "--target", "127.0.0.1", "--topspeed"], 2, "--topspeed belongs to the replay of packets"),
    (["x.pcap", "--target", "127.0.0.1", "--retime", "now"], 2, "belongs to the replay of telemetry"),
    (["x.pcap", "--target", "127.0.0.1", "--await", "time"], 2, "octets|pause|none"),
    (["x.pcap", "--target", "127.0.0.1", "--protocol", "sctp"], 2, "tcp|udp"),
    (["x.pcap", "--target", "http://127.0.0.1"], 2, "HOST:PORT"),
    (["x.pcap", "--target", "127.0.0.1:port"], 2, "--target"),
    (["x.pcap", "y.pcap", "--target", "127.0.0.1"], 2, "y.pcap"),
    (["--target", "127.0.0.1"], 2, "which capture"),
    (["empty.pcap", "--target", "127.0.0.1", "--protocol", "tcp"], 65, "no whole TCP or UDP conversation"),
])
def test_what_is_wrong_is_said(me, words, code, says):
    done = me.run("spate", "send", "udp://127.0.0.1:9", "--count", "3", "-r", "100", "--out",
                  me.home / "empty.pcap", "--no-run-dir", "-q")
    assert done.code == 0, done
    done = me.run("spate", "replay", "--as", "client", *words)
    assert done.code == code and says in done.err, done
