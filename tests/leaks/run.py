#!/usr/bin/env python3
"""What is left open after `close`, ours beside the others': see README.md. `python3 tests/leaks/run.py --help`."""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import threading
import time
import venv
from urllib.parse import urlsplit

import probe

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
WORK = TARGET / "leaks"
PEERS = HERE.parent / "benches/peers"
PACKAGES = ["zarr==3.4.2", "fsspec==2026.9.0", "gcsfs==2026.10.1", "obstore==0.12.1", "aiohttp==3.14.5"]
CRATES = ["zarrs", "zarrs_object_store", "object_store", "reqwest"]
# How a leak shows on stderr: aiohttp's words and ours.
TOLD = ["Unclosed client session", "was dropped without close"]
# How long a process may take for one step, and how long what has been let go of may take to end.
LIMIT_S = 60
SETTLE_S = 1


@dataclasses.dataclass
class Contender:
    name: str
    closing: str
    server: str
    command: list


def contenders():
    ours = [TARGET / "debug/examples/leaks-ours"]
    zarrs = [WORK / "peers/debug/zarrs-leaks"]
    peer = [WORK / "venv/bin/python", HERE / "peer.py"]
    dropped = "no close: dropped"
    return [
        Contender("zarr-http", "`store.close().await`", "index", [*ours, "close"]),
        Contender("zarr-http, WebDAV", "`store.close().await`", "dav", [*ours, "close"]),
        Contender("zarr-gcs", "`store.close().await`", "gcs", [*ours, "close"]),
        Contender("zarr-http, close forgotten", "dropped", "index", [*ours, "drop"]),
        Contender("zarr-python + fsspec HTTP", "`store.close()`", "index", [*peer, "fsspec"]),
        Contender("zarr-python + fsspec HTTP", "`store.close()`, `clear_instance_cache()`", "index", [*peer, "fsspec-cleared"]),
        Contender("zarr-python + fsspec HTTP, asynchronous", "`await session.close()`", "index", [*peer, "fsspec-by-hand"]),
        Contender("zarr-python + fsspec HTTP, asynchronous, nothing shared", "`await session.close()`", "index", [*peer, "fsspec-by-hand-alone"]),
        Contender("zarr-python + gcsfs", "`store.close()`", "gcs", [*peer, "gcsfs"]),
        Contender("zarr-python + gcsfs", "`store.close()`, `clear_instance_cache()`", "gcs", [*peer, "gcsfs-cleared"]),
        Contender("zarr-python + obstore", "`store.close()`, then dropped", "dav", [*peer, "obstore"]),
        Contender("zarrs + object_store", dropped, "dav", [*zarrs, "multi"]),
        Contender("zarrs + object_store, current-thread runtime", dropped, "dav", [*zarrs, "current"]),
    ]


