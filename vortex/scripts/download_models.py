#!/usr/bin/env python3
"""Fills a folder with the weights of a models lock, with Python 3.8 or newer and nothing else.

Exit codes: 0 done; 1 bytes are not what the lock says; 2 wrong usage or lock; 3 network, source or disk failed;
130 and 143 interrupted. What was interrupted goes on where it stopped when it is run again.
"""

import argparse
import collections
import concurrent.futures
import email.utils
import errno
import fcntl
import hashlib
import http.client
import ipaddress
import json
import os
import random
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any, BinaryIO, Dict, List, NamedTuple, Optional, Tuple

CHUNK = 1024 * 1024
LONGEST_WAIT = 600.0  # seconds; a source that asks for more is passed over
LOCK_NAME = "models.lock.json"


class Failure(Exception):
    """Ends the run with `code`; the message is for the user."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Break(Exception):
    """A source stopped in the middle or is busy: worth another attempt, after `wait` seconds where it said so."""

    def __init__(self, message: str, wait: Optional[float] = None) -> None:
        super().__init__(message)
        self.wait = wait


class WeightFile(NamedTuple):
    label: str  # <model>/<path>, also its place below the output folder
    size: int
    sha256: str
    sources: Tuple[str, ...]  # URLs, the source first, then the mirrors
    repository: Optional[str]  # on the hub
    allowed: bool  # whatever it is: the lock gives a reason


class Settings(argparse.Namespace):
    output: Path
    lock: Optional[Path]
    verify_checksums: bool
    jobs: int
    retries: int
    stall_timeout: float
    backoff: float
    hub: str
    token: Optional[str]
    verified: Dict[str, str]
    """sha256 by label, of the files that an earlier run left in the folder with its lock."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")  # one write: workers speak at the same time
    sys.stdout.flush()


def gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def read_lock(path: Path, hub: str) -> List[WeightFile]:
    """The files of the lock in its order; Failure(2) names the entry that is wrong."""
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != 1:
            raise ValueError(f"version is {document['version']!r}, this program reads 1")
        only("the lock", document, "version root models layers")
        for layer in document.get("layers", []):
            only("a layer", layer, "digest size files")
        files = [file for model in document["models"] for file in model_files(model, hub)]
    except OSError as error:
        raise Failure(2, f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(2, f"{path} is not a models lock: {type(error).__name__}: {error}") from error
    for label, count in collections.Counter(file.label.lower() for file in files).items():
        if count > 1:
            raise Failure(2, f"{path}: {label} is there twice")
    return files


def only(what: str, entry: Dict[str, Any], known: str) -> None:
    """Refuses keys that this program does not know: they may say something that it would leave undone."""
    unknown = sorted(set(entry) - set(known.split()))
    if unknown:
        raise ValueError(f"{what} has the unknown key {unknown[0]!r}")


def model_files(model: Dict[str, Any], hub: str) -> List[WeightFile]:
    name, source = inside(model["name"]), model["source"]
    only(name, model, "name title delivery license source mirrors files")
    only(f"the source of {name}", source, "huggingface revision" if "huggingface" in source else "url")
    repository, base = source.get("huggingface"), source.get("url")
    if repository is not None:
        base = f"{hub}/{urllib.parse.quote(repository)}/resolve/{urllib.parse.quote(source['revision'], safe='')}"
    bases = [check_url(address) for address in (base, *model.get("mirrors", []))]
    files = []
    for entry in model["files"]:
        path, size, sha256 = inside(entry["path"]), entry["size"], entry["sha256"]
        only(f"{name}/{path}", entry, "path size sha256 allow")
        if type(size) is not int or size < 0 or not re.fullmatch("[0-9a-f]{64}", sha256):
            raise ValueError(f"{name}/{path}: size {size!r} or sha256 {sha256!r} is malformed")
        urls = tuple(f"{address.rstrip('/')}/{urllib.parse.quote(path)}" for address in bases)
        files.append(WeightFile(f"{name}/{path}", size, sha256, urls, repository, "allow" in entry))
    return files


def inside(path: str) -> str:
    if any(part in ("", ".", "..") for part in path.split("/")) or re.search(r"[\\\x00-\x1f\x7f]", path):
        raise ValueError(f"{path!r} leaves its folder or is no plain path")
    return path


def check_url(url: str) -> str:
    """The address, if it is `https:`, `file:`, or plain HTTP on loopback."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError(f"{url!r} is plain HTTP, which is allowed on loopback only")
    if not (parts.hostname if parts.scheme in ("https", "http") else parts.scheme == "file" and not parts.netloc):
        raise ValueError(f"{url!r} is no https: or file: address")
    return url


def is_loopback(host: str) -> bool:
    """Whether plain HTTP to it stays on this machine."""
    try:
        return host in ("localhost", "::1") or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> Tuple[str, Optional[str], Optional[int]]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; the token, an unredirected header, is put on again for the hub's own origin alone."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            if check_url(newurl).startswith("file:"):
                raise ValueError(f"{newurl!r}, a file of this machine")
        except ValueError as error:
            raise Failure(3, f"{req.host} redirects to {error}") from error
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.unredirected_hdrs.get("Authorization")
        if request is not None and token is not None and origin(newurl) == origin(req.full_url):
            request.add_unredirected_header("Authorization", token)
        return request


OPENER = urllib.request.build_opener(Redirects)


def open_source(url: str, file: WeightFile, begin: int, to: Settings) -> Tuple[Any, int]:
    """The source's bytes, and the offset that they begin at: `begin`, or 0 where it cannot resume."""
    if url.startswith("file:"):
        path = Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path))
        if not path.is_file() or path.stat().st_size != file.size:
            raise Failure(3, f"{path} is not there, or not of {file.size:,} bytes")
        opened = path.open("rb")
        return opened, opened.seek(begin)
    request = urllib.request.Request(url, headers={"User-Agent": "director-image"})  # noqa: S310 - the lock was checked
    if begin:
        request.add_header("Range", f"bytes={begin}-")
    if to.token and file.repository and origin(url) == origin(to.hub):
        request.add_unredirected_header("Authorization", f"Bearer {to.token}")
    try:
        response = OPENER.open(request, timeout=to.stall_timeout)
    except urllib.error.HTTPError as error:
        with error:
            raise refusal(error, url, file, to) from error
    begins, total = 0, response.headers.get("Content-Length")
    if response.status == 206:
        said = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if said is None or int(said.group(1)) != begin:
            raise Break(f"answered another range than bytes {begin}-")
        begins, total = begin, None if said.group(2) == "*" else said.group(2)
    if total not in (None, str(file.size)):
        with response:
            head = b"" if begins else response.read(512)
            raise Failure(1, foreign(response.url, page_kind(head) or f"{total} bytes", file))
    return response, begins


