"""Packs the parsing tests of JSONTestSuite into one file, a line a test: name, base64 of the bytes, repeats of them.

usage: python make_json_test_suite.py PATH/TO/JSONTestSuite > json_test_suite.jsonl

Source: github.com/nst/JSONTestSuite, commit 1ef36fa01286573e846ac449e8683f8833c5b26a, MIT licence, see
json_test_suite.LICENSE. y_ must be accepted, n_ rejected, i_ is free.
"""
import base64, json, pathlib, sys

for path in sorted((pathlib.Path(sys.argv[1]) / "test_parsing").glob("*.json")):
    data, repeat, tail = path.read_bytes(), 1, b""
    if len(data) > 10_000:  # one short unit over and over, perhaps with a line end
        body = data.rstrip(b"\n")
        tail = data[len(body):]
        unit = next(body[:n] for n in range(1, 100) if body[:n] * (len(body) // n) == body)
        data, repeat = unit, len(body) // len(unit)
    row = {"name": path.name, "data": base64.b64encode(data).decode()}
    if repeat > 1:
        row |= {"repeat": repeat, "tail": base64.b64encode(tail).decode()}
    print(json.dumps(row))
