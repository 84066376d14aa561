#!/usr/bin/env python3
"""The benchmark against the peers: see README.md. `python3 tests/benches/run.py --help`."""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import venv

from rows import ROWS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "bench"
PACKAGES = ["zarr==3.4.2", "zarrs==0.2.3", "tensorstore==0.1.86", "obstore==0.12.1", "fsspec==2026.9.0", "aiohttp==3.14.5", "numpy"]
LIMIT_S = 300
# What each process makes its own before the clock begins, so that it finds free memory in the same state: more than any needs.
WARM_BYTES = 1600 << 20


def prepare(skip_build):
    """Builds both sides, makes the environment and the data; what is there is kept."""
    if not skip_build:
        binaries = ["--example", "bench-ours", "--bin", "zarr-test-server"]
        cargo("-p", "zarr-tests", *binaries)
        cargo("-p", "zarr-cli")
        cargo("--manifest-path", HERE / "peers/Cargo.toml", "--target-dir", WORK / "peers")
    python = WORK / "venv/bin/python"
    if not (WORK / "venv/complete").exists():
        if sys.version_info < (3, 12):
            sys.exit("the newest zarr-python asks for Python 3.12 or newer: run this script with one")
        venv.create(WORK / "venv", with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (WORK / "venv/complete").touch()
    subprocess.run([python, "-W", "ignore", HERE / "data.py", WORK / "data"], check=True)


def cargo(*args):
    subprocess.run(["cargo", "build", "--release", *args], cwd=ROOT, check=True)


def command(contender, work, url):
    """The command line of a contender, and whether its whole process is measured."""
    release, python = TARGET / "release", WORK / "venv/bin/python"
    peers = WORK / "peers/release/zarr-bench-peers"
    match contender:
        case "ours" if work == "ls":
            return [release / "zarr-cli", "ls", url]
        case "zarr" if work == "ls":
            return [python, "-c", f"import zarr\nprint(zarr.open_group({str(url)!r}, mode='r').members())"]
        case "ours" | "floor":
            return [release / "examples/bench-ours", "floor" if contender == "floor" else work, url]
        case "zarrs-sync" | "zarrs-async":
            return [peers, contender.removeprefix("zarrs-"), work, url]
        case "zarrs-async-32":
            return [peers, "--target", "32", "async", work, url]
        case _:
            peer, _, concurrency = contender.partition("@")
            return [python, "-W", "ignore", HERE / "peers.py", peer, work, url, *([concurrency] if concurrency else [])]


def measure(contender, row, url, server):
    """One run in a process of its own."""
    args = [str(arg) for arg in command(contender, row.work, url)]
    before = server.requests() if server else 0
    if row.work == "ls":
        return whole_process(args)
    env = {**os.environ, "BENCH_WARM_BYTES": str(WARM_BYTES if row.large else 0)}
    done = subprocess.run(args, capture_output=True, text=True, timeout=LIMIT_S, env=env)
    if done.returncode != 0:
        return {"error": done.stderr.strip().splitlines()[-1:] or [f"exit {done.returncode}"]}
    outcome = json.loads(done.stdout.splitlines()[-1])
    if server:
        outcome["requests"] = server.requests() - before
    return outcome


def whole_process(args):
    """Seconds and memory of a process from its start to its end, as the system counts them."""
    script = "import os,sys,time\nb=time.perf_counter()\np=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ,file_actions=[(os.POSIX_SPAWN_OPEN,1,'/dev/null',os.O_WRONLY,0)])\n_,s,u=os.wait4(p,0)\nprint(time.perf_counter()-b,u.ru_utime+u.ru_stime,u.ru_maxrss*1024,s)"
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    wall, cpu, peak, status = done.stdout.split()
    if status != "0":
        return {"error": [f"status {status}"]}
    return {"wall_s": float(wall), "cpu_s": float(cpu), "peak_bytes": int(peak)}


def run_row(row, rounds):
    """All contenders in turn, several rounds: what disturbs the machine disturbs all."""
    runs = {contender: [] for contender in row.contenders}
    with row.server(WORK, row.data) as server:
        if server and server.missing:
            return {"id": row.id, "title": row.title, "skipped": f"needs {server.missing}"}
        url = f"{server.url}" if server else str(WORK / "data" / row.data)
        for _ in range(rounds):
            for contender in row.contenders:
                runs[contender].append(measure(contender, row, url, server))
    return summary(row, runs)


def summary(row, runs):
    result = {"id": row.id, "title": row.title, "contenders": {}, "goals": []}
    for contender, outcomes in runs.items():
        errors = [outcome["error"] for outcome in outcomes if "error" in outcome]
        good = [outcome for outcome in outcomes if "error" not in outcome]
        entry = {"errors": errors} if errors else {}
        if good:
            for key in ("wall_s", "cpu_s", "peak_bytes", "requests"):
                values = [outcome[key] for outcome in good if key in outcome]
                if values:
                    entry[key] = statistics.median(values)
            entry["best_s"] = min(outcome["wall_s"] for outcome in good)
            entry["runs"] = good
            entry["found"] = sorted({(outcome.get("count"), abs(round(float(outcome.get("sum", 0)), 3))) for outcome in good}, key=str)
        result["contenders"][contender] = entry
    # All must have found the same, or the comparison is void.
    found = {str(entry["found"]) for name, entry in result["contenders"].items() if "found" in entry and name != "floor"}
    if len(found) > 1:
        result["differ"] = sorted(found)
    for goal in row.goals:
        result["goals"].append(goal.judge(result["contenders"]))
    return result


def text(result):
    lines = [f"\n## {result['title']}"]
    if "skipped" in result:
        return "\n".join([*lines, f"not measured: {result['skipped']}"])
    if "differ" in result:
        lines.append(f"THE RESULTS DIFFER: {result['differ']}")
    lines += ["| who | median s | best s | CPU s | peak MB | requests |", "|-|-:|-:|-:|-:|-:|"]
    for name, entry in result["contenders"].items():
        if "wall_s" not in entry:
            lines.append(f"| {name} | failed: {entry.get('errors', ['?'])[0]} | | | | |")
            continue
        requests = f"{entry['requests']:.0f}" if entry.get("requests") else ""
        lines.append(f"| {name} | {entry['wall_s']:.3f} | {entry['best_s']:.3f} | {entry['cpu_s']:.3f} | {entry['peak_bytes'] / 1e6:.0f} | {requests} |")
    lines.append("")
    for goal in result["goals"]:
        lines.append(f"- {goal['text']}: **{goal['shown']}** {'reached' if goal['reached'] else 'not reached'}")
    return "\n".join(lines)


def machine():
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release().split('-')[0]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all contenders of a row")
    parser.add_argument("--rows", default="", help="only rows whose id contains one of these (comma separated)")
    parser.add_argument("--skip-build", action="store_true", help="take the binaries as they are")
    parser.add_argument("--json", type=pathlib.Path, default=WORK / "results.json", help="where all numbers go")
    parser.add_argument("--text", type=pathlib.Path, help="the printed tables, to a file too")
    args = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    prepare(args.skip_build)
    wanted = [part for part in args.rows.split(",") if part]
    rows = [row for row in ROWS if not wanted or any(part in row.id for part in wanted)]
    load = [os.getloadavg()[0]]
    report, results = [f"Machine: {machine()}; {args.rounds} rounds, medians."], []
    print(report[0], flush=True)
    for row in rows:
        results.append(run_row(row, args.rounds))
        report.append(text(results[-1]))
        print(report[-1], flush=True)
        load.append(os.getloadavg()[0])
    report.append(f"\nLoad of the machine while it ran, the benchmark itself included: {min(load):.1f} to {max(load):.1f}.")
    print(report[-1])
    args.json.write_text(json.dumps({"machine": machine(), "rounds": args.rounds, "load": load, "rows": results}, indent=1))
    if args.text:
        args.text.write_text("\n".join(report) + "\n")


main()