def refusal(error: urllib.error.HTTPError, url: str, file: WeightFile, to: Settings) -> Exception:
    answer = f"{urllib.parse.urlsplit(error.url or url).netloc} answered {error.code}"
    if error.code in (408, 425, 429) or error.code >= 500:
        wait = retry_after(error.headers.get("Retry-After", ""))
        if wait is not None and wait > LONGEST_WAIT:
            return Failure(3, f"{answer} and asks to wait {wait:.0f} s")
        return Break(answer, wait)
    if error.code in (401, 403) and file.repository and origin(url) == origin(to.hub):
        seen = "the token in HF_TOKEN may not read it" if to.token else "it is gated, so set HF_TOKEN"
        return Failure(3, f"{answer}: {seen}; its terms are accepted at {to.hub}/{file.repository}")
    return Failure(3, f"{answer} {error.reason} for {url}")


def retry_after(value: str) -> Optional[float]:
    """Seconds, from a number or a date."""
    if re.fullmatch(r"\s*\d+\s*", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, IndexError):
        return None


def foreign(url: str, kind: str, file: WeightFile) -> str:
    """What a source sends instead of the file."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.netloc or parts.path} sends {kind}, the lock says {file.size} bytes of weights"


def page_kind(head: bytes) -> Optional[str]:
    """What first bytes are that are never those of weights, whatever the server calls them."""
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", head, re.IGNORECASE):
        return "an HTML page"
    return "a git-lfs pointer" if head.startswith(b"version https://git-lfs") else None


def part_path(file: WeightFile, to: Settings) -> Path:
    """Beside the file, and of this content: what is left of another revision is never continued."""
    return to.output / f"{file.label}.{file.sha256[:12]}.download.part"


class Part:
    """What there is of a file, held by one process at a time: the bytes so far, and their hash."""

    def __init__(self, path: Path) -> None:
        self.path, self.waited = path, False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self._locked()
        self.seen, self.length = hash_of(self.file), self.file.tell()

    def _locked(self) -> BinaryIO:
        while True:
            opened = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+b", buffering=0)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"{self.path.name}: waiting for another process that downloads it")
                fcntl.flock(opened, fcntl.LOCK_EX)
                self.waited = True
            if self.path.exists() and os.path.samestat(os.fstat(opened.fileno()), self.path.stat()):
                return opened
            opened.close()  # it was renamed into place while we waited

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[self.file.write(view) :]
        self.seen.update(chunk)
        self.length += len(chunk)

    def restart(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.seen, self.length = hashlib.sha256(), 0


def hash_of(opened: BinaryIO) -> "hashlib._Hash":
    seen = hashlib.sha256()
    for chunk in iter(lambda: opened.read(CHUNK), b""):
        seen.update(chunk)
    return seen


def is_there(file: WeightFile, to: Settings, verify: bool) -> bool:
    """Says so, if the file needs no download. It is read unless the folder's own lock names this very file."""
    verify = verify or to.verified.get(file.label) != file.sha256
    target = to.output / file.label
    if not target.exists():
        return False
    if target.stat().st_size != file.size:
        say(f"{file.label}: {target.stat().st_size:,} bytes, the lock says {file.size:,}: downloading again")
        return False
    if verify:
        with target.open("rb") as opened:
            if hash_of(opened).hexdigest() != file.sha256:
                say(f"{file.label}: checksum invalid, downloading again")
                return False
    say(f"{file.label}: {gb(file.size)} (cached{', checksum valid' if verify else ''})")
    return True


