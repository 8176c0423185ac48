"""Runs burnish and a peer in turn on one machine and compares their medians. Shared by the scripts in this folder.

Every script takes the burnish binary, prints a table (or JSON lines with --json) and needs a Python with the peer in it;
it is that Python that runs the script. Linux only: memory and other processes' load come from /proc.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

BUSY = 0.15  # cores that others may use while a sample counts as quiet
TICKS = os.sysconf("SC_CLK_TCK")


def arguments(doc, repeats=5):
    """What every script takes."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--burnish", required=True, help="the binary")
    p.add_argument("--threads", type=int, default=os.cpu_count(), help="of both sides")
    p.add_argument("--repeats", type=int, default=repeats, help="samples of each side, taken in turn")
    p.add_argument("--wait", type=float, default=20, help="seconds to wait at most for other processes to go quiet")
    p.add_argument("--json", action="store_true", help="print JSON lines")
    return p


# --- other processes -----------------------------------------------------------------------------------------------

def machine_seconds():
    """CPU seconds that everything on this machine has used, other guests' steal included."""
    with open("/proc/stat", encoding="ascii") as f:
        v = [int(x) for x in f.readline().split()[1:9]]  # user nice system idle iowait irq softirq steal
    return (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / TICKS


class Load:
    """The cores that processes other than ours (this one, its children, and living peers) used since the start."""

    def __init__(self, peers=()):
        self.peers = list(peers)
        self.begin = (time.monotonic(), machine_seconds(), self.own())

    def own(self):
        t = os.times()
        return sum(t[:4]) + sum(p.seconds() for p in self.peers)

    def foreign(self):
        t, machine, own = self.begin
        passed = time.monotonic() - t
        return max(0.0, (machine_seconds() - machine - (self.own() - own)) / max(passed, 1e-3))


def wait_quiet(limit):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        load = Load()
        time.sleep(0.5)
        if load.foreign() < BUSY:
            return


# --- the two sides -------------------------------------------------------------------------------------------------

def burnish(a, *verb):
    """Runs a verb with --json and gives the printed objects."""
    return read_lines([a.burnish, *map(str, verb), "--threads", str(a.threads), "--json"])


def read_lines(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def run_measured(command):
    """Runs a program; gives its output and the high-water mark of its resident set in bytes."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {child.returncode}")
    return out, usage.ru_maxrss * 1024


class Peer:
    """A script that stays, answers each JSON line of its standard input with one, and sleeps in between."""

    def __init__(self, *command, threads, env=None):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        full = {**os.environ, **{n: str(threads) for n in names}, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", **(env or {})}
        self.process = subprocess.Popen([sys.executable, *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=full)

    def ask(self, question=None):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"{' '.join(self.process.args)}: ended without an answer")
            if line.startswith('{"'):  # libraries print too
                return json.loads(line)

    def seconds(self):
        try:
            with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
                v = f.read().rpartition(")")[2].split()
        except FileNotFoundError:
            return 0.0
        return (int(v[11]) + int(v[12])) / TICKS

    def peak(self):
        """The high-water mark of its resident set in bytes."""
        return peak_rss(self.process.pid)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def peak_rss(pid="self"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def serve(answer):
    """The other end of a Peer: answer(question) gives an object."""
    for line in sys.stdin:
        print("\n" + json.dumps(answer(json.loads(line))), flush=True)


# --- comparing -----------------------------------------------------------------------------------------------------

def alternate(a, sides, peers=()):
    """Calls the sides in turn, a.repeats times. Gives for each side its results, of the quiet turns if there are any, and
    the number of those."""
    taken = [[] for _ in sides]
    for _ in range(a.repeats):
        for i, side in enumerate(sides):
            wait_quiet(a.wait)
            load = Load(peers)
            result = side()
            taken[i].append((result, load.foreign()))
    quiet = [[r for r, busy in t if busy < BUSY] for t in taken]
    return [q or [r for r, _ in t] for q, t in zip(quiet, taken)], min(map(len, quiet))


def compare(work, peer, unit, ours, theirs, bar, quiet, repeats, kind="speed", **more):
    """A row: medians, their ratio, and whether the bar is met. Speeds and seconds say how many times faster we are, and the
    bar is the least; sizes say what share of the peer's ours is, and the bar is the most."""
    mine, other = statistics.median(ours), statistics.median(theirs)
    value = other / mine if kind == "seconds" else mine / other
    met = None if bar is None else (value <= bar if kind == "size" else value >= bar)
    return {"work": work, "peer": peer, "unit": unit, "kind": kind, "ours": mine, "theirs": other, "ratio": value, "bar": bar,
            "met": met, "ours_all": ours, "theirs_all": theirs, "quiet": quiet, "repeats": repeats, **more}


HEAD = "| work | peer | burnish | peer's | ratio | bar | met | quiet samples |\n| --- | --- | ---: | ---: | ---: | ---: | --- | ---: |"


def table_row(r):
    bar = "-" if r["bar"] is None else r.get("bar_text") or ("at most " if r["kind"] == "size" else "") + f"{r['bar']:g}"
    met = {None: "-", True: "yes", False: "no"}[r["met"]]
    return (f"| {r['work']} | {r['peer']} | {number(r['ours'])} {r['unit']} | {number(r['theirs'])} {r['unit']} | {r['ratio']:.2f} | "
            f"{bar} | {met} | {r['quiet']} of {r['repeats']} |")


def number(v):
    return f"{v:,.0f}" if v >= 1000 else f"{v:.3g}"


def report(a, rows):
    if not a.json:
        print(HEAD)
    for r in rows:
        print(json.dumps(r) if a.json else table_row(r), flush=True)


GB = 1e9
