"""Makes the data of the benchmark, once: `data.py FOLDER`. The same seed gives the same bytes."""

import pathlib
import shutil
import sys

import numpy as np
import zarr
from zarr.codecs import BloscCodec, ZstdCodec

SHAPE = (512, 1024, 512)


def field():
    """1 GiB of float32 that compresses as measurements do: waves, a drift, noise, two decimals."""
    rng = np.random.default_rng(0)
    depth, height, width = SHAPE
    values = np.empty(SHAPE, "f4")
    yy, xx = np.meshgrid(np.linspace(0, 20, height), np.linspace(0, 20, width), indexing="ij")
    base = (np.sin(yy) * np.cos(xx) * 100).astype("f4")
    for k in range(depth):
        noise = rng.standard_normal((height, width)).astype("f4")
        values[k] = np.round(base + k * 0.1 + noise * 0.5, 2)
    return values


def arrays(folder):
    values = field()
    zstd = ZstdCodec(level=3)
    blosc = BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")
    layouts = {
        "zstd": {"chunks": (64,) * 3, "compressors": zstd},
        "blosc": {"chunks": (64,) * 3, "compressors": blosc},
        "sharded": {"chunks": (32,) * 3, "shards": (256,) * 3, "compressors": zstd},
    }
    for name, layout in layouts.items():
        array = zarr.create_array(folder / name, shape=SHAPE, dtype="f4", overwrite=True, **layout)
        array[:] = values
    # 256 chunks of 64 KiB: the requests count, not the bytes.
    small = zarr.create_array(folder / "chunks256", shape=(2048, 2048), chunks=(128, 128), dtype="f4", compressors=zstd, overwrite=True)
    small[:] = values[0].repeat(4, axis=1)[:1024].repeat(2, axis=0)


def group(folder, count, zarr_format):
    """A group of `count` arrays that are alike."""
    root = zarr.create_group(folder, zarr_format=zarr_format, overwrite=True)
    first = root.create_array("a0000", shape=(64, 64), chunks=(32, 32), dtype="f4")
    first.attrs.update({"units": "K", "long_name": "temperature", "valid_range": [180.0, 330.0]})
    for k in range(1, count):
        shutil.copytree(folder / "a0000", folder / f"a{k:04}")


def tree(folder):
    """300 nodes on 3 levels: 6 groups of 7 groups of 6 arrays."""
    root = zarr.create_group(folder, zarr_format=3, overwrite=True)
    leaf = root.create_group("g0").create_group("h0")
    leaf.create_array("a0", shape=(64, 64), chunks=(32, 32), dtype="f4")
    for k in range(1, 6):
        shutil.copytree(folder / "g0/h0/a0", folder / f"g0/h0/a{k}")
    for k in range(1, 7):
        shutil.copytree(folder / "g0/h0", folder / f"g0/h{k}")
    for k in range(1, 6):
        shutil.copytree(folder / "g0", folder / f"g{k}")


def main():
    folder = pathlib.Path(sys.argv[1])
    done = folder / "complete"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    arrays(folder)
    group(folder / "nodes-v3", 1000, 3)
    group(folder / "nodes-277", 277, 3)
    for zarr_format in (2, 3):
        name = folder / f"nodes-v{zarr_format}-consolidated"
        group(name, 1000, zarr_format)
        zarr.consolidate_metadata(name, zarr_format=zarr_format)
    tree(folder / "tree")
    done.touch()


main()
