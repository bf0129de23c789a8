"""Laws of gaps and sizes, from the command line to what arrives and what a capture holds."""
import json
import struct

import pytest

LAWS = ["imix", "uniform(100,1400)", "pareto(shape=1.3,scale=80,max=1400)",
        "mix(0.37*normal(35,4)+0.63*normal(49,4))"]


def frames(path):
    """(time in ns, length of the frame) of each packet of a pcap file."""
    data = path.read_bytes()
    nano = struct.unpack("<I", data[:4])[0] == 0xa1b23c4d
    at, out = 24, []
    while at < len(data):
        s, frac, have, length = struct.unpack("<IIII", data[at:at + 16])
        out.append((s * 10**9 + frac * (1 if nano else 1000), length))
        at += 16 + have
    return out


@pytest.mark.parametrize("law", LAWS)
def test_sizes_arrive(me, law):
    """Over sockets: every unit arrives whole, and the sizes are those of the law."""
    with_recv = me.start("spate", "recv", "udp://127.0.0.1:6401", "-D", "12", "--json",
                         "--no-run-dir")
    with_recv.read_until("ready", stream="stderr")
    sent = me.run("spate", "send", "udp://127.0.0.1:6401", "--rate", "500", "--count", "1500",
                  "--packet-size", law, "--seed", "5", "--json", "--no-run-dir", "--best-effort",
                  "--catch-up", "burst")
    got = with_recv.wait(25)
    assert sent.code == 0, sent
    total, far = json.loads(sent.out)["total"], json.loads(got.out)["total"]
    # How many is the machine's business; those that left are all there.
    assert total["tx_packets"] == far["rx_packets"] > 300
    assert far["lost"] == far["corrupted"] == 0
    assert far["rx_bytes"] == total["tx_bytes"]
    assert total["ks_size"] < 0.1
    assert total["ks_departure"] is None


def test_a_capture_holds_the_law(me, tmp_path):
    out = tmp_path / "imix.pcap"
    done = me.run("spate", "send", "udp://192.0.2.7", "-r", "10Mbit/s", "--packet-size", "imix",
                  "--count", "12000", "--seed", "1", "--out", str(out), "--json", "--no-run-dir")
    assert done.code == 0, done
    packets = frames(out)
    sizes = [n for _, n in packets]
    assert set(sizes) == {60, 590, 1514}
    # 5 standard deviations of 12,000 draws
    for size, share in ((60, 7 / 12), (590, 4 / 12), (1514, 1 / 12)):
        assert abs(sizes.count(size) / 12000 - share) < 5 * (share * (1 - share) / 12000) ** 0.5
    # At a bit rate each gap is what the packet before takes; frames count without FCS.
    t0, bits = packets[0][0], 0
    for t, n in packets:
        assert abs(t - t0 - bits * 100) <= 1
        bits += 8 * n


def test_bytes_are_a_limit_that_holds(me):
    done = me.run("spate", "send", "udp://127.0.0.1:6402", "--transport", "loop", "--virtual",
                  "-r", "max", "--packet-size", "uniform(100,1000)", "--bytes", "1000000", "--seed",
                  "3", "--json", "--no-run-dir")
    assert done.code == 0, done
    assert 1000000 - 1000 < json.loads(done.out)["total"]["tx_bytes"] <= 1000000


@pytest.mark.parametrize("protocol", ["tcp", "http"])
def test_messages_and_bodies(me, protocol):
    transport = ["--transport", "loop-tcp", "--virtual"]
    done = me.run("spate", "send", "-t", "127.0.0.1", "--protocol", protocol, *transport, "-r",
                  "500", "--count", "2000", "--packet-size", "uniform(100,3000)", "--seed", "3",
                  "--json", "--no-run-dir")
    assert done.code == 0, done
    total = json.loads(done.out)["total"]
    assert total["tx_packets"] == 2000
    assert total["ks_size"] < 0.05
    assert total["tx_bytes"] > 2000 * 1400


def test_model_by_flag_and_by_file(me, tmp_path):
    scenario = tmp_path / "m.yaml"
    scenario.write_text("spate: 1\nname: send\nrun: {virtual: yes}\nseed: 1\n"
                        "ports: {tx0: {transport: loop}}\n"
                        "streams: [{name: s1, target: 'udp://127.0.0.1', model: 'voip:G.711.1',"
                        " profile: {duration: 10s}}]\n")
    flag = me.run("spate", "send", "udp://127.0.0.1", "--transport", "loop", "--virtual", "--model",
                  "voip:G.711.1", "-D", "10", "--seed", "1", "--json", "--no-run-dir")
    assert flag.code == 0, flag
    total = json.loads(flag.out)["total"]
    assert total["tx_packets"] in (1000, 1001) and total["tx_bytes"] == 92 * total["tx_packets"]
    by_file = me.run("spate", "run", str(scenario), "--json", "--no-run-dir")
    assert by_file.code == 0, by_file
    assert json.loads(by_file.out)["total"]["tx_bytes"] == total["tx_bytes"]


def test_dry_run_says_what_the_laws_come_to(me):
    done = me.run("spate", "send", "-t", "10.0.0.1", "--departure", "weibull(0.7)", "-r", "1kpps",
                  "--packet-size", "exponential(200)", "--dry-run")
    assert done.code == 0, done
    assert "gaps of s1: weibull(shape=0.7), mean 1.00 ms, standard deviation 1.46 ms" in done.out
    assert "sizes of s1: exponential(mean=200), mean 200" in done.out
    assert "8.38 % clamped" in done.out
