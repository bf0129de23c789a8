"""spate doctor."""
import re


def test_json(run_json):
    code, doc = run_json("doctor")
    assert code == 0 and doc["schema"] == 1
    rows = {c["name"]: c for c in doc["checks"]}
    assert len(rows) == len(doc["checks"])
    for name in ("kernel", "udp-gso", "udp-gro", "af-packet", "user-namespaces", "netem",
                 "landlock", "descriptors"):
        assert name in rows
    for c in doc["checks"]:
        assert c["state"] in ("ok", "limited", "missing") and c["detail"] and c["use"]


def test_text_in_columns(me):
    done = me.run("spate", "doctor")
    assert done.code == 0 and not done.err, done
    rows = [line for line in done.out.splitlines() if not line.startswith(" ")]
    starts = {re.match(r"(\S+ +)(ok|limited|missing)( +)", r).end() for r in rows}
    assert len(starts) == 1, done.out


def test_root_and_ordinary_users_differ(user, public_spate):
    done = user.run("spate", "doctor")
    row = next(line for line in done.out.splitlines() if line.startswith("af-packet"))
    if user.name == "root":
        assert " ok " in row
    else:
        assert " missing " in row and "CAP_NET_RAW" in row
        assert f"fix: sudo setcap cap_net_raw=ep {public_spate}" in done.out


def test_descriptor_limit(me):
    done = me.run("sh", "-c", 'ulimit -n 64; "$SPATE" doctor')
    row = next(line for line in done.out.splitlines() if line.startswith("descriptors"))
    assert " limited " in row and " 64," in row


def test_inside_a_lab(user):
    """There every user may open raw sockets."""
    done = user.lab('"$SPATE" doctor')
    row = next(line for line in done.out.splitlines() if line.startswith("af-packet"))
    assert " ok " in row, done


def test_mistakes(me):
    for words, says in ((["--jsno"], "--json"), (["now"], "'now' is unexpected")):
        done = me.run("spate", "doctor", *words)
        assert done.code == 2 and says in done.err and not done.out, done
