"""Collectors in the first host of a lab: started, fed by `spate send`, ended, and what they stored."""
import json

# A collector is ended when it has read what lies in its socket.
NFCAPD = """
    export PATH=$PATH:/usr/sbin:/sbin
    mkdir -p nf
    nfcapd -w nf -p {port} -b 127.0.0.1 -B 8000000 -t 3600 >nfcapd.log 2>&1 & n=$!
    i=0; until ss -Hlun | grep -q ':{port} '; do
        i=$((i+1)); [ $i -lt 300 ] || exit 99; sleep 0.05; done
    {before}
    "$SPATE" send --protocol {protocol} -t 127.0.0.1 -p {port} --no-gso --no-run-dir --json \
        --truth truth.jsonl {send} >tx.json 2>tx.err; code=$?
    i=0; until ss -Hlun | awk '/:{port} / {{ exit $2 > 0 }}'; do
        i=$((i+1)); [ $i -lt 300 ] || exit 98; sleep 0.05; done
    kill $n; wait $n
    nfdump -R nf -o csv >stored.csv
    exit $code"""

PMACCT = """
    export PATH=$PATH:/usr/sbin:/sbin
    {daemon} -f daemon.conf >daemon.log 2>&1 & n=$!
    i=0; until ss -Hln{kind} | grep -q ':{port} '; do
        i=$((i+1)); [ $i -lt 300 ] || exit 99; sleep 0.05; done
    "$SPATE" send --protocol {protocol} -t 127.0.0.1 -p {port} --no-run-dir --json \
        --truth truth.jsonl {send} >tx.json 2>tx.err; code=$?
    i=0; until [ -s stored.json ]; do
        i=$((i+1)); [ $i -lt 600 ] || exit 98; sleep 0.05; done
    before=$(grep -c {mark})
    i=0; until [ $(grep -c {mark}) -ge $((before * {more} + {least})) ]; do
        i=$((i+1)); [ $i -lt 600 ] || exit 98; sleep 0.05; done
    kill -9 $n $(pgrep -P $n) 2>/dev/null; wait $n 2>/dev/null
    exit $code"""

NFACCTD = """daemonize: false
nfacctd_ip: 127.0.0.1
nfacctd_port: {port}
plugins: print
aggregate: src_host,dst_host,src_port,dst_port,proto,tos,in_iface,out_iface,src_as,dst_as
nfacctd_as: netflow
print_output: json
print_output_file: {dir}/stored.json
print_output_file_append: true
print_refresh_time: 2
"""

DAEMON = """daemonize: false
{kind}_daemon_ip: 127.0.0.1
{kind}_daemon_port: {port}
{kind}_daemon_max_peers: 100
{kind}_daemon_msglog_file: {dir}/stored.json
{kind}_daemon_msglog_output: json
"""


def truth_of(folder):
    return [json.loads(line) for line in (folder / "truth.jsonl").open()]


def sent(folder, done):
    text = (folder / "tx.json").read_text()
    assert done.code == 0 and text, f"{done}\n{(folder / 'tx.err').read_text()}"
    return json.loads(text)


def nfcapd(lab, folder, protocol, send, before="", timeout=90):
    """Runs nfcapd and a sender; the sender's document."""
    done = lab(NFCAPD.format(port=9995, protocol=protocol, send=send, before=before),
               timeout=timeout)
    return sent(folder, done)


def pmacct(lab, folder, daemon, conf, protocol, send, timeout=90):
    """The same with one of pmacct's daemons. nfacctd has stored everything when it has written its
    cache twice since, the others when they have closed the session's log."""
    if daemon == "nfacctd":
        kind, mark, more, least = "u", "'Purging cache - END' daemon.log", 1, 2
    else:
        kind, mark, more, least = "t", "log_close stored.json", 0, 1
    (folder / "daemon.conf").write_text(conf)
    done = lab(PMACCT.format(daemon=daemon, kind=kind, port=9996, protocol=protocol, send=send,
                             mark=mark, more=more, least=least), timeout=timeout)
    return sent(folder, done)


def score(me, folder, output, *flags):
    """(exit status, document) of `capture score`."""
    done = me.run("spate", "capture", "score", "--json", *flags, folder / "truth.jsonl",
                  folder / output, timeout=60)
    assert done.out, done
    return done.code, json.loads(done.out)
