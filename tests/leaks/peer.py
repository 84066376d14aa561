"""A Python peer, looked at from outside: `peer.py CONTENDER life|many|second URL`.

The URL is the root of a server with the groups `hundred` and `ten` (for gcsfs: in the bucket `bucket`). It says on stdout
where it has come to, and goes on when a line comes in: README.md has the steps.
"""

import atexit
import sys


def step(name):
    print(name, flush=True)
    sys.stdin.readline()


# What is registered first runs last, when the others have cleaned up.
atexit.register(step, "exit")

import asyncio  # noqa: E402
import gc  # noqa: E402

import zarr  # noqa: E402
from zarr.storage import FsspecStore, ObjectStore  # noqa: E402

READ = {"mode": "r", "use_consolidated": False}


class Fsspec:
    """`zarr.open_group(URL)` and `store.close()`: all that zarr-python's own API has."""

    def __init__(self, url):
        import aiohttp  # noqa: F401
        import fsspec.implementations.http  # noqa: F401

        self.url = url

    def options(self, user):
        return {} if user is None else {"headers": {"x-user": str(user)}}

    def open(self, path, user=None):
        return zarr.open_group(f"{self.url}/{path}", storage_options=self.options(user), **READ)

    def close(self, group):
        group.store.close()


class Gcsfs(Fsspec):
    """The same for `gs://`."""

    def __init__(self, url):
        import gcsfs  # noqa: F401

        self.url, self.endpoint = "gs://bucket", url

    def options(self, user):
        options = {"endpoint_url": self.endpoint, "token": "anon"}
        if user is not None:
            options["session_kwargs"] = {"headers": {"x-goog-user-project": f"project-{user}"}}
        return options


class Cleared:
    """And then what the documentation of `FsspecStore` names for releasing the filesystem."""

    def close(self, group):
        super().close(group)
        group.store.fs.clear_instance_cache()


class FsspecCleared(Cleared, Fsspec):
    pass


class GcsfsCleared(Cleared, Gcsfs):
    pass


class Obstore:
    """obstore has no close: `store.close()` is zarr's, and dropping is what its documentation has."""

    def __init__(self, url):
        import obstore.store

        self.url, self.type = url, obstore.store.HTTPStore

    def open(self, path, user=None):
        # It lists from the server's root, so the rest of the path is the group's.
        options = {"allow_http": True}
        if user is not None:
            options["default_headers"] = {"x-user": str(user)}
        return zarr.open_group(ObjectStore(self.type.from_url(self.url, client_options=options), read_only=True), path=path, **READ)

    def close(self, group):
        group.store.close()


class ByHand(Fsspec):
    """A program that is asynchronous all through, and closes fsspec's session itself, as fsspec's documentation shows."""

    shared = True

    async def open(self, path, user=None):
        import fsspec

        fs = fsspec.filesystem("http", asynchronous=True, skip_instance_cache=not self.shared, **self.options(user))
        await fs.set_session()
        return await zarr.api.asynchronous.open_group(FsspecStore(fs, path=f"{self.url}/{path}", read_only=True), **READ)

    async def close(self, group):
        group.store.close()
        await (await group.store.fs.set_session()).close()


class ByHandAlone(ByHand):
    """The same with a filesystem, and so with connections, of each store's own."""

    shared = False


CONTENDERS = {
    "fsspec": Fsspec,
    "fsspec-cleared": FsspecCleared,
    "fsspec-by-hand": ByHand,
    "fsspec-by-hand-alone": ByHandAlone,
    "gcsfs": Gcsfs,
    "gcsfs-cleared": GcsfsCleared,
    "obstore": Obstore,
}


class Now:
    """Lets the scenarios, which are asynchronous, run over an API that is not."""

    def __init__(self, contender):
        self.contender = contender

    async def open(self, *args):
        return self.contender.open(*args)

    async def members(self, group):
        return len(group.members())

    async def close(self, group):
        self.contender.close(group)

    async def step(self, name):
        step(name)

    def run(self, scenario):
        # No loop of asyncio's: zarr-python has its own, on a thread.
        try:
            scenario.send(None)
        except StopIteration:
            return
        raise RuntimeError("nothing here waits")


class Later:
    """Runs them in an event loop, which goes on while the process is looked at."""

    def __init__(self, contender):
        self.open, self.close = contender.open, contender.close

    async def members(self, group):
        return len([member async for member in group.members()])

    async def step(self, name):
        loop = asyncio.get_running_loop()
        looked = loop.create_future()
        print(name, flush=True)
        loop.add_reader(sys.stdin, lambda: looked.done() or looked.set_result(sys.stdin.readline()))
        await looked
        loop.remove_reader(sys.stdin)

    def run(self, scenario):
        asyncio.run(scenario)


async def life(way):
    await way.step("start")
    group = await way.open("hundred")
    assert await way.members(group) == 100
    await way.step("members")
    await way.close(group)
    await way.step("close")
    del group
    gc.collect()
    await way.step("drop")


async def many(way):
    for user in range(50):
        group = await way.open("ten", user)
        assert await way.members(group) == 10
        await way.close(group)
        del group
        gc.collect()
    await way.step("many")


async def second(way):
    first, other = await way.open("hundred"), await way.open("hundred")
    for group in (first, other):
        assert await way.members(group) == 100
    await way.close(first)
    del first, group
    gc.collect()
    try:
        found = await way.members(other)
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    await way.step(f"second {found}")
    await way.close(other)


def main():
    name, scenario, url = sys.argv[1:]
    contender = CONTENDERS[name](url.rstrip("/"))
    way = (Later if isinstance(contender, ByHand) else Now)(contender)
    way.run({"life": life, "many": many, "second": second}[scenario](way))


main()
