"""Makes the groups that all list: `data.py FOLDER`."""

import pathlib
import shutil
import sys

import zarr


def group(folder, count):
    """A group of `count` arrays that are alike."""
    root = zarr.create_group(folder, zarr_format=3)
    root.create_array("a00", shape=(4, 4), chunks=(2, 2), dtype="f4")
    for k in range(1, count):
        shutil.copytree(folder / "a00", folder / f"a{k:02}")


folder = pathlib.Path(sys.argv[1])
if not (folder / "complete").exists():
    shutil.rmtree(folder, ignore_errors=True)
    group(folder / "hundred", 100)
    group(folder / "ten", 10)
    (folder / "complete").touch()
