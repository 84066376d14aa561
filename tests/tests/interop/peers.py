"""Reads every array of a manifest with one peer and says of each: read, other bytes, or the peer's own refusal.

Usage: peers.py zarr-python|zarr-python-2|zarrs-python|tensorstore MANIFEST. Prints one JSON object: cell -> "read" |
"differs: …" | "refused: …". zarr-python 2 is not asked for arrays of v3.
"""

import json
import struct
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")


def framed(element):
    """An element of variable length, behind its length: text and bytes as they are, nothing and 0 as none, arrays
    little-endian, other objects as JSON."""
    if isinstance(element, np.ndarray):
        element = little(element).tobytes()
    elif isinstance(element, str):
        element = element.encode()
    elif not isinstance(element, bytes):
        empty = element is None or (isinstance(element, (bool, int, float)) and element == 0)
        element = b"" if empty else json.dumps(element, sort_keys=True, separators=(",", ":")).encode()
    return struct.pack("<I", len(element)) + element


def little(array):
    # Not `astype`: it leaves the bytes of times without a unit as they are.
    swapped = np.empty(array.shape, array.dtype.newbyteorder("<"))
    swapped[...] = array
    return swapped


def packed(array, mask):
    """The elements in C order, little-endian, without padding."""
    array = np.ascontiguousarray(array)
    if array.dtype.kind in "OT":
        return b"".join(framed(element) for element in array.ravel().tolist())
    if array.dtype.kind in "biufcmMSUV" and array.dtype.isbuiltin != 2:
        array = little(array)
    data = np.frombuffer(array.tobytes(), np.uint8)
    return (data & mask).tobytes() if mask != 0xFF else data.tobytes()


def with_zarr(row):
    import zarr

    return np.asarray(zarr.open_array(row["path"], mode="r", zarr_format=row["zarr_format"])[...])


def with_zarr_2(row):
    import zarr

    return zarr.open_array(row["path"], mode="r")[...]


def with_tensorstore(row):
    import tensorstore as ts

    spec = {
        "driver": "zarr3" if row["zarr_format"] == 3 else "zarr",
        "kvstore": {"driver": "file", "path": row["path"] + "/"},
    }

    def read(spec):
        array = np.asarray(ts.open(spec, read=True).result().read().result())
        if array.dtype.itemsize == 0:
            raise TypeError("its elements have no size in Python")
        return array

    if not row["fields"]:
        return read(spec)
    # One field at a time.
    fields = [read(spec | {"field": field}) for field in row["fields"]]
    both = np.empty(fields[0].shape, [(name, f.dtype) for name, f in zip(row["fields"], fields)])
    for name, field in zip(row["fields"], fields):
        both[name] = field
    return both


def main():
    peer, manifest = sys.argv[1:]
    rows = json.load(open(manifest))
    read = with_zarr
    if peer == "tensorstore":
        read = with_tensorstore
    elif peer == "zarr-python-2":
        read = with_zarr_2
        rows = [row for row in rows if row["zarr_format"] == 2]
    else:
        import zarr

        zarr.config.set({"array.rectilinear_chunks": True})
    if peer == "zarrs-python":
        import zarrs  # noqa: F401, registers the pipeline

        zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline", "codec_pipeline.strict": True})
    outcome = {}
    for row in rows:
        with open(row["expected"], "rb") as file:
            expected = file.read()
        try:
            array = read(row)
            found = packed(array, row["mask"])
        except BaseException as error:  # a panic of Rust code is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            text = " ".join(str(error).replace(row["path"], "").split())
            # tensorstore says first which file it has read.
            text = text.split('.json": ')[-1].split('.zarray": ')[-1]
            outcome[row["cell"]] = f"refused: {type(error).__name__}: {text[:300]}"
            continue
        if list(array.shape) != row["shape"]:
            outcome[row["cell"]] = f"differs: shape {array.shape}"
        elif found != expected:
            same = next((i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]), 0)
            found, expected = found[same:].hex()[:60], expected[same:].hex()[:60]
            outcome[row["cell"]] = f"differs: {found} where {expected} was written, from byte {same} on"
        else:
            outcome[row["cell"]] = "read"
    print(json.dumps(outcome))


main()
