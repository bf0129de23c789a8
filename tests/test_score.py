"""`capture score`: exit status, names, files that cannot be read."""
import json

FLOW = ('{{"kind":"flow","exporter":1,"src":"10.0.0.{0}","dst":"192.0.2.1","src_port":1000,'
        '"dst_port":80,"proto":6,"tos":0,"flags":2,"packets":{0},"bytes":400,"sampling":1}}\n')
HEAD = "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n"
ROW = "t,t,0,10.0.0.{0},192.0.2.1,1000,80,TCP,......S.,{0},400\n"


def write(tmp_path, kept, n=100):
    (tmp_path / "truth").write_text("".join(FLOW.format(i) for i in range(1, n + 1)))
    (tmp_path / "stored").write_text(HEAD + "".join(ROW.format(i) for i in kept) +
                                     "Summary\nflows,bytes\n1,2\n")


def test_all_is_there(me, tmp_path):
    write(tmp_path, range(1, 101))
    done = me.run("spate", "capture", "score", "truth", "stored")
    assert done.code == 0 and "found      100 (100.00 %)" in done.out


def test_lines_that_were_taken_out_are_named(me, tmp_path):
    write(tmp_path, [i for i in range(1, 101) if i % 4])
    done = me.run("spate", "capture", "score", "truth", "stored")
    assert done.code == 5
    assert "missing    25 (25.00 %)" in done.out and "5 more; --all names them" in done.out
    done = me.run("spate", "capture", "score", "--all", "--json", "truth", "stored")
    doc = json.loads(done.out)
    assert done.code == 5
    assert sorted(int(m["key"].split()[1].split(".")[3]) for m in doc["listed"]["missing"]) == \
        list(range(4, 101, 4))
    assert doc["extra"] == doc["wrong"] == 0


def test_what_is_too_much_is_named(me, tmp_path):
    write(tmp_path, [*range(1, 101), 50])
    done = me.run("spate", "capture", "score", "truth", "stored")
    assert done.code == 5 and "extra    src 10.0.0.50 " in done.out


def test_bad_files(me, tmp_path):
    write(tmp_path, range(1, 101))
    (tmp_path / "half").write_text((tmp_path / "truth").read_text()[:-30])
    for files, code, says in ((("half", "stored"), 65, "half:100: "),
                              (("truth", "truth"), 65, "truth:"),
                              (("truth", "none"), 66, "none: cannot be read"),
                              (("truth",), 2, "which files?"),
                              (("--by", "x", "truth", "stored"), 2, "no such field")):
        done = me.run("spate", "capture", "score", *files)
        assert done.code == code and says in done.err, done
        assert done.err.count("\n") == 1
