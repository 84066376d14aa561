"""What the benchmarks need before they run: both sides built, the Python peers, the data. What is there is kept."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
WORK = TARGET / "bench"
DATA = WORK / "data"
RELEASE = TARGET / "release"
PYTHON = WORK / "venv/bin/python"
PEERS = WORK / "peers/release/zarr-bench-peers"
PACKAGES = ["zarr==3.4.2", "zarrs==0.2.3", "tensorstore==0.1.86", "obstore==0.12.1", "fsspec==2026.9.0", "aiohttp==3.14.5", "numpy"]


def prepare(skip_build=False, micro=False):
    """Everything that is measured. `micro`: the planning benchmark's binary too."""
    WORK.mkdir(parents=True, exist_ok=True)
    if not skip_build:
        cargo("-p", "zarr-tests", "--example", "bench-ours", "--bin", "zarr-test-server")
        cargo("-p", "zarr-cli")
        cargo("--manifest-path", HERE / "peers/Cargo.toml", "--target-dir", WORK / "peers")
        if micro:
            cargo("--manifest-path", HERE / "micro/Cargo.toml", "--target-dir", TARGET, "--bin", "plan")
    if not (WORK / "venv/complete").exists():
        subprocess.run([interpreter(), "-m", "venv", "--clear", WORK / "venv"], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (WORK / "venv/complete").touch()
    subprocess.run([PYTHON, "-W", "ignore", HERE / "data.py", DATA], check=True)


def cargo(*args):
    """Builds as users do: by the release profile of the manifest, whatever the caller's environment says."""
    ours = ("CARGO_PROFILE_", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "RUSTFLAGS", "CARGO_INCREMENTAL")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    subprocess.run(["cargo", "build", "--release", "--locked", *args], cwd=ROOT, env=env, check=True)


def read_all(folder):
    """Reads every file once: what is measured first must not pay the disk for those that come after it."""
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 22):
                    pass


def interpreter():
    """The first Python that runs and is new enough for the newest zarr-python."""
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    found = [sys.executable, *(shutil.which(f"python3.{minor}") for minor in (14, 13, 12)), *sorted(pyenv.glob("3.*/bin/python3"), reverse=True)]
    for program in filter(None, found):
        check = subprocess.run([program, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"], capture_output=True)
        if check.returncode == 0:
            return program
    sys.exit("the newest zarr-python asks for Python 3.12 or newer, and none was found")


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release().split('-')[0]}"


def built():
    """By what the binaries were made."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return f"rustc {rustc}, the manifest's release profile (thin LTO)"
