"""What the codecs say of real captures, against tshark's dissectors, which nobody of us wrote."""
import collections
import json
import subprocess
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parent / "data"
CAPTURES = sorted(p for d in ("traffic-reproducer", "pmacct-tests") for p in
                  (DATA / d).rglob("*.pcap"))
CAPABILITY = {"BGPCapFourBytesASN": 65, "BGPCapGracefulRestart": 64, "BGPCapORF": 3,
              "BGPCapExtendedNHEnconding": 5}


def names(paths):
    return [p.relative_to(DATA).as_posix() for p in paths]


def tshark(path, decode, wanted, *fields):
    """Rows of a capture: the source, then a list of values for each field."""
    argv = ["tshark", "-r", path, "-Y", wanted, "-T", "fields", "-e", "ip.src", "-e", "ipv6.src"]
    for d in decode:
        argv += ["-d", d]
    for f in fields:
        argv += ["-e", f]
    out = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout
    for line in out.splitlines():
        v4, v6, *rest = line.split("\t")
        yield v4 or v6, *([v for v in r.split(",") if v] for r in rest)


@pytest.fixture
def summary(me):
    def run(path):
        done = me.run("spate", "capture", "summary", "--json", path, timeout=60)
        assert done.code == 0, done
        return json.loads(done.out)
    return run


def flows_of_tshark(path):
    """{(source, version, domain, template): [kind of set, data sets after it]}"""
    found = {}
    for src, version, templates, sets, domain, source in tshark(
            path, ["udp.port==1-65535,cflow"], "cflow", "cflow.version", "cflow.template_id",
            "cflow.flowset_id", "cflow.od_id", "cflow.source_id"):
        key = src, int(version[0]), int((domain or source)[0])
        for s in map(int, sets):
            if s < 256:
                for t in templates:
                    found.setdefault((*key, int(t)), [s, 0])
            elif (*key, s) in found:
                found[*key, s][1] += 1
    return found


def flows_of_spate(document):
    """The same; a further session of an address has its port in its name, and adds to it."""
    found = {}
    for name, versions in document.get("IPFIX Information", {}).items():
        src = name.rpartition(":")[0] if "." in name and ":" in name else name
        for version, domains in versions.items():
            for domain, templates in domains.items():
                for number, t in templates.items():
                    key = src, int(version.split()[1]), int(domain.split()[1]), int(number.split()[1])
                    one = found.setdefault(key, [t["flowset_id"], 0])
                    assert one[0] == t["flowset_id"]
                    one[1] += t["data_flowset_counter"]
    return found


FLOWS = [p for p in CAPTURES if any(w in p.as_posix() for w in
                                    ("ipfix-traffic", "nfv9", "ipfix-bgp", "IPFIX"))]


@pytest.mark.parametrize("path", FLOWS, ids=names(FLOWS))
def test_templates_and_their_data(summary, path):
    ours, theirs = flows_of_spate(summary(path)), flows_of_tshark(path)
    assert theirs
    assert ours == theirs


BMP = [p for p in CAPTURES if "bmp" in p.name and "ipfix-traffic" not in p.name
       or "BMP" in p.as_posix()]


@pytest.mark.parametrize("path", BMP, ids=names(BMP))
def test_bmp_messages_by_peer(summary, path):
    theirs, up = collections.defaultdict(collections.Counter), set()
    for src, types, peers in tshark(path, ["tcp.port==1-65535,bmp"], "bmp", "bmp.type",
                                    "bmp.peer.id"):
        of_peer = [t for t in types if t in ("0", "1", "2", "3", "6")]
        assert len(of_peer) == len(peers), (types, peers)
        for t, peer in zip(of_peer, peers, strict=True):
            theirs[src, peer][t] += 1
            if t == "3":
                up.add((src, peer))
    ours = {(src, peer): p for src, one in summary(path)["BMP Information"].items()
            for peer, p in one["BGP_Peers"].items()}
    assert theirs
    assert set(ours) == set(theirs)
    for key, p in ours.items():
        assert p["route_monitoring_counter"] == theirs[key]["0"]
        assert p["stats_counter"] == theirs[key]["1"]
        assert p["bgp_version"] == (4 if key in up else None)


BGP = [p for p in CAPTURES if "bgp" in p.name.lower() or "bgp" in p.parent.name.lower()]


@pytest.mark.parametrize("path", BGP, ids=names(BGP))
def test_bgp_messages_by_speaker(summary, path):
    types, opened, able = collections.defaultdict(collections.Counter), {}, {}
    for src, kinds, ids, caps in tshark(path, ["tcp.port==179,bgp"], "bgp", "bgp.type",
                                        "bgp.open.identifier", "bgp.cap.type"):
        types[src].update(kinds)
        if ids:
            opened[src], able[src] = ids[-1], sorted(int(c, 0) for c in caps)
    ours = summary(path)["BGP Information"]
    assert theirs_have_updates(types)
    assert set(ours) == set(types)
    for src, one in ours.items():
        assert one["updates_counter"] == types[src]["2"]
        assert one["keepalives_counter"] == types[src]["4"]
        assert one.get("bgp_id") == opened.get(src)
        assert sorted(capability(c) for c in one.get("capabilities", [])) == able.get(src, [])


def theirs_have_updates(types):
    return any(t["2"] for t in types.values())


def capability(name):
    if name.startswith("BGPCapMultiprotocol"):
        return 1
    return CAPABILITY.get(name) or int(name.rpartition("_")[2])


@pytest.mark.parametrize("folder", ["bgp", "ipfix-bgp"])
def test_summary_is_that_of_the_original(summary, folder):
    """Of what the original made of its examples, with what it said of it."""
    made = DATA / "traffic-reproducer" / "processed" / folder
    said = json.loads((made / "traffic-info.json").read_text())
    ours = summary(made / "traffic.pcap")
    assert said
    for key, value in said.items():
        assert ours[key] == value
