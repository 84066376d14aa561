"""Makes arrays and selections, and what NumPy and zarr-python select.

Usage: selections.py OUT ARRAYS SELECTIONS SEED. Writes OUT/arrays (a hierarchy of zarr-python's), OUT/cases.json and
OUT/expected.bin: the selected elements in C order, little-endian. Where NumPy raises IndexError the case is an error for us.
"""

import json
import os
import random
import sys
import warnings

import numpy as np
import zarr

warnings.simplefilter("ignore")
zarr.config.set({"array.rectilinear_chunks": True})
out, arrays, selections, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
rng = random.Random(seed)
DTYPES = ["uint8", "uint16", "int32", "float64", "complex64"]


def make(number):
    """An array of zarr-python's with its copy in memory."""
    rank = number % 6
    longest = (1, 40, 12, 7, 5, 4)[rank]
    # Now and then a dimension is empty.
    shape = tuple(0 if rng.random() < 0.04 else rng.randint(1, longest) for _ in range(rank))
    chunks = tuple(rng.randint(1, max(1, length)) for length in shape)
    layout = ("v2 C", "v2 F", "v3", "v3 transposed", "sharded", "rectilinear")[number // 6 % 6]
    if layout == "rectilinear" and (rank == 0 or 0 in shape):
        layout = "v3"
    dtype = np.dtype(rng.choice(DTYPES))
    options = {"store": os.path.join(out, "arrays"), "name": str(number), "shape": shape, "fill_value": 7}
    if layout.startswith("v2"):
        options |= {"zarr_format": 2, "chunks": chunks, "order": layout[-1]}
        if rng.random() < 0.5:
            dtype = dtype.newbyteorder(">")
    elif layout == "sharded":
        options |= {"chunks": chunks, "shards": tuple(edge * rng.randint(1, 3) for edge in chunks)}
    elif layout == "rectilinear":
        edges = []
        for length in shape:
            edges.append([])
            while sum(edges[-1]) < length:
                edges[-1].append(rng.randint(1, length - sum(edges[-1])))
        options |= {"chunks": edges}
    else:
        options |= {"chunks": chunks}
        if layout == "v3 transposed" and rank:
            order = list(range(rank))
            rng.shuffle(order)
            options |= {"filters": [zarr.codecs.TransposeCodec(order=order)]}
    array = zarr.create_array(dtype=dtype, **options)
    memory = np.full(shape, 7, dtype)
    # A block of it; the chunks outside are missing.
    block = tuple(slice(*sorted((rng.randint(0, length), length))) for length in shape)
    count = memory[block].size
    values = (np.arange(1, count + 1) * 2654435761 % 251).astype(dtype).reshape(memory[block].shape)
    if count:
        array[block if rank else ...] = values if rank else values[()]
        memory[block] = values
    return array, memory, layout


def bound(length):
    return rng.choice([None, rng.randint(-length - 2, length + 2), rng.randint(0, length)])


def one(length, kinds):
    kind = rng.choice(kinds)
    if kind == "index":
        # Some lie outside.
        return {"index": rng.randint(-length - 1, length) if rng.random() < 0.04 else rng.randint(-length, max(length - 1, 0))}
    if kind == "range":
        return {"range": [bound(length), bound(length), rng.choice([None, 1, 2, 3, length + 1])]}
    if kind == "mask":
        return {"mask": [rng.random() < 0.4 for _ in range(length + (rng.random() < 0.03))]}
    if length == 0:
        return {"list": []}
    return {"list": [rng.randint(-length, length - 1) for _ in range(rng.randint(0, 6))]}


def selects(shape, kinds):
    """One for each dimension, some left out, perhaps with an ellipsis."""
    chosen = [one(length, kinds) for length in shape]
    if rng.random() < 0.35:
        first = rng.randint(0, len(shape))
        last = rng.randint(first, len(shape))
        chosen[first:last] = ["ellipsis"]
    elif chosen and rng.random() < 0.2:
        chosen = chosen[: rng.randint(0, len(chosen))]
    elif rng.random() < 0.01:
        chosen.append({"index": 0})
    return chosen


def python(select):
    if select == "ellipsis":
        return Ellipsis
    kind, value = next(iter(select.items()))
    if kind == "index":
        return value
    if kind == "range":
        return slice(*value)
    return np.array(value, dtype=bool if kind == "mask" else np.intp)


def orthogonal(memory, chosen):
    """NumPy, one dimension after the other, from the last."""
    if sum(1 for select in chosen if select != "ellipsis") > memory.ndim:
        raise IndexError("too many indices")
    at = chosen.index("ellipsis") if "ellipsis" in chosen else len(chosen)
    before, after = chosen[:at], chosen[at + 1 :]
    whole = [{"range": [None, None, None]}] * (memory.ndim - len(before) - len(after))
    for dim, select in reversed(list(enumerate([*before, *whole, *after]))):
        memory = memory[(slice(None),) * dim + (python(select),)]
    return memory


cases, data = [], open(os.path.join(out, "expected.bin"), "wb")
agreed, refused = 0, {}
for number in range(arrays):
    array, memory, layout = make(number)
    for turn in range(selections):
        case = {"array": str(number), "layout": layout, "kind": ("basic", "orthogonal", "points")[turn % 3]}
        if case["kind"] == "points" and memory.ndim == 0:
            case["kind"] = "basic"
        theirs = None
        try:
            if case["kind"] == "basic":
                case["select"] = selects(memory.shape, ["index", "range", "range"])
                chosen = tuple(map(python, case["select"]))
                expected, read = memory[chosen], lambda: array[chosen if chosen else ...]
            elif case["kind"] == "orthogonal":
                case["select"] = selects(memory.shape, ["index", "range", "list", "list", "mask"])
                chosen = tuple(map(python, case["select"]))
                expected, read = orthogonal(memory, case["select"]), lambda: array.oindex[chosen if chosen else ...]
            else:
                count = 0 if memory.size == 0 else rng.randint(0, 9)
                outside = rng.random() < 0.03
                coordinates = [
                    [rng.randint(-length - outside, max(length - 1 + outside, 0)) for _ in range(count)]
                    for length in memory.shape
                ]
                case["points"] = [list(point) for point in zip(*coordinates)]
                chosen = tuple(np.array(c, dtype=np.intp) for c in coordinates)
                expected, read = memory[chosen], lambda: array.vindex[chosen]
        except IndexError as error:
            case["error"] = str(error)
            cases.append(case)
            continue
        expected = np.asarray(expected)
        # zarr-python must agree with NumPy, or say that it cannot.
        try:
            theirs = np.asarray(read())
        except Exception as error:
            name = type(error).__name__
            refused[name] = refused.get(name, 0) + 1
        else:
            assert theirs.shape == expected.shape and (theirs == expected).all(), (case, theirs, expected)
            agreed += 1
        encoded = np.ascontiguousarray(expected).astype(memory.dtype.newbyteorder("<")).tobytes()
        case |= {"shape": list(expected.shape), "offset": data.tell(), "bytes": len(encoded)}
        data.write(encoded)
        cases.append(case)
data.close()
with open(os.path.join(out, "cases.json"), "w") as file:
    json.dump(cases, file)
print(f"{len(cases)} cases; zarr-python {zarr.__version__} selects {agreed} of them as NumPy does and refuses {refused}")
