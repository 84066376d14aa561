"""Writes air.zarr, the hierarchy that the README's first command shows: Zarr v3 as xarray writes it, with consolidated metadata.

Needs nothing but Python 3: `python3 zarr-cli/examples/make_air.py`. The numbers are made up (a smooth field with a daily
cycle); the same bytes come out each time.
"""

import gzip
import json
import math
import shutil
import struct
from pathlib import Path

ROOT = Path(__file__).with_name("air.zarr")
TIMES, LATS, LONS = 48, 13, 27
SCALE, OFFSET = 0.01, 273.15
LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
GZIP = {"name": "gzip", "configuration": {"level": 9}}


def array(path, shape, chunk, data_type, fill, codecs, names, attributes):
    return path, {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": codecs,
        "dimension_names": names,
        "attributes": attributes,
    }


def group(path, attributes):
    return path, {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def kelvin(hour, lat, lon):
    day = math.cos(math.radians(15 * hour + lon))
    return 300 - 0.45 * lat + 4 * day * math.cos(math.radians(lat)) + 3 * math.sin(math.radians(3 * lon + hour))


def write(key, data):
    file = ROOT / key
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    lats = [75 - 5 * i for i in range(LATS)]
    lons = [200 + 5 * i for i in range(LONS)]
    station_names = ["Nuuk", "Bergen", "Tromsø", "札幌"]
    nodes = dict([
        group("", {"Conventions": "CF-1.8", "title": "Air temperature at 2 m, made up for the examples"}),
        array("air", [TIMES, LATS, LONS], [16, LATS, LONS], "int16", -32767, [LITTLE, GZIP], ["time", "lat", "lon"],
              {"units": "K", "long_name": "air temperature", "scale_factor": SCALE, "add_offset": OFFSET, "_FillValue": -32767}),
        array("lat", [LATS], [LATS], "float32", "NaN", [LITTLE], ["lat"], {"units": "degrees_north"}),
        array("lon", [LONS], [LONS], "float32", "NaN", [LITTLE], ["lon"], {"units": "degrees_east"}),
        array("time", [TIMES], [TIMES], "int64", 0, [LITTLE], ["time"],
              {"units": "hours since 2013-01-01 00:00:00", "calendar": "standard"}),
        group("stations", {"comment": "where the air was measured"}),
        array("stations/height", [4], [4], "float32", "NaN", [LITTLE], ["station"], {"units": "m"}),
        array("stations/name", [4], [4], "string", "", [{"name": "vlen-utf8"}], ["station"], {}),
    ])

    for start in range(0, TIMES, 16):
        values = (round((kelvin(hour, lat, lon) - OFFSET) / SCALE)
                  for hour in range(start, start + 16) for lat in lats for lon in lons)
        data = struct.pack(f"<{16 * LATS * LONS}h", *values)
        write(f"air/c/{start // 16}/0/0", gzip.compress(data, 9, mtime=0))
    write("lat/c/0", struct.pack(f"<{LATS}f", *lats))
    write("lon/c/0", struct.pack(f"<{LONS}f", *lons))
    write("time/c/0", struct.pack(f"<{TIMES}q", *range(TIMES)))
    write("stations/height/c/0", struct.pack("<4f", 5, 12, 10, 17))
    names = [name.encode() for name in station_names]
    write("stations/name/c/0", struct.pack("<I", 4) + b"".join(struct.pack("<I", len(n)) + n for n in names))

    root = dict(nodes[""])
    members = {path: document for path, document in sorted(nodes.items()) if path}
    root["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": members}
    for path, document in {**nodes, "": root}.items():
        key = f"{path}/zarr.json" if path else "zarr.json"
        write(key, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    main()
