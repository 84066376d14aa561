"""The servers that the benchmark starts, each for one row, on a free port."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

DAV_MODULES = ["/usr/lib/nginx/modules/ngx_http_dav_ext_module.so", "/usr/share/nginx/modules/ngx_http_dav_ext_module.so"]


class Local:
    """No server: the folder itself."""

    def __call__(self, work, data):
        return contextlib.nullcontext(None)


class Nginx:
    """nginx with its listing module for `PROPFIND`, and HTML listings; requests are counted by its own status page."""

    def __call__(self, work, data):
        return RunningNginx(work, data)


class RunningNginx:
    def __init__(self, work, data):
        self.work, self.data, self.missing = work, data, None
        self.child, self.url = None, None

    def __enter__(self):
        program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if program is None:
            self.missing = "nginx"
            return self
        module = next((path for path in DAV_MODULES if pathlib.Path(path).exists()), None)
        folder, port = self.work / "nginx", free_port()
        folder.mkdir(exist_ok=True)
        (folder / "nginx.conf").write_text(config(folder, self.work / "data", port, module))
        self.child = subprocess.Popen([program, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.status, self.url = f"http://127.0.0.1:{port}/server-status", f"http://127.0.0.1:{port}/{self.data}"
        wait_for(self.status, self.child)
        return self

    def requests(self):
        """Requests served so far, without those that ask for this."""
        page = urllib.request.urlopen(self.status).read().decode()
        total = int(re.search(r"requests\s+\d+ \d+ (\d+)", page)[1])
        self.own = getattr(self, "own", 0) + 1
        return total - self.own

    def __exit__(self, *_):
        stop(self.child)


class Delay:
    """The tests' server: from memory, each answer after `delay_ms`; requests are counted by its log."""

    def __init__(self, delay_ms):
        self.delay_ms = delay_ms

    def __call__(self, work, data):
        return RunningDelay(work, data, self.delay_ms)


class RunningDelay:
    missing = None

    def __init__(self, work, data, delay_ms):
        self.work, self.data, self.delay_ms = work, data, delay_ms

    def __enter__(self):
        program = self.work.parent / "release/zarr-test-server"
        self.log = self.work / "delay.log"
        args = ["http", "--mode", "nginx", "--dir", self.work / "data" / self.data, "--delay-ms", str(self.delay_ms), "--log"]
        with self.log.open("wb") as log:
            self.child = subprocess.Popen([program, *args], stdout=subprocess.PIPE, stderr=log, text=True)
        self.url = self.child.stdout.readline().strip()
        return self

    def requests(self):
        return self.log.read_bytes().count(b"\n")

    def __exit__(self, *_):
        stop(self.child)


def config(folder, root, port, module):
    dav = "dav_ext_methods PROPFIND OPTIONS;" if module else ""
    temporary = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""{f"load_module {module};" if module else ""}
worker_processes auto; daemon off; pid {folder}/nginx.pid; user root;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/octet-stream; keepalive_requests 1000000; sendfile on; tcp_nopush on; {temporary}
  server {{
    listen 127.0.0.1:{port} backlog=4096; root {root};
    location = /server-status {{ stub_status; }}
    location / {{ autoindex on; {dav} }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, child):
    end = time.monotonic() + 20
    while time.monotonic() < end and child.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"{url} does not answer")


def stop(child):
    if child is not None:
        child.send_signal(signal.SIGTERM)
        child.wait(20)
