"""Calls the burnish program and reads its JSON lines. Shared by the checks in this folder."""

import json
import subprocess
import tempfile
from pathlib import Path


def run(binary, *args, lines=None):
    """Runs a verb with --json. `lines` are objects for its standard input. Returns the printed objects."""
    text = None if lines is None else "".join(json.dumps(x) + "\n" for x in lines)
    with tempfile.TemporaryFile("w+") as out:
        done = subprocess.run([binary, *args, "--json"], input=text, stdout=out, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stderr}")
        out.seek(0)
        return [json.loads(line) for line in out]


def read_jsonl(path, limit=None):
    """The objects of a JSON-lines file, the first `limit` of them."""
    out = []
    with Path(path).open(encoding="utf-8") as f:
        for line in f:
            if limit is not None and len(out) == limit:
                break
            out.append(json.loads(line))
    return out


def verdict(ok):
    """Prints the outcome and ends the program with it."""
    print("ok" if ok else "FAILED")
    raise SystemExit(0 if ok else 1)
