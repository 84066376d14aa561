#!/usr/bin/env python3
"""Writes vectors.json: what numcodecs 0.17.1 (zfpy 1.0.1) makes of small arrays, to be read by tests/codec_vectors.rs.

    pip install numcodecs[crc32c,pcodec,zfpy,msgpack]==0.17.1 zfpy==1.0.1 && python gen.py

Each case is a v2 chunk: dtype, shape, order, filters and compressor as in `.zarray`; the stored bytes
in base64 and the hash of the decoded elements (C order, little-endian), which are what numcodecs reads
back, so lossy codecs are covered, too; `source` is what was encoded where that differs.
"""
import base64, hashlib, json, os, zlib
import numcodecs, numpy as np
from numcodecs.registry import get_codec

CASES = []

def smooth(dtype, shape, seed):
    r = np.random.default_rng(seed)
    n = int(np.prod(shape))
    if np.dtype(dtype).kind == "b":
        return r.integers(0, 2, n).astype(bool).reshape(shape)
    walk = np.cumsum(r.integers(-3, 4, n))
    if np.dtype(dtype).kind == "f":
        walk = walk / 7 + r.standard_normal(n) / 100
    return (walk % 120).astype(dtype).reshape(shape)

def case(name, dtype, shape, filters=(), compressor=None, order="C", data=None):
    a = np.asarray(smooth(dtype, shape, zlib.crc32(name.encode())) if data is None else data, dtype=dtype)
    a = np.asarray(a, order=order)
    chunk = a if order == "C" else a.reshape(-1, order="A")
    filters = [dict(f) for f in filters]
    chain = [get_codec(dict(c)) for c in filters + ([compressor] if compressor else [])]
    for c in chain:
        if c.codec_id == "zfpy" and c.mode == 5:
            c.compression_kwargs = {}  # numcodecs forgets them in this mode
    buf = chunk
    for c in chain:
        buf = c.encode(buf)
    encoded = np.ascontiguousarray(buf).tobytes() if isinstance(buf, np.ndarray) else bytes(buf)
    back = encoded
    for c in reversed(chain):
        back = c.decode(back)
    back = np.frombuffer(np.ascontiguousarray(back).tobytes(), dtype).reshape(shape, order=order)
    le = np.ascontiguousarray(back).astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    source = np.ascontiguousarray(a).astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    lossy = {} if source == le else {"source": base64.b64encode(source).decode()}
    CASES.append({"name": name, "dtype": np.dtype(dtype).str, "shape": list(shape), "order": order, "filters": filters,
                  "compressor": compressor, "encoded": base64.b64encode(encoded).decode(), "sha256": hashlib.sha256(le).hexdigest(), **lossy})

for dt in ("<i4", "<i8", "<f4", "<f8"):
    for shape in ((1,), (21,), (4, 4), (9, 6), (5, 3, 6), (3, 5, 4, 2)):
        for mode in ({"mode": 4, "tolerance": 0.01}, {"mode": 4, "tolerance": 3.0}, {"mode": 2, "rate": 9.5}, {"mode": 3, "precision": 13}, {"mode": 5}):
            if dt[1] == "i" and mode["mode"] == 4:
                continue
            case(f"zfpy-{dt}-{'x'.join(map(str, shape))}-{mode}", dt, shape, compressor={"id": "zfpy", **mode})
special = np.array([0.0, -0.0, 1e-310, np.inf, -np.inf, np.nan, 1.5, 3e300] * 3)
case("zfpy-reversible-special-f8", "<f8", (24,), compressor={"id": "zfpy", "mode": 5}, data=special)
with np.errstate(over="ignore"):
    case("zfpy-reversible-special-f4", "<f4", (4, 6), compressor={"id": "zfpy", "mode": 5}, data=special.astype("<f4").reshape(4, 6))
