"""The data of the scaling plots, made by hand: a writer would take longer than all measurements."""

import json
import shutil
import struct

from environment import WORK

FOLDER = WORK / "scaling"
EDGE, SHARD_EDGE = 4, 400
BYTES = {"name": "bytes", "configuration": {"endian": "little"}}


def missing_chunks(count):
    return FOLDER / f"missing-{count}"


def inner_chunks(count):
    return FOLDER / f"sharded-{count}"


def nodes(count, consolidated):
    return FOLDER / f"{'consolidated' if consolidated else 'nodes'}-{count}"


def prepare():
    """Makes what is not there yet."""
    for exponent in range(2, 7):
        once(missing_chunks(10**exponent), lambda folder: make_missing(folder, 10**exponent))
        once(inner_chunks(10**exponent), lambda folder: make_sharded(folder, 10**exponent))
    for exponent in range(1, 6):
        once(nodes(10**exponent, False), lambda folder: make_nodes(folder, 10**exponent))
        once(nodes(10**exponent, True), lambda folder: make_consolidated(folder, 10**exponent))


def once(folder, make):
    done = folder.with_suffix(".complete")
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        done.touch()


def array(shape, chunk_shape, codecs):
    return {
        "zarr_format": 3, "node_type": "array", "shape": shape, "data_type": "float32", "fill_value": 0, "attributes": {},
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk_shape}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "codecs": codecs,
    }


def shape_of(count):
    """Chunks in two dimensions, as near to a square as tens go."""
    rows = 10 ** (len(str(count - 1)) // 2)
    return [rows * EDGE, count // rows * EDGE]


def write(folder, document):
    (folder / "zarr.json").write_text(json.dumps(document))


def make_missing(folder, count):
    write(folder, array(shape_of(count), [EDGE, EDGE], [BYTES]))


def make_sharded(folder, count):
    """Shards of up to 10⁴ inner chunks that are stored as they are, with an index that only says where."""
    shape = shape_of(count)
    shard = [min(length, SHARD_EDGE) for length in shape]
    sharding = {"name": "sharding_indexed", "configuration": {"chunk_shape": [EDGE, EDGE], "codecs": [BYTES], "index_codecs": [BYTES], "index_location": "end"}}
    write(folder, array(shape, shard, [sharding]))
    inner, size = shard[0] * shard[1] // EDGE**2, EDGE**2 * 4
    chunks = struct.pack(f"<{EDGE**2}f", *range(EDGE**2)) * inner
    index = b"".join(struct.pack("<QQ", number * size, size) for number in range(inner))
    for row in range(shape[0] // shard[0]):
        (folder / f"c/{row}").mkdir(parents=True)
        for column in range(shape[1] // shard[1]):
            (folder / f"c/{row}/{column}").write_bytes(chunks + index)


def group(consolidated=None):
    document = {"zarr_format": 3, "node_type": "group", "attributes": {}}
    return document if consolidated is None else {**document, "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": consolidated}}


def members(count):
    document = array([64], [64], [BYTES])
    return {f"a{number:06}": document for number in range(count)}


def make_nodes(folder, count):
    write(folder, group())
    for name, document in members(count).items():
        (folder / name).mkdir()
        write(folder / name, document)


def make_consolidated(folder, count):
    write(folder, group(members(count)))