def fetch(file: WeightFile, to: Settings) -> None:
    """Brings one file into place, from the first source that has its bytes."""
    if is_there(file, to, to.verify_checksums):
        return
    part = Part(part_path(file, to))
    with part.file:
        if part.waited and part.length == 0 and is_there(file, to, True):  # the other process brought it
            part.path.unlink()
            return
        failures = []
        for url in file.sources:
            try:
                from_source(url, file, part, to)
                os.fchmod(part.file.fileno(), 0o644)  # whoever runs the Director reads it, whatever our umask is
                os.fsync(part.file.fileno())
                part.path.replace(to.output / file.label)
                say(f"{file.label}: {gb(file.size)} (checksum verified)")
                return
            except Failure as failure:
                failures.append(failure)
        if part.length == 0:
            part.path.unlink()
        message = "; then ".join(map(str, failures))
        raise Failure(min(failure.code for failure in failures), f"{file.label}: {message}")


def from_source(url: str, file: WeightFile, part: Part, to: Settings) -> None:
    """Completes the part from one source, with its attempts; Failure where that source cannot."""
    host, attempt = urllib.parse.urlsplit(url).netloc or url, 1
    while True:
        try:
            whole = receive(url, file, part, to)
            seen = part.seen.hexdigest()
            if seen == file.sha256:
                return
            part.restart()
            if whole:
                raise Failure(1, f"{host} sent {file.size:,} bytes with sha256 {seen}, the lock says {file.sha256}")
            say(f"{file.label}: resumed to sha256 {seen}, the lock says {file.sha256}: from the beginning again")
            continue
        except (OSError, http.client.HTTPException, Break) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG):
                raise Failure(3, f"cannot write {part.path}: {error}") from error
            silent = "timed out" in str(error)
            reason = f"{to.stall_timeout:.0f} s without a byte" if silent else str(error) or type(error).__name__
            wait = getattr(error, "wait", None)
        if attempt >= to.retries:
            raise Failure(3, f"{host}: {reason} ({attempt} attempts)")
        if wait is None:
            wait = to.backoff * 2 ** (attempt - 1) * (1 + random.random() / 5)  # noqa: S311 - jitter
        attempt += 1
        say(f"{file.label}: {reason} at byte {part.length:,}. Retry {attempt}/{to.retries} in {wait:.0f}s...")
        time.sleep(wait)


def receive(url: str, file: WeightFile, part: Part, to: Settings) -> bool:
    """Appends what the source sends, up to the file's end; True if it sent the file from its first byte on."""
    if part.length > file.size:
        part.restart()
    if part.length == file.size > 0:
        return False
    response, begins = open_source(url, file, part.length, to)
    with response:
        if begins != part.length:
            part.restart()
        for chunk in iter(lambda: getattr(response, "read1", response.read)(CHUNK), b""):
            kind = page_kind(chunk) if part.length == 0 and not file.allowed else None
            if kind is not None:
                raise Failure(1, foreign(getattr(response, "url", url), kind, file))
            if part.length + len(chunk) > file.size:
                part.restart()
                raise Failure(1, f"{url} sends more than the {file.size:,} bytes of the lock")
            part.write(chunk)
    if part.length < file.size:
        raise Break("the connection ended")
    return begins == 0


