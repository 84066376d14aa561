"""A Python peer at its work, once: `peers.py PEER WORK URL [REQUESTS IN FLIGHT]`.

Prints one line of JSON: seconds and CPU seconds from opening to the end (imports are not counted), peak memory, and what
was found, so that the script can see that all have done the same.
"""

import itertools
import json
import os
import pathlib
import re
import sys
import time

import numpy


def opener(peer, url, concurrency):
    """What opens a store of zarr-python, with everything imported."""
    import zarr

    if concurrency:
        zarr.config.set({"async.concurrency": concurrency})
    if peer == "zarrs-python":
        import zarrs  # noqa: F401

        zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    if "://" not in url:
        return lambda: (url, "")
    if peer == "zarr-obstore":
        # Listings are resolved against the server's root, so the rest of the path is the node's.
        import obstore.store
        from zarr.storage import ObjectStore

        root, path = split(url)
        options = {"allow_http": True}
        return lambda: (ObjectStore(obstore.store.HTTPStore.from_url(root, client_options=options), read_only=True), path)
    import aiohttp  # noqa: F401
    from zarr.storage import FsspecStore

    return lambda: (FsspecStore.from_url(url, read_only=True), "")


def split(url):
    scheme, rest = url.split("://")
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/", path.rstrip("/")


def tensorstore(url, concurrency):
    import tensorstore as ts

    if "://" in url:
        root, path = split(url)
        kvstore = {"driver": "http", "base_url": root, "path": f"/{path}/" if path else "/"}
        if concurrency:
            kvstore["http_request_concurrency"] = {"limit": concurrency}
    else:
        kvstore = {"driver": "file", "path": url}
    return lambda: ts.open({"driver": "zarr3", "kvstore": kvstore}, read=True, open=True).result().read().result()


def work_of(peer, work, url, concurrency):
    if peer == "tensorstore":
        return tensorstore(url, concurrency)
    import zarr

    open_store = opener(peer, url, concurrency)

    def read():
        store, path = open_store()
        return zarr.open_array(store, path=path, mode="r")[...]

    def stream():
        """Chunk by chunk; of each the first element is kept."""
        store, path = open_store()
        array = zarr.open_array(store, path=path, mode="r")
        pieces = [range(0, length, chunk) for length, chunk in zip(array.shape, array.chunks)]
        count, firsts = 0, []
        for origin in itertools.product(*pieces):
            piece = array[tuple(slice(start, start + chunk) for start, chunk in zip(origin, array.chunks))]
            count += piece.size
            firsts.append(piece.flat[0])
        return count, firsts

    def members():
        store, path = open_store()
        return zarr.open_group(store, path=path, mode="r").members()

    def walk():
        store, path = open_store()
        return zarr.open_group(store, path=path, mode="r").members(max_depth=None)

    return {"read": read, "stream": stream, "members": members, "walk": walk}[work]


def warm():
    """As `warm` of the Rust side."""
    if wanted := int(os.environ.get("BENCH_WARM_BYTES", "0")):
        numpy.ones(wanted, "u1")
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def peak_bytes():
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) * 1024


def main():
    peer, work, url = sys.argv[1:4]
    concurrency = int(sys.argv[4]) if len(sys.argv) > 4 else None
    run = work_of(peer, work, url, concurrency)
    warm()
    begun, cpu = time.perf_counter(), time.process_time()
    result = run()
    outcome = {"wall_s": time.perf_counter() - begun, "cpu_s": time.process_time() - cpu, "peak_bytes": peak_bytes()}
    if work == "read":
        outcome["sum"] = float(result.reshape(-1)[::65537].astype("f8").sum())
        outcome["count"] = result.size
    elif work == "stream":
        outcome["count"], firsts = result
        outcome["sum"] = float(numpy.sum(firsts, dtype="f8"))
    else:
        outcome["count"] = len(result)
    print(json.dumps(outcome), flush=True)


main()