case("zfpy-zeros", "<f8", (9, 9), compressor={"id": "zfpy", "mode": 4, "tolerance": 1e-3}, data=np.zeros((9, 9)))
case("zfpy-tiny", "<f4", (16,), compressor={"id": "zfpy", "mode": 4, "tolerance": 1e-30}, data=np.full(16, 1e-25, "<f4"))
for dt in ("<u2", "<u4", "<u8", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8"):
    case(f"pcodec-{dt}", dt, (300,), compressor={"id": "pcodec", "level": 8})
    case(f"pcodec-paged-{dt}", dt, (20, 30), compressor={"id": "pcodec", "level": 3, "equal_pages_up_to": 256})
for dt in ("<i1", "<u2", ">i4", "<i8", "<f4", ">f8"):
    case(f"delta-{dt}", dt, (37,), [{"id": "delta", "dtype": dt}])
case("delta-astype", "<i4", (37,), [{"id": "delta", "dtype": "<i4", "astype": ">i2"}])
case("delta-order-f", "<i4", (5, 7), [{"id": "delta", "dtype": "<i4"}], order="F")
case("delta-shuffle-zlib", "<i8", (64,), [{"id": "delta", "dtype": "<i8"}, {"id": "shuffle", "elementsize": 8}], {"id": "zlib", "level": 3})
for dt, at in (("<f8", "<i4"), ("<f4", "<u2"), (">f8", ">i2"), ("<i4", "<i8"), ("<f4", "<f4"), ("<f2", "|u1")):
    case(f"fixedscaleoffset-{dt}-{at}", dt, (37,), [{"id": "fixedscaleoffset", "offset": 5, "scale": 10, "dtype": dt, "astype": at}])
case("fixedscaleoffset-float", "<f8", (37,), [{"id": "fixedscaleoffset", "offset": 1.25, "scale": 0.3, "dtype": "<f8", "astype": "<i2"}])
for dt in ("<f2", "<f4", "<f8", ">f4"):
    for digits in (0, 1, 3):
        case(f"quantize-{dt}-{digits}", dt, (37,), [{"id": "quantize", "digits": digits, "dtype": dt}])
case("quantize-astype", "<f8", (37,), [{"id": "quantize", "digits": 2, "dtype": "<f8", "astype": "<f4"}])
for dt in ("<f2", "<f4", "<f8"):
    case(f"bitround-{dt}", dt, (37,), [{"id": "bitround", "keepbits": 5}], {"id": "zlib", "level": 1})
for enc, dec in (("<f8", "<f4"), ("<i2", "<i8"), (">i4", "<f8"), ("<f4", "|u1"), ("<u8", "<f4")):
    case(f"astype-{enc}-{dec}", dec, (37,), [{"id": "astype", "encode_dtype": enc, "decode_dtype": dec}])
for n in (1, 8, 37):
    case(f"packbits-{n}", "|b1", (n,), [{"id": "packbits"}])
for size in (1, 2, 3, 4, 8, 16):
    case(f"shuffle-{size}", "|u1", (48 * 5,), [{"id": "shuffle", "elementsize": size}])
for cname in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
    for shuffle in (0, 1, 2, -1):
        for dt, n in (("|u1", 1300), ("<i2", 701), ("<i4", 2048), ("<f8", 250), ("|V3", 300)):
            data = np.frombuffer(smooth("|u1", (3 * n,), 1).tobytes(), dt) if dt == "|V3" else None
            for blocksize in (0, 512) if dt != "|V3" else (0,):
                case(f"blosc-{cname}-{shuffle}-{dt}-{blocksize}", dt, (n,), compressor={"id": "blosc", "cname": cname, "clevel": 5, "shuffle": shuffle, "blocksize": blocksize}, data=data)
case("blosc-level-0", "<i4", (100,), compressor={"id": "blosc", "cname": "lz4", "clevel": 0, "shuffle": 1, "blocksize": 0})
case("blosc-small", "<i4", (3,), compressor={"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0})
for id_, conf in (("zlib", {"level": 6}), ("gzip", {"level": 9}), ("bz2", {"level": 2}), ("lz4", {"acceleration": 3}), ("zstd", {"level": 3, "checksum": True}),
                  ("crc32", {}), ("crc32", {"location": "end"}), ("crc32c", {}), ("adler32", {}), ("adler32", {"location": "end"}), ("fletcher32", {}),
                  ("jenkins_lookup3", {}), ("jenkins_lookup3", {"initval": 77}), ("base64", {})):
    for n in (1, 33, 700):
        case(f"{id_}-{conf}-{n}", "|u1", (n,), compressor={"id": id_, **conf})
for conf in ({"format": 1, "check": -1, "preset": None, "filters": None}, {"format": 1, "check": 0, "preset": 1, "filters": None}, {"format": 1, "check": 1, "preset": 9, "filters": None},
             {"format": 1, "check": 10, "preset": None, "filters": None}, {"format": 2, "check": -1, "preset": None, "filters": None},
             {"format": 3, "check": -1, "preset": None, "filters": [{"id": 3, "dist": 4}, {"id": 33, "preset": 1}]}):
    case(f"lzma-{conf}", "<i4", (300,), compressor={"id": "lzma", **conf})
LZMA1 = 0x4000000000000001
for filters in ([{"id": LZMA1, "preset": 6}], [{"id": LZMA1, "preset": 6, "lc": 0, "lp": 2, "pb": 1}], [{"id": LZMA1, "dict_size": 8192, "lc": 4, "lp": 0, "pb": 4}],
                [{"id": 33, "lc": 1, "lp": 3, "pb": 0}], *([{"id": machine}, {"id": 33}] for machine in (4, 5, 6, 7, 8, 9)),
                [{"id": 3, "dist": 2}, {"id": 4, "start_offset": 4096}, {"id": 33}]):
    # Calls and branches of all these machines among zeros, so that their filters have something to do.
    code = np.frombuffer(bytes.fromhex("e810000000 48001001 eb000010 f000f810 40000004 00".replace(" ", "")) * 40, "|u1")
    case(f"lzma-raw-{filters}", "|u1", (len(code),), compressor={"id": "lzma", "format": 3, "check": -1, "preset": None, "filters": filters}, data=code)
for dt, astype in (("<U3", "|u1"), (">U3", "<u4"), ("<U1", ">i2")):
    text = np.array(["\u00e9\U0001f642", "b", "", "zz"] * 5, dt)
    case(f"categorize-{dt}-{astype}", dt, (4, 5), [{"id": "categorize", "labels": ["\u00e9\U0001f642", "b"], "dtype": dt, "astype": astype}], data=text.reshape(4, 5))

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "vectors.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
print(len(CASES), "cases, numcodecs", numcodecs.__version__)