def download(files: List[WeightFile], to: Settings) -> None:
    """All files, `jobs` at a time; the first that fails ends the rest, which a second run resumes."""
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=to.jobs)
    running = {pool.submit(fetch, file, to) for file in sorted(files, key=lambda file: -file.size)}
    while running:
        done, running = concurrent.futures.wait(running, 30, concurrent.futures.FIRST_COMPLETED)
        if not done:
            say(f"{gb(sum(present(file, to) for file in files))} of {gb(sum(file.size for file in files))}")
        for future in done:
            future.result()


def present(file: WeightFile, to: Settings) -> int:
    """Bytes of the file on disk, whole or in part."""
    found = (path.stat().st_size for path in (to.output / file.label, part_path(file, to)) if path.exists())
    return min(next(found, 0), file.size)


def left_by(lock: Path, hub: str) -> Dict[str, str]:
    """What an earlier run left: where its lock is, its weights are."""
    try:
        return {file.label: file.sha256 for file in read_lock(lock, hub)}
    except Failure:
        return {}


def run(to: Settings) -> None:
    models = Path(os.environ.get("MODELS_PATH") or "/models")
    folders = [Path(), *list(Path(__file__).resolve().parents)[2:3], models, to.output]
    candidates = [folder / LOCK_NAME for folder in folders]
    lock = to.lock or next((path for path in candidates if path.is_file()), None)
    if lock is None:
        raise Failure(2, f"no lock: none of {', '.join(map(str, candidates))} exists; name one with --lock")
    files = read_lock(lock, to.hub)
    content = lock.read_bytes()
    to.verified = left_by(to.output / LOCK_NAME, to.hub)
    to.output.mkdir(parents=True, exist_ok=True)
    missing, free = sum(file.size - present(file, to) for file in files), shutil.disk_usage(to.output).free
    if missing > free:
        raise Failure(3, f"{to.output} has {gb(free)} free, {gb(missing)} are missing: make room")
    download(files, to)
    part = to.output / f"{LOCK_NAME}.{uuid.uuid4().hex[:8]}.part"
    part.write_bytes(content)
    part.chmod(0o644)
    part.replace(to.output / LOCK_NAME)  # last: where the lock is, the weights are
    say(f"Total: {gb(sum(file.size for file in files))} in {len(files)} files below {to.output}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Fills a folder with the weights of a models lock: parallel, resuming, verified.",
        epilog="HF_ENDPOINT names another hub than https://huggingface.co, HF_TOKEN opens gated repositories. "
        "Example: python3 download_models.py --output /models --verify-checksums",
    )
    flag = parser.add_argument
    flag("--output", type=Path, required=True, metavar="DIR", help="folder to fill: DIR/<model>/<path>")
    flag("--verify-checksums", action="store_true", help="read what is already there, too, against the lock")
    flag("--lock", type=Path, help=f"default: ./{LOCK_NAME}, else two folders above this program, else in DIR")
    flag("--jobs", type=int, default=4, metavar="N", help="files at the same time (default: 4)")
    flag("--retries", type=int, default=5, metavar="N", help="attempts a source (default: 5)")
    flag("--stall-timeout", type=float, default=120.0, metavar="S", help="seconds without a byte (default: 120)")
    flag("--backoff", type=float, default=2.0, metavar="S", help="first pause, doubled each time (default: 2)")
    to = parser.parse_args(namespace=Settings())
    if to.jobs < 1 or to.retries < 1 or to.stall_timeout <= 0 or to.backoff < 0:
        parser.error("--jobs and --retries are 1 or more, --stall-timeout is above 0, --backoff 0 or more")
    to.hub = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
    to.token = os.environ.get("HF_TOKEN")
    try:
        run(to)
        return 0
    except (Failure, OSError) as failure:
        print(f"download_models.py: {failure}", file=sys.stderr, flush=True)
        return getattr(failure, "code", 3)


def interrupted(number: int, _frame: Any) -> None:
    """Ends at once: every byte so far is in its part."""
    print("download_models.py: interrupted; run it again to go on from here", file=sys.stderr, flush=True)
    os._exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    os._exit(main())  # a thread that waits for a silent server must not hold up the end
