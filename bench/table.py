"""Medians, ratios, verdicts: what is printed, and the same as a document."""
import statistics
import time

from lab import Failed, busy_s

OTHERS = 0.3  # cores


def median(values):
    return statistics.median(values) if values else None


def short(value):
    """Four digits and a unit prefix."""
    if value is None:
        return "unknown"
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g}{unit}"
    return f"{value:.4g}"


class Side:
    """One contestant of a row: samples are dicts of numbers with the same keys."""

    def __init__(self, name, run, flags=""):
        self.name, self.run, self.flags = name, run, flags
        self.samples, self.errors, self.tried = [], [], {}

    def sample(self):
        before, start = busy_s(), time.monotonic()
        try:
            got = self.run()
        except Failed as e:
            self.errors.append(str(e))
            return
        # What the machine did beyond the two measured processes: others' work, and the
        # kernel's own threads.
        wall = time.monotonic() - start
        busy = sum(busy_s()) - sum(before)
        got["other_cores"] = max(0.0, busy - got.get("cpu_s", 0)) / wall
        self.samples.append(got)

    def values(self, key):
        return [s[key] for s in self.samples if s.get(key) is not None]

    def median(self, key):
        return median(self.values(key))

    def dead(self):
        return len(self.errors) > 1 and not self.samples


def alternate(lab, sides):
    """A B C B C A ...: what drifts on the machine hits every side alike."""
    for i in range(lab.runs):
        for k in range(len(sides)):
            side = sides[(i + k) % len(sides)]
            if not side.dead():
                lab.patience.wait()
                side.sample()


def fastest(lab, sides, key):
    """One run each; the best one, knowing what the others reached."""
    for side in sides:
        lab.patience.wait()
        side.sample()
    alive = [s for s in sides if s.samples]
    if not alive:
        return sides[0]
    best = max(alive, key=lambda s: s.samples[0][key])
    best.tried = {s.flags: s.samples[0][key] for s in alive}
    best.samples, best.errors = [], []
    return best


class Table:
    def __init__(self, out):
        self.out, self.row_name = out, None
        self.document = {"facts": {}, "rows": []}

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def facts(self, facts):
        self.document["facts"] = facts
        for name, text in facts.items():
            self.line(f"{name:10} {text}")

    def row(self, name, title):
        self.row_name = name
        self.document["rows"].append({"row": name, "title": title, "sides": [],
                                      "verdicts": []})
        self.line(f"\n{name}: {title}")

    def took(self, seconds):
        self.line(f"  ({seconds:.0f} s)")

    def note(self, text):
        self.document["rows"][-1].setdefault("notes", []).append(text)
        self.line(f"  note: {text}")

    def sides(self, sides, key, unit, extra=()):
        """A line a side: median, min and max of key, medians of the extra keys."""
        for s in sides:
            self.document["rows"][-1]["sides"].append(
                {"name": s.name, "flags": s.flags, "samples": s.samples, "errors": s.errors,
                 "tried": s.tried})
            values = s.values(key)
            if not values:
                why = s.errors[-1] if s.errors else "no figure"
                self.line(f"  {s.name:10} {why}")
                continue
            text = f"  {s.name:10} {short(median(values)):>9} {unit:9}" \
                   f" min {short(min(values)):>9} max {short(max(values)):>9}"
            for word, k in extra:
                text += f"  {word} {short(s.median(k))}"
            tried = f", fastest of {len(s.tried)}" if len(s.tried) > 1 else ""
            self.line(text + (f"  [{s.flags}{tried}]" if s.flags else ""))
            if s.errors:
                self.line(f"  {s.name:10} {len(s.errors)} runs failed: {s.errors[-1]}")
        others = [v for s in sides for v in s.values("other_cores")]
        if others and median(others) > OTHERS:
            self.note(f"other work took {median(others):.2f} cores during these runs (up to "
                      f"{max(others):.2f}): figures and ratios are not to be relied on")

    def verdict(self, what, got, op, target, limit=None, unit="", basis=""):
        """REACHED or NOT REACHED; what limits it if not."""
        known = got is not None and target is not None
        reached = known and (got <= target if op == "<=" else got >= target)
        word = "REACHED" if reached else "NOT REACHED" if known else "NOT MEASURED"
        self.document["rows"][-1]["verdicts"].append(
            {"what": what, "got": got, "op": op, "target": target, "unit": unit,
             "result": word, "limit": None if reached else limit})
        self.line(f"  {word}: {what} {short(got)}{unit}, target {op} {short(target)}{unit}"
                  f"{' ' + basis if basis else ''}")
        if not reached and limit:
            self.line(f"    limit: {limit}")

    def broken(self, name, why):
        if self.row_name != name:
            self.row(name, "")
        self.verdict(f"the row itself ({why})", None, ">=", None)

    def summary(self):
        """The last lines; False when a target was not reached."""
        done = [(r["row"], v) for r in self.document["rows"] for v in r["verdicts"]]
        missed = [(r, v) for r, v in done if v["result"] != "REACHED"]
        self.line(f"\n{len(done) - len(missed)} of {len(done)} targets reached")
        for row, v in missed:
            self.line(f"  {v['result']}: {row}: {v['what']} {short(v['got'])}{v['unit']}, "
                      f"target {v['op']} {short(v['target'])}{v['unit']}")
        return not missed


def better(peers, key):
    """The peer with the higher median, or None."""
    alive = [p for p in peers if p.samples]
    return max(alive, key=lambda p: p.median(key)) if alive else None
