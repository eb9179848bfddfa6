"""Where a server is reached: its address, the socket that listens there, and the token that clients must send."""

import ipaddress
import os
import secrets
import shlex
import socket
from pathlib import Path

from harken.support.errors import HarkenError
from harken.support.files import regular, write_text

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
EVERYWHERE = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}
"""The names of all addresses of a machine, and an address for documentation (RFC 5737, RFC 3849) of the same family."""
TOKEN = "token"
"""The file in the folder of ``--keep`` that holds the token."""
LEAST_TOKEN, LONGEST_TOKEN = 16, 1000
OF_OTHERS = 0o077
"""The rights of everybody but the owner of a file."""
NEW_TOKEN = 'make one with: python -c "import secrets; print(secrets.token_urlsafe())"'
BACKLOG = 4096
"""Connections that may wait to be accepted: after a restart all clients connect at once."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in LOOPBACK


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at this address.

    Raises:
        HarkenError: when the system refuses it.
    """
    name = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in name else socket.AF_INET
        return socket.create_server((name, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)  # Python's own text repeats the address
        reason = os.strerror(number) if number else error
        sentence = f"cannot listen at {host}, port {port} ({reason}); if it is in use, choose another with --port N"
        raise HarkenError(sentence) from error


def check_token(token: str | None) -> None:
    """Check that a token can be sent in a header and in a URL, and that it is not empty.

    Raises:
        HarkenError: when the token is empty (perhaps an unset variable of a shell), or contains spaces or characters
            outside ASCII.
    """
    if token is None:
        return
    if not token.strip():
        raise HarkenError("the token is empty (an unset variable?); leave --token out, or give a token")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise HarkenError("a token must be ASCII without spaces: letters, digits and signs")


def check_token_length(token: str, where: str, advice: str) -> None:
    """Check that a token is too long to be guessed.

    Args:
        token: the token.
        where: where the user wrote it.
        advice: what to do when it is too short.

    Raises:
        HarkenError: when it is too short.
    """
    if len(token) < LEAST_TOKEN:
        raise HarkenError(f"{where}: a token of fewer than {LEAST_TOKEN} characters can be guessed; {advice}")


def kept_token(folder: Path | None) -> str:
    """The token that is kept in the folder of ``--keep``, so that phones go on after a restart.

    Without a folder, or if there is none in it yet, it is a new one, which only this user may read in the folder.

    Raises:
        HarkenError: when it cannot be read or written, is no token or too short, or other users can read it.
    """
    token = secrets.token_urlsafe(18)
    if folder is None:
        return token
    path = folder / TOKEN
    try:
        if path.exists():
            return _read_token(path)
        folder.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o077)
        try:
            write_text(path, token + "\n")
        finally:
            os.umask(before)
    except OSError as error:
        raise HarkenError(f"the token cannot be kept there ({error.strerror or error})", path=path) from error
    return token


def _read_token(path: Path) -> str:
    """Raises ``OSError``, and ``HarkenError`` as ``kept_token``."""
    advice = "delete the file, and the server makes a new one"
    try:
        with regular(path).open(encoding="ascii") as file:
            rights = os.fstat(file.fileno()).st_mode & OF_OTHERS
            token = file.read(LONGEST_TOKEN).strip()
        check_token(token)
    except (HarkenError, UnicodeError) as error:
        raise HarkenError(f"this is no token; {advice}", path=path) from error
    if rights and os.name == "posix":  # elsewhere these are not what the system allows
        raise HarkenError(
            f"other users of this machine may read or change the token; {advice}, or keep it with: chmod 600 "
            f"{shlex.quote(str(path))}",
            path=path,
        )
    check_token_length(token, str(path), advice)
    return token


def address(host: str, port: int, token: str | None) -> str:
    """The URL of the page."""
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def network_address(host: str) -> str:
    """The address at which other machines reach a server that listens at ``host``; ``THIS-MACHINE`` if it is not known.

    For a server that listens at all addresses it is the one from which this machine would send to the internet. Nothing
    is sent.
    """
    if host not in EVERYWHERE:
        return host
    family, far = EVERYWHERE[host]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))
            return str(probe.getsockname()[0])
    except OSError:  # no network
        return "THIS-MACHINE"
