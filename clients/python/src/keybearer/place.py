"""Where the agent's socket is, and whether it is this user's alone."""

import os
import socket
import stat
import struct

from .errors import unreachable


def check_place():
    """The socket's path; it and its folder must be this user's alone."""
    path = os.path.join(_base(), "programs", "agent.v1.sock")
    if not os.path.lexists(path):
        raise nobody(path)
    is_ours = os.path.isabs(path) and _is_private(os.path.dirname(path), stat.S_ISDIR) and _is_private(path, stat.S_ISSOCK)
    if not is_ours:
        raise unreachable(f"{path} isn't this user's alone, so nothing was said there")
    return path


def check_peer(connected):
    """Whoever serves must run as this user. Elsewhere than on Linux the owner of the socket speaks for the server."""
    if hasattr(socket, "SO_PEERCRED"):
        peer = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", peer)[1] != os.geteuid():
            raise unreachable("another user serves the agent's socket, so nothing was said there")


def nobody(path):
    """Nobody listens."""
    return unreachable(f"nobody listens at {path}", "keybearer agent start")


def _base():
    home, folder = os.environ.get("KEYBEARER_HOME"), _runtime_folder()
    base = os.path.abspath(os.path.join(home, "run")) if home else os.path.join(folder, "keybearer")
    base = os.environ.get("KEYBEARER_SOCKET") or base
    longest = os.fsencode(os.path.join(base, "gateway", "gateway-http.v1.sock"))
    # The path of a socket holds 103 bytes.
    return base if len(longest) <= 103 else os.path.join(folder, f"keybearer-{_fnv1a(longest):016x}")


def _runtime_folder():
    # After `su` or `sudo` the variable may still name another user's folder.
    for folder in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.geteuid()}"):
        if folder and _is_private(folder, stat.S_ISDIR):
            return folder
    return os.path.expanduser("~/.local/state/keybearer/run")


def _is_private(path, is_kind):
    """Whether this is this user's, and nobody else can change it."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return is_kind(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & 0o022 == 0


def _fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value
