"""Puts a new content in a file's place, in one step, if it still holds the old one.

Whoever reads meanwhile sees all of the old or all of the new. Mode, owner and extended attributes
are kept, and a link stays a link: what it leads to is replaced. Verbs that replace a file at the
same time take turns; an editor takes none, so the content is compared right before the step.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.config import SIZE_LIMIT_BYTES
from gateway.control.file import read_regular
from gateway.errors import GatewayError

_LOCK_WAIT_S = 5.0
"""Each turn takes milliseconds."""
_LOCK_PAUSE_S = 0.02
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL, errno.ENOSYS})
_REASONS = {
    errno.EBUSY: "it is mounted by itself, and cannot be replaced from inside",
    errno.EROFS: "it lies on a file system that is read-only",
}


class ReplaceError(GatewayError):
    """The file was left as it is; the message says why."""


class ChangedError(ReplaceError):
    """Somebody else has changed the file since it was read."""


def replace_content(path: Path, old: bytes, new: bytes) -> list[str]:
    """Replace the file's content.

    Args:
        path: The file, or a link to it.
        old: What it has to hold; compared, not the time of its last change.
        new: What it is to hold.

    Returns:
        What could not be kept of the file, in sentences.

    Raises:
        ChangedError: It holds something else.
        ReplaceError: It cannot be replaced: it is read-only, or its folder is.
    """
    try:
        real = Path(os.path.realpath(path, strict=True))
        with _turn(real.parent):
            _check(real, old)
            return _replace(real, old, new)
    except OSError as error:
        why = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise ReplaceError(f"cannot replace {path}: {why}") from error


def create_content(path: Path, new: bytes) -> None:
    """Make the file that is missing, readable for everybody as the one in the repository is.

    Raises:
        ReplaceError: It cannot be made, or it is there by now.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(beside, flags, 0o644)
        try:
            with open(descriptor, "wb") as file:
                file.write(new)
                file.flush()
                os.fsync(descriptor)
            # Unlike a renaming, this does not take the place of one that is there by now.
            os.link(beside, path)
        finally:
            os.unlink(beside)
    except OSError as error:
        raise ReplaceError(f"cannot make {path}: {error.strerror or error}") from error


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until no other verb replaces a file of this folder.

    The folder is locked and not the file: that is another one after the first replacement.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    give_up_s = time.monotonic() + _LOCK_WAIT_S
    try:
        while not _locked(descriptor):
            if time.monotonic() > give_up_s:
                raise ReplaceError(f"another process holds {folder} for {_LOCK_WAIT_S:g} s now")
            time.sleep(_LOCK_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Not every file system has locks; the contents are compared in any case.
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _check(real: Path, old: bytes) -> None:
    content, _ = read_regular(real, SIZE_LIMIT_BYTES)
    if content != old:
        raise ChangedError(f"{real} has been changed by somebody else meanwhile")
    mode = os.stat(real).st_mode
    # For root every file can be written; that somebody took the right away still has a meaning.
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(real, os.W_OK):
        is_mounted_so = os.statvfs(real).f_flag & os.ST_RDONLY
        raise OSError(errno.EROFS if is_mounted_so else errno.EACCES, "it is read-only")


def _replace(real: Path, old: bytes, new: bytes) -> list[str]:
    beside = real.with_name(f".{real.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(beside, flags, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(new)
            file.flush()
            notes = _keep_attributes(real, descriptor)
            os.fsync(descriptor)
        _check(real, old)
        os.replace(beside, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    _settle(real.parent)
    return notes


def _keep_attributes(real: Path, descriptor: int) -> list[str]:
    wanted = os.stat(real)
    notes = _keep_owner(wanted, descriptor)
    # After the owner, whose change takes special bits away.
    os.fchmod(descriptor, stat.S_IMODE(wanted.st_mode))
    with contextlib.suppress(OSError):
        # Access lists and labels; not every file system has them, and not every user may.
        for name in os.listxattr(real):
            os.setxattr(descriptor, name, os.getxattr(real, name))
    return notes


def _keep_owner(wanted: os.stat_result, descriptor: int) -> list[str]:
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) == (wanted.st_uid, wanted.st_gid):
        return []
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
        return []
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, -1, wanted.st_gid)
        return ["its owner is you now: only root can give a file to somebody else"]
    if not wanted.st_mode & stat.S_IROTH:
        # The gateway may run as that owner or group, and could not read the file any more.
        why = "its owner and group cannot be kept by this user, and others may not read it"
        raise OSError(errno.EPERM, why)
    return ["its owner and group are yours now: they cannot be kept by this user"]


def _settle(folder: Path) -> None:
    """Have the new name survive a power cut; the flip itself has happened."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
