#!/usr/bin/env python3
"""Makes docs/performance.md's tables and plots from what scripts/bench measured.

  report.py collect NAME FOLDER   FOLDER/*.json become docs/performance/NAME.json; then as render
  report.py render                fills the tables of docs/performance.md and draws its plots
  report.py check                 fails when a table does not say what docs/performance/*.json says

A table stands between <!-- table: NAME KIND --> and <!-- end -->; KIND is one of tables.py's. NAME *: of every machine on
which that was measured. What was measured in groups (latency-main.json, latency-queues.json ...) becomes one.
"""

import json
import pathlib
import re
import sys

import tables

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/performance.md"
RESULTS = ROOT / "docs/performance"
ABOUT = ("date", "device", "driver", "ferry", "build", "processor", "processors", "kernel", "sync", "software")
BLOCK = re.compile(r"(<!-- table: (\S+) (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def merged(parts, more):
    """A measurement's groups, size by size."""
    if not (isinstance(parts, list) and all(isinstance(part, dict) and "size" in part for part in parts)):
        return more
    sizes = {part["size"]: part for part in parts}
    for part in more:
        size = sizes.setdefault(part["size"], part)
        if size is part:
            continue
        for key, value in part.items():
            if isinstance(value, list) and key in size:
                size[key] = size[key] + value
            elif isinstance(value, dict) and key in size:
                size[key] = size[key] | value
            else:
                size[key] = value
    return list(sizes.values())


def collect(name, folder):
    result = {"about": {}}
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        part = json.loads(path.read_text())
        if "benchmarks" in part:  # Google Benchmark's
            result["library"] = [{k: b[k] for k in ("name", "real_time", "time_unit", "p50_ns", "p99_ns") if k in b}
                                 for b in part["benchmarks"]]
            continue
        result["about"] |= {key: part[key] for key in ABOUT if key in part}
        for key, value in part.items():
            if key in tables.MEASUREMENTS:
                result[key] = merged(result[key], value) if key in result else value
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")


def load():
    return {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}


def filled(text, results):
    def fill(match):
        head, name, kind, _, end = match.groups()
        lines = tables.tables_of_all(kind, results) if name == "*" else tables.table(kind, results[name])
        return head + "\n".join(lines) + "\n" + end
    return BLOCK.sub(fill, text)


def main(arguments):
    command = arguments[0] if arguments else ""
    if command == "collect" and len(arguments) == 3:
        collect(arguments[1], arguments[2])
    elif command not in ("render", "check"):
        sys.exit(__doc__)
    results, text = load(), PAGE.read_text()
    if command == "check":
        same = filled(text, results) == text
        sys.exit(0 if same else "docs/performance.md does not say what docs/performance/*.json says")
    PAGE.write_text(filled(text, results))
    import plots  # the one part that needs matplotlib
    plots.draw(results, RESULTS)


if __name__ == "__main__":
    main(sys.argv[1:])
