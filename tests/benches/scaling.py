#!/usr/bin/env python3
"""How time grows with chunks, nodes, delay and width: plots in docs/scaling. See README.md; `--help`."""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import time

import plot
import scaling_data
from contenders import measure
from environment import RELEASE, ROOT, WORK, built, machine, prepare, read_all
from servers import Delay

NAMES = {"ours": "this library", "plan": "this library, planning alone", "tensorstore": "tensorstore", "zarrs-sync": "zarrs (sync)", "zarr": "zarr-python", "zarr-fsspec": "zarr-python, fsspec", "zarr-obstore": "zarr-python, obstore"}
LOOK = {name: look for look, name in enumerate(["ours", "tensorstore", "zarrs-sync", "zarr", "zarr-fsspec", "plan", "zarr-obstore"])}
# A point is measured up to three times, and not again once that took so long. A contender that needed longer than the
# second for a point, or than the third for one run, is not asked for larger ones.
ROUNDS, REPEAT_S, PATIENCE_S, LIMIT_S = 3, 1.5, 2.5, 60


@dataclasses.dataclass
class Work:
    """One line in a plot for each contender: what is done, and on what (a function of x)."""

    title: str
    work: str
    contenders: list
    place: object
    dashed: bool = False
    # Whether larger x are more work, so that a slow contender can stop.
    grows: bool = True


class Clock:
    """The time that is left for a plot, and what was left out because of it."""

    def __init__(self, limit_s):
        self.end, self.left_out = time.monotonic() + limit_s, {}

    def up(self):
        return time.monotonic() > self.end

    def leave_out(self, key, x):
        self.left_out.setdefault(key, []).append(x)