def prepare(skip_build):
    """Builds both sides, makes the environment and the data; what is there is kept."""
    if not skip_build:
        cargo("-p", "zarr-tests", "--example", "leaks-ours", "--bin", "zarr-test-server")
        cargo("--manifest-path", PEERS / "Cargo.toml", "--target-dir", WORK / "peers", "--bin", "zarrs-leaks")
    python, mark = WORK / "venv/bin/python", WORK / "venv/complete"
    if not mark.exists() or mark.read_text() != str(PACKAGES):
        if sys.version_info < (3, 12):
            sys.exit("the newest zarr-python asks for Python 3.12 or newer: run this script with one")
        venv.create(WORK / "venv", with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        mark.write_text(str(PACKAGES))
    subprocess.run([python, HERE / "data.py", WORK / "data"], check=True)


def cargo(*args):
    subprocess.run(["cargo", "build", "--quiet", *args], cwd=ROOT, check=True)


class Server:
    """The tests' server in a process of its own."""

    ARGS = {"index": ["http", "--mode", "nginx"], "dav": ["http", "--mode", "dav"], "gcs": ["gcs", "--bucket", "bucket"]}

    def __init__(self, kind):
        self.kind = kind

    def __enter__(self):
        command = [TARGET / "debug/zarr-test-server", *self.ARGS[self.kind], "--dir", WORK / "data", "--log"]
        self.log = (WORK / f"{self.kind}.log").open("w+")
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = self.child.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()


def watch(contender, scenario, server):
    """Runs one scenario in a process of its own, and looks at it whenever it says where it is."""
    own = contender.command[0].name == "leaks-ours"
    where = [server.url]
    if own and server.kind == "gcs":
        where = ["gs://bucket", json.dumps({"endpoint_url": server.url, "token": "anon"})]
    command = [*contender.command, scenario, *where]
    # Without it, gcsfs asks a bucket for its kind over gRPC, which no server of plain HTTP answers, for a minute.
    env = {**os.environ, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    talk = (WORK / "stderr.log").open("w+")
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=talk, text=True, env=env)
    port, seen = urlsplit(server.url).port, {}
    alarm = threading.Timer(LIMIT_S, child.kill)
    alarm.start()
    try:
        for line in child.stdout:
            name, _, word = line.strip().partition(" ")
            seen[name] = {"sockets": probe.sockets(child.pid, port), "threads": probe.threads(child.pid)}
            if word:
                seen[name]["word"] = word
            if name in ("close", "drop", "many"):
                time.sleep(SETTLE_S)
                seen[name]["sockets_later"] = probe.sockets(child.pid, port)
                seen[name]["threads_later"] = probe.threads(child.pid)
            child.stdin.write("\n")
            child.stdin.flush()
        code = child.wait()
    finally:
        alarm.cancel()
        child.kill()
        child.wait()
    talk.seek(0)
    said = talk.read().strip().splitlines()
    if code != 0:
        sys.exit(f"{contender.name}, {scenario}: exit {code}\n" + "\n".join(said))
    return {"steps": seen, "stderr": said}


def row(contender, results):
    """The figures of a contender's row."""
    life = results["life"]["steps"]
    many, second = results["many"]["steps"]["many"], results["second"]["steps"]["second"]
    return [
        str(life["members"]["sockets"]),
        figure(life["close"]),
        figure(life["drop"]),
        str(life["exit"]["sockets"]),
        figure(many),
        str(len(life["drop"]["threads_later"]) - len(life["start"]["threads"])),
        "yes" if second["word"] == "100" else f"no: {second['word']}",
        str(sum(any(word in line for word in TOLD) for line in results["many"]["stderr"])),
    ]


def figure(step):
    """Sockets at once, and, if that has changed, a second later."""
    now, later = step["sockets"], step["sockets_later"]
    return str(now) if now == later else f"{now}, then {later}"


COLUMNS = ["after `members()`", "after close", "after drop", "at exit", "after 50 opens", "threads left", "second store works", "told of"]


def table(rows):
    lines = ["| | closed by | " + " | ".join(COLUMNS) + " |", "|-|-|" + "-:|" * (len(COLUMNS) - 2) + "-|-:|"]
    lines += [f"| {contender.name} | {contender.closing} | " + " | ".join(figures) + " |" for contender, figures in rows]
    return "\n".join(lines)


def versions():
    ask = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    names = [package.partition("==")[0] for package in PACKAGES]
    python = subprocess.run([WORK / "venv/bin/python", "-c", ask, *names], capture_output=True, text=True, check=True).stdout.strip()
    lock = (PEERS / "Cargo.lock").read_text()
    crates = [f"{name} {re.search(rf'name = "{name}"\nversion = "([^"]+)"', lock)[1]}" for name in CRATES]
    return f"Python {platform.python_version()}: {python}. Rust: {', '.join(crates)}. Linux {platform.release().split('-')[0]}."


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only contenders whose name contains this")
    parser.add_argument("--skip-build", action="store_true", help="take the binaries as they are")
    parser.add_argument("--json", type=pathlib.Path, default=WORK / "results.json", help="where all that was seen goes")
    args = parser.parse_args()
    if not pathlib.Path("/proc/self/net/tcp").exists():
        sys.exit("sockets are counted by /proc: this needs Linux")
    WORK.mkdir(parents=True, exist_ok=True)
    prepare(args.skip_build)
    rows, every = [], []
    with Server("index") as index, Server("dav") as dav, Server("gcs") as gcs:
        servers = {server.kind: server for server in (index, dav, gcs)}
        for contender in contenders():
            if args.only not in contender.name:
                continue
            results = {scenario: watch(contender, scenario, servers[contender.server]) for scenario in ("life", "many", "second")}
            rows.append((contender, row(contender, results)))
            every.append({"name": contender.name, "closing": contender.closing, "server": contender.server, **results})
            print(f"{contender.name}: {', '.join(rows[-1][1])}", file=sys.stderr, flush=True)
    print(f"{table(rows)}\n\n{versions()}")
    args.json.write_text(json.dumps({"versions": versions(), "contenders": every}, indent=1))


main()
