#!/usr/bin/env python3
"""The benchmark against the peers: see README.md. `python3 tests/benches/run.py --help`."""

import argparse
import json
import os
import pathlib
import random
import statistics

import report
from contenders import measure, measure_undisturbed
from environment import DATA, ROOT, WORK, built, machine, prepare, read_all
from rows import FLOORS, ROWS


def run_row(row, rounds):
    """All contenders of a row in turn, each round in another order: nobody always runs after the same one."""
    runs = {contender: [] for contender in row.contenders}
    read_all(DATA / row.data)
    with row.server(WORK, row.data) as server:
        if server and server.missing:
            return {"id": row.id, "title": row.title, "skipped": f"needs {server.missing}"}
        url = server.url if server else str(DATA / row.data)
        if row.work == "ls":
            # The first start reads the program from the disk, which is not what the row asks.
            for contender in row.contenders:
                measure(contender, row.work, url)
        for number in range(rounds):
            for contender in random.Random(f"{row.id} {number}").sample(row.contenders, len(row.contenders)):
                runs[contender].append(measure_undisturbed(contender, row.work, url, server, row.warm))
    return summarise(row, runs)


def summarise(row, runs):
    result = {"id": row.id, "title": row.title, "contenders": {}, "goals": []}
    for contender, outcomes in runs.items():
        errors = [outcome["error"] for outcome in outcomes if "error" in outcome]
        good = [outcome for outcome in outcomes if "error" not in outcome]
        entry = {"errors": errors} if errors else {}
        # A contender that failed once is not compared by the runs that went well.
        if good and not errors:
            for key in ("wall_s", "cpu_s", "peak_bytes", "requests"):
                values = [outcome[key] for outcome in good if key in outcome]
                if values:
                    entry[key] = statistics.median(values)
            if "peak_bytes" in entry:
                entry["peak_bytes"] = max(outcome["peak_bytes"] for outcome in good)
            entry["best_s"] = min(outcome["wall_s"] for outcome in good)
            entry["found"] = sorted({(outcome.get("count"), abs(round(float(outcome.get("sum", 0)), 3))) for outcome in good}, key=str)
        entry["runs"] = good
        result["contenders"][contender] = entry
    every = [outcome for outcomes in runs.values() for outcome in outcomes]
    result["again"] = sum(outcome.get("again", 0) for outcome in every)
    result["stolen"] = max(outcome.get("stolen", 0) for outcome in every)
    # All must have found the same, or the comparison is void.
    found = {str(entry["found"]) for name, entry in result["contenders"].items() if "found" in entry and name not in FLOORS}
    if len(found) > 1:
        result["differ"] = sorted(found)
    for goal in row.goals:
        result["goals"].append(goal.judge(result["contenders"]))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all contenders of a row")
    parser.add_argument("--rows", default="", help="only rows whose id contains one of these (comma separated)")
    parser.add_argument("--list", action="store_true", help="print the ids of the rows, and what they are")
    parser.add_argument("--skip-build", action="store_true", help="take the binaries as they are")
    parser.add_argument("--json", type=pathlib.Path, default=WORK / "results.json", help="where all numbers go, those of each run too")
    parser.add_argument("--text", type=pathlib.Path, default=WORK / "results.md", help="where the printed tables go")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md too")
    args = parser.parse_args()
    wanted = [part for part in args.rows.split(",") if part]
    rows = [row for row in ROWS if not wanted or any(part in row.id for part in wanted)]
    if args.list or not rows:
        print("\n".join(f"{row.id:24} {row.title}" for row in ROWS))
        raise SystemExit(0 if args.list else f"no row is called {args.rows}")
    prepare(args.skip_build)
    load, results = [os.getloadavg()[0]], []
    for row in rows:
        results.append(run_row(row, args.rounds))
        print(report.table(results[-1]), flush=True)
        load.append(os.getloadavg()[0])
    about = f"Machine: {machine()}; {built()}; {args.rounds} rounds, medians; load while it ran, itself included: {min(load):.1f} to {max(load):.1f}."
    print(f"\n{about}\n\n{report.summary(results)}")
    text = "\n".join([about, "", report.summary(results), "\n## All numbers\n", "Medians; CPU seconds are the process's own; MB are the most resident memory of any round, for the reads of 1 GiB from", "after the warming on.", *map(report.table, results)])
    args.text.write_text(text + "\n")
    args.json.write_text(json.dumps({"machine": machine(), "built": built(), "rounds": args.rounds, "load": load, "rows": results}, indent=1))
    if args.docs:
        report.write_docs(ROOT / "docs/benchmarks.md", text)


main()
