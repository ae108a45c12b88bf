"""mirrors: rules that are kept elsewhere, brought to folders here.

In:   `git+https://HOST/REPO.git@REF#FOLDER`, or a URI of an object store
Out:  a folder of rule files for each state that was seen; a folder, once there, never changes
Docs: gitrevisions(7); git-archive(1); pyarrow.fs.FileSystem.from_uri
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
from pyarrow.fs import FileSelector, FileSystem, FileType

from hamrong.errors import HamrongError, ServiceError

SUFFIXES = (".yml", ".yaml", ".txt")
"""Rules and filters; lists of values."""
GIT_SECONDS = 60
"""A server that has not answered by then is tried again later."""
KEPT = 3
_LISTING = ".listing.json"

log = logging.getLogger(__name__)


class Mirror(Protocol):
    uri: str
    """Without a password, as it may be told."""

    def bring(self) -> Path:
        """The folder with what is there now. Raises ServiceError when it cannot be had."""

    def last(self) -> Path | None:
        """The folder that was brought last, by this process or an earlier one."""


def mirror(uri: str, cache: Path) -> Mirror:
    """Raises HamrongError when `uri` is none that can be read."""
    folder = _folder(uri, cache)
    return Git(uri, folder) if uri.startswith("git+") else Store(uri, folder)


def current(uri: str, cache: Path, seconds: float) -> Path:
    """The folder as it was brought within the last `seconds`, else brought now; while the place is away, as it was.

    Raises HamrongError when `uri` is none that can be read, or is away and has never been brought.
    """
    source = mirror(uri, cache)
    last = source.last()
    if last and time.time() - last.stat().st_mtime < seconds:
        return last
    try:
        return source.bring()
    except ServiceError as error:
        if last is None:
            raise
        log.warning("the rules from there are as they were: %s", error)
        return last


def origin(uris: Iterable[str], cache: Path, path: str) -> str | None:
    """The URI that a file or folder was brought from; None when it was not brought."""
    parents = Path(path).absolute().parents
    return next((_shown(uri) for uri in uris if _folder(uri, cache).absolute() in parents), None)


def _folder(uri: str, cache: Path) -> Path:
    return cache / "mirrors" / hashlib.sha256(uri.encode()).hexdigest()[:16]


class Git:
    """A folder of a Git repository at a branch, a tag or a commit; `git` itself knows the credentials."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri = _shown(uri)
        self._folder = folder
        address, _, self._inside = uri.removeprefix("git+").partition("#")
        parts = urlsplit(address)
        path, _, ref = parts.path.partition("@")
        self._address = parts._replace(path=path).geturl()
        self._ref = ref or "HEAD"
        # A name that begins with a dash would be an option to git; plain http could be answered by anybody.
        if parts.scheme not in ("https", "ssh", "file") or not re.fullmatch(r"\w[\w./-]*", self._ref):
            raise HamrongError(
                f"detection.rules_from: {self.uri} is no Git ref (write git+https://HOST/REPO.git@main#rules)"
            )

    def bring(self) -> Path:
        bare = self._folder / "repository"
        try:
            bare.mkdir(parents=True, exist_ok=True)
            self._git("init", "--quiet", "--bare", str(bare))
            fetch = ("fetch", "--quiet", "--depth=1", "--no-tags", "--force", self._address, self._ref)
            self._git("-C", str(bare), *fetch)
            commit = self._git("-C", str(bare), "rev-parse", "FETCH_HEAD").decode().strip()
            return _placed(self._folder, commit, lambda into: self._unpack(bare, commit, into))
        except (OSError, tarfile.TarError) as error:
            raise ServiceError(f"{self.uri}: {error}") from error

    def last(self) -> Path | None:
        return _newest(self._folder)

    def _unpack(self, bare: Path, commit: str, into: Path) -> None:
        packed = self._git("-C", str(bare), "archive", "--format=tar", f"{commit}:{self._inside.strip('/')}")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            for member in archive:
                # No links: they could lead out of the folder.
                if member.isfile() and _is_ours(member.name) and (content := archive.extractfile(member)):
                    _write(into, member.name, content.read())

    def _git(self, *arguments: str) -> bytes:
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["git", *arguments],
                env={**os.environ, **quiet},
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=GIT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise ServiceError(f"{self.uri}: the program git is not there; install it") from None
        except subprocess.TimeoutExpired:
            raise ServiceError(f"{self.uri}: git took over {GIT_SECONDS} s") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").replace(self._address, self.uri).splitlines()
            reason = next((line for line in said if line.startswith(("fatal:", "error:"))), "git failed")
            raise ServiceError(f"{self.uri}: {reason}")
        return done.stdout


class Store:
    """A folder of an object store, or of any file system that Arrow knows."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.uri = _shown(uri)
        self._folder = folder
        self._given = uri
        if not urlsplit(uri).scheme:
            raise HamrongError(f"detection.rules_from: {self.uri} is no URI (folders go to detection.rules)")

    def bring(self) -> Path:
        try:
            files, root = FileSystem.from_uri(self._given)
            found = files.get_file_info(FileSelector(root, recursive=True))
            named = {info.path[len(root) :].lstrip("/"): info for info in found if info.type == FileType.File}
            seen = {name: [info.size, info.mtime_ns] for name, info in named.items() if _is_ours(name)}
            listing = orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)

            def fill(into: Path) -> None:
                _write(into, _LISTING, listing)
                self._fill(into, seen, files, root)

            return _placed(self._folder, hashlib.sha256(listing).hexdigest()[:40], fill)
        except (OSError, pa.ArrowException) as error:
            raise ServiceError(f"{self.uri}: {str(error).partition(chr(10))[0][:300]}") from error

    def last(self) -> Path | None:
        return _newest(self._folder)

    def _fill(self, into: Path, seen: Mapping[str, list[int]], files: FileSystem, root: str) -> None:
        """What has not changed since the last time is not fetched again."""
        before = self.last()
        known = orjson.loads((before / _LISTING).read_bytes()) if before else {}
        for name, state in seen.items():
            if before and known.get(name) == state:
                target = into / name
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(before / name, target)
            else:
                with files.open_input_stream(f"{root}/{name}") as stream:
                    _write(into, name, stream.read())


def _is_ours(name: str) -> bool:
    return name.endswith(SUFFIXES) and ".." not in PurePosixPath(name).parts and not name.startswith("/")


def _write(folder: Path, name: str, content: bytes) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _placed(folder: Path, state: str, fill: Callable[[Path], None]) -> Path:
    """The folder of this state, filled by `fill` when it is not there yet; whole or not at all."""
    target = folder / f"at-{state}"
    if target.is_dir():
        os.utime(target)
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-", ignore_cleanup_errors=True) as made:
        fill(Path(made))
        Path(made).rename(target)
    for old in _by_age(folder.glob("at-*"))[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def _newest(folder: Path) -> Path | None:
    return next(iter(_by_age(folder.glob("at-*"))), None)


def _by_age(folders: Iterable[Path]) -> list[Path]:
    return sorted(folders, key=lambda path: -path.stat().st_mtime_ns)


def _shown(uri: str) -> str:
    """Without what may be a secret: the user's part and the query."""
    return re.sub(r"\?[^#]*", "", re.sub(r"//[^/@]*@", "//", uri))