def once(contender, work, place):
    """Seconds of one run."""
    if contender == "plan":
        done = subprocess.run([RELEASE / "plan", str(place)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)
    return measure(contender, work, str(place), limit_s=LIMIT_S)


def run_points(works, positions, clock):
    """The median of each contender at each position, all contenders of a position in turn."""
    found = {(number, name): [] for number, work in enumerate(works) for name in work.contenders}
    tired = set()
    for x in positions:
        runs = {key: [] for key in found}
        for work in works:
            _, place = work.place(work.contenders[0], x)
            if isinstance(place, pathlib.Path):
                read_all(place)
        for _ in range(ROUNDS):
            for key, outcomes in runs.items():
                number, contender = key
                if clock.up() or key in tired or sum(outcomes) > REPEAT_S:
                    continue
                work = works[number]
                with contextual(work.place, contender, x) as (name, place):
                    outcome = once(name, work.work, place)
                if "error" in outcome:
                    print(f"  {work.title}, {contender}, {x}: {outcome['error']}")
                    tired.add(key)
                else:
                    outcomes.append(outcome["wall_s"])
        for key, outcomes in runs.items():
            work = works[key[0]]
            if not outcomes:
                clock.leave_out(f"{work.title}, {key[1]}", x)
                continue
            found[key].append((x, statistics.median(outcomes)))
            print(f"  {work.title}, {key[1]}, {x}: {found[key][-1][1]:.4f} s, of {len(outcomes)}", flush=True)
            if work.grows and max(outcomes) > PATIENCE_S:
                tired.add(key)
    return {key: sorted(points) for key, points in found.items()}


class contextual:
    """What a contender is given: `place` says it as (contender, place), or as (contender, server)."""

    def __init__(self, place, contender, x):
        self.name, self.where = place(contender, x)
        self.server = None

    def __enter__(self):
        if isinstance(self.where, tuple):
            delay, data = self.where
            self.server = delay(WORK, data)
            return self.name, self.server.__enter__().url
        return self.name, self.where

    def __exit__(self, *_):
        if self.server:
            self.server.__exit__()


def series(works, found, number):
    work = works[number]
    return [plot.Series(NAMES[name.split("@")[0]] + (", " + work.title if work.dashed else ""), found[number, name], LOOK[name.split("@")[0]], work.dashed) for name in work.contenders]


def chunks(clock):
    counts = [10**exponent for exponent in range(2, 7)]
    works = [
        Work("a read of missing chunks", "read", ["ours", "tensorstore", "zarrs-sync", "zarr"], lambda name, n: (name, scaling_data.missing_chunks(n))),
        Work("planning", "plan", ["plan"], lambda name, n: (name, n)),
        Work("inner chunks", "read", ["ours", "tensorstore", "zarrs-sync"], lambda name, n: (name, scaling_data.inner_chunks(n)), dashed=True),
    ]
    found = run_points(works, counts, clock)
    lines = [line for number in range(3) for line in series(works, found, number)]
    panel = plot.Panel("Local, 4 × 4 elements each", "chunks", "time", counts, lines)
    return "Time against chunks", "Solid: no chunk is stored: planning and asking is all there is. Dashed: stored as they are, up to 10⁴ to a shard.", [panel], found


def nodes(clock):
    counts = [10**exponent for exponent in range(1, 6)]
    contenders = ["ours", "zarrs-sync", "zarr"]
    works = [
        Work("a document each", "members", contenders, lambda name, n: (name, scaling_data.nodes(n, False))),
        Work("consolidated", "members", contenders, lambda name, n: (name, scaling_data.nodes(n, True)), dashed=True),
    ]
    found = run_points(works, counts, clock)
    panel = plot.Panel("Local", "arrays in the group", "time", counts, series(works, found, 0) + series(works, found, 1))
    return "Time of listing a group against its members", "Solid: a document each. Dashed: consolidated metadata.", [panel], found


def remote(name_at, delay_at):
    """The two works against the delay server; both functions are of x."""

    def place(data):
        return lambda name, x: (name_at(name, x), (Delay(delay_at(x)), data))

    return [
        Work("256 chunks", "read", ["ours", "tensorstore", "zarr-fsspec", "zarr-obstore"], place("chunks256"), grows=False),
        Work("277 members", "members", ["ours", "zarr-fsspec"], place("nodes-277"), grows=False),
    ]


def delay(clock):
    delays = [0, 5, 20, 100]
    best = {"zarr-fsspec": "zarr-fsspec@64", "zarr-obstore": "zarr-obstore@64", "tensorstore": "tensorstore@128"}
    works = remote(lambda name, _: best.get(name, name), lambda delay_ms: delay_ms)
    found = run_points(works, delays, clock)
    panels = [plot.Panel(work.title, "delay of each request, ms", "time", delays, series(works, found, number)) for number, work in enumerate(works)]
    return "Time against the delay of a request", "HTTP. This library at its default; tensorstore with 128 requests in flight, zarr-python with 64.", panels, found


def width(clock):
    widths = [2**exponent for exponent in range(9)]
    works = remote(lambda name, width: f"{name}@{width}", lambda _: 20)
    # The widest first: it is the narrow ones that take long, should the time run out.
    found = run_points(works, widths[::-1], clock)
    panels = [plot.Panel(work.title, "requests in flight", "time", widths, series(works, found, number)) for number, work in enumerate(works)]
    return "Time against the requests in flight", "HTTP, 20 ms for each request.", panels, found


def main():
    plots = {"chunks": chunks, "nodes": nodes, "delay": delay, "width": width}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(plots), help=f"which plots, of {', '.join(plots)}")
    parser.add_argument("--limit-s", type=float, default=540, help="most seconds for all plots together, without building; points are left out where it ends")
    parser.add_argument("--skip-build", action="store_true", help="take the binaries as they are")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/scaling", help="the folder of the plots")
    args = parser.parse_args()
    wanted = [plots[name] for name in args.only.split(",")]
    prepare(args.skip_build, micro=True)
    scaling_data.prepare()
    results = WORK / "scaling.json"
    numbers = json.loads(results.read_text()) if results.exists() else {}
    end = time.monotonic() + args.limit_s
    for number, draw in enumerate(wanted):
        # What one plot does not use is there for the rest.
        clock = Clock((end - time.monotonic()) / (len(wanted) - number))
        print(draw.__name__, flush=True)
        title, subtitle, panels, found = draw(clock)
        plot.write(args.out / f"{draw.__name__}.svg", title, subtitle, panels)
        numbers[draw.__name__] = {"machine": machine(), "built": built(), "load": os.getloadavg()[0], "left_out": clock.left_out, "seconds": [[*key, points] for key, points in found.items()]}
        results.write_text(json.dumps(numbers, indent=1))
        for key, positions in clock.left_out.items():
            print(f"  left out: {key}: {', '.join(map(str, positions))}")


main()
