"""What is measured, who takes part, and what the goals are."""

import dataclasses
import typing

from servers import Delay, Local, Nginx


@dataclasses.dataclass
class AtLeast:
    """Ours is at least `ratio` times as fast as the best of `peers` (all if none are named)."""

    ratio: float
    peers: tuple = ()

    def judge(self, contenders):
        named = self.peers or [name for name in contenders if name != "ours" and name not in FLOORS]
        times = {name: contenders[name]["wall_s"] for name in named if "wall_s" in contenders.get(name, {})}
        ours = contenders["ours"].get("wall_s")
        goal = f"at least {self.ratio:g} × as fast as {'the best peer' if not self.peers else ' and '.join(self.peers)}"
        if not times or ours is None:
            return {"text": goal, "shown": "nothing to compare", "reached": False}
        best = min(times, key=times.get)
        ratio = times[best] / ours
        return {"text": goal, "shown": f"{ratio:.2f} × {best}", "ratio": ratio, "reached": ratio >= self.ratio}


@dataclasses.dataclass
class AtMost:
    """A number of ours is at most so much."""

    what: str
    limit: typing.Callable
    text: str

    def judge(self, contenders):
        ours = contenders["ours"].get(self.what)
        limit = self.limit(contenders)
        if ours is None or limit is None:
            return {"text": self.text, "shown": "not measured", "reached": False}
        unit, scale = ("MB", 1e6) if self.what == "peak_bytes" else ("s", 1)
        return {"text": self.text, "shown": f"{ours / scale:.3g} {unit}, the limit is {limit / scale:.3g} {unit}", "reached": ours <= limit}


def of_floor(ratio):
    def limit(contenders):
        floor = contenders.get("floor", {}).get("wall_s")
        return floor and floor * ratio

    return AtMost("wall_s", limit, f"within {ratio:g} × of the floor")


# Contenders that are limits, not peers.
FLOORS = ("floor", "floor-whole")
MEMORY = AtMost("peak_bytes", lambda _: 512 * 1024 * 512 * 4 + 128e6, "peak memory: output + at most 128 MB")
STREAM_MEMORY = AtMost("peak_bytes", lambda _: 128e6, "peak memory of the stream, all of the process: at most 128 MB")
# Over a network what is fetched is held encoded beside what is decoded, and in the allocator of the thread that fetched it.
REMOTE_STREAM_MEMORY = AtMost("peak_bytes", lambda _: 256e6, "peak memory of the stream, all of the process: at most 256 MB")
LOCAL = ["ours", *FLOORS, "zarrs-python", "zarrs-sync", "zarrs-sync+huge", "tensorstore", "zarr"]
FSSPEC = ["zarr-fsspec", "zarr-fsspec@64"]
OBSTORE = ["zarr-obstore", "zarr-obstore@64"]
REMOTE = ["ours", "tensorstore", *OBSTORE, "zarrs-async", "zarrs-async@32", "zarrs-python", *FSSPEC]


@dataclasses.dataclass
class Row:
    id: str
    title: str
    work: str
    data: str
    server: typing.Any
    contenders: list
    goals: list

    @property
    def warm(self):
        """Whether memory decides: those that read 1 GiB."""
        return self.data in ("zstd", "blosc", "sharded")


ROWS = [
    Row("local-zstd", "Local, zstd 64³, 1 GiB", "read", "zstd", Local(), LOCAL, [AtLeast(1.0), of_floor(1.15), MEMORY]),
    Row("local-blosc", "Local, blosc-lz4 64³, 1 GiB", "read", "blosc", Local(), LOCAL, [AtLeast(1.0), of_floor(1.2), MEMORY]),
    Row("local-sharded", "Local, sharded 256³ / 32³ zstd, 1 GiB", "read", "sharded", Local(), LOCAL, [AtLeast(1.1), MEMORY]),
    Row("nginx-zstd", "nginx, zstd 64³, 1 GiB", "read", "zstd", Nginx(), REMOTE, [AtLeast(1.2), MEMORY]),
    Row("nginx-blosc", "nginx, blosc-lz4 64³, 1 GiB", "read", "blosc", Nginx(), REMOTE, [AtLeast(1.3), MEMORY]),
    Row("nginx-sharded", "nginx, sharded 256³ / 32³ zstd, 1 GiB", "read", "sharded", Nginx(), REMOTE, [AtLeast(1.25), MEMORY]),
    Row("local-stream", "Local, zstd 64³, 1 GiB as a stream of chunks", "stream", "zstd", Local(), ["ours", "zarr"], [STREAM_MEMORY]),
    Row("local-stream-sharded", "Local, sharded, 1 GiB as a stream of chunks", "stream", "sharded", Local(), ["ours"], [STREAM_MEMORY]),
    Row("nginx-stream", "nginx, zstd 64³, 1 GiB as a stream of chunks", "stream", "zstd", Nginx(), ["ours", "zarr-obstore"], [REMOTE_STREAM_MEMORY]),
    Row("nginx-stream-sharded", "nginx, sharded, 1 GiB as a stream of chunks", "stream", "sharded", Nginx(), ["ours"], [REMOTE_STREAM_MEMORY]),
    Row(
        "delay-chunks", "256 chunks, 20 ms per request", "read", "chunks256", Delay(20), ["ours", "tensorstore", "tensorstore@128", *FSSPEC, *OBSTORE],
        [AtLeast(5, ("zarr-fsspec",)), AtLeast(1.5, ("zarr-fsspec@64", "zarr-obstore@64"))],
    ),
    Row("delay-members", "Members of 1000 v3 nodes, 20 ms", "members", "nodes-v3", Delay(20), ["ours", *FSSPEC], [AtLeast(10, ("zarr-fsspec",)), AtLeast(3, ("zarr-fsspec@64",))]),
    Row("nginx-members", "Members of 1000 v3 nodes, nginx", "members", "nodes-v3", Nginx(), ["ours", "zarrs-async", *OBSTORE], [AtLeast(2)]),
    Row("local-members", "Members of 1000 v3 nodes, local", "members", "nodes-v3", Local(), ["ours", "zarrs-sync", "zarr"], [AtLeast(1.0)]),
    Row("nginx-consolidated-v3", "1000 nodes, consolidated v3, nginx", "members", "nodes-v3-consolidated", Nginx(), ["ours", "zarrs-async", "zarr-obstore"], [AtLeast(1.2)]),
    Row("nginx-consolidated-v2", "1000 nodes, consolidated v2, nginx", "members", "nodes-v2-consolidated", Nginx(), ["ours", "zarr-obstore"], [AtLeast(3)]),
    Row("delay-walk", "Walk of 300 nodes on 3 levels, 20 ms", "walk", "tree", Delay(20), ["ours", *FSSPEC], [AtLeast(8)]),
    Row("delay-277", "277 members, 40 ms (zarr-python issue 2674)", "members", "nodes-277", Delay(40), ["ours", *FSSPEC], [AtLeast(6, ("zarr-fsspec",))]),
    Row("cli-ls", "`zarr-cli ls` of a local group of 277, whole process", "ls", "nodes-277", Local(), ["ours", "zarr"], [AtMost("cpu_s", lambda _: 0.010, "at most 10 ms of CPU")]),
]
