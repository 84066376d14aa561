"""Reads arrays of Python objects with zarr-python 2, and changes the first element of some to the text "1".

Usage: objects.py MANIFEST. Each row has a path, the values that must be there, flat in C order, and whether to change them.
"""

import json
import sys

import zarr

for row in json.load(open(sys.argv[1])):
    array = zarr.open_array(row["path"], mode="r+")
    found = array[...].ravel().tolist() if array.shape else [array[()]]
    typed = [(type(value), value) for value in found]
    assert typed == [(type(value), value) for value in row["values"]], (row, found)
    if row["change"]:
        array[(0,) * len(array.shape)] = "1"
print(f"{len(json.load(open(sys.argv[1])))} arrays of objects read by zarr-python {zarr.__version__}")
