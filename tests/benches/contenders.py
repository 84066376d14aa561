"""Who is measured: the command line of each, and one run of it in a process of its own.

`NAME@N` is NAME with N requests in flight, `NAME+huge` is NAME with glibc's huge pages.
"""

import json
import os
import subprocess
import sys

from environment import HERE, PEERS, PYTHON, RELEASE
from host import Watch

LIMIT_S = 300
# What each process makes its own before the clock begins, so that it finds free memory in the same state: more than any needs.
WARM_BYTES = 1600 << 20
# What share of the cores' time the host may take before a run counts as disturbed, and how often such a run is made again.
STOLEN, TRIES_AGAIN = 0.02, 3


def command(contender, work, url):
    name, _, width = contender.removesuffix("+huge").partition("@")
    match name:
        case "ours" if work == "ls":
            return [RELEASE / "zarr-cli", "ls", url]
        case "zarr" if work == "ls":
            return [PYTHON, "-c", f"import zarr\nprint(zarr.open_group({str(url)!r}, mode='r').members())"]
        case "floor" | "floor-whole":
            return [RELEASE / "examples/bench-ours", name, url]
        case "ours":
            return [RELEASE / "examples/bench-ours", *(["--width", width] if width else []), work, url]
        case "zarrs-sync" | "zarrs-async":
            return [PEERS, *(["--target", width] if width else []), name.removeprefix("zarrs-"), work, url]
        case _:
            return [PYTHON, "-W", "ignore", HERE / "peers.py", name, work, url, *([width] if width else [])]


def measure_undisturbed(*args, **options):
    """One run in which the host left us the cores; if it never does, the one it took least of. An error is not tried again.
    `again` says how many were made again."""
    runs = []
    while len(runs) <= TRIES_AGAIN:
        watch = Watch()
        run = measure(*args, **options)
        if "error" in run:
            return run
        runs.append({**run, "stolen": watch.stolen()})
        if runs[-1]["stolen"] <= STOLEN:
            break
    return {**min(runs, key=lambda run: run["stolen"]), "again": len(runs) - 1}


def measure(contender, work, url, server=None, warm=False, limit_s=LIMIT_S):
    """One run: what it printed, and how many requests the server counted; or `{"error": …}`."""
    args = [str(arg) for arg in command(contender, work, url)]
    env = {**os.environ, "BENCH_WARM_BYTES": str(WARM_BYTES if warm else 0)}
    if contender.endswith("+huge"):
        env["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    before = server.requests() if server else 0
    try:
        if work == "ls":
            return whole_process(args)
        done = subprocess.run(args, capture_output=True, text=True, timeout=limit_s, env=env)
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {limit_s} s"}
    if done.returncode != 0:
        return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]}
    outcome = json.loads(done.stdout.splitlines()[-1])
    if server:
        outcome["requests"] = server.requests() - before
    return outcome


def whole_process(args):
    """Seconds of a process from its start to its end, as the system counts them. Its memory is not to be had this way: the
    system counts into it what the process that started it had."""
    script = "import os,sys,time\nb=time.perf_counter()\np=os.posix_spawn(sys.argv[1],sys.argv[1:],os.environ,file_actions=[(os.POSIX_SPAWN_OPEN,1,'/dev/null',os.O_WRONLY,0)])\n_,s,u=os.wait4(p,0)\nprint(time.perf_counter()-b,u.ru_utime+u.ru_stime,s)"
    done = subprocess.run([sys.executable, "-c", script, *args], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    wall, cpu, status = done.stdout.split()
    if status != "0":
        return {"error": f"status {status}"}
    return {"wall_s": float(wall), "cpu_s": float(cpu)}
