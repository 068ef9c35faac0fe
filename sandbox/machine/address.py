"""The settings for the address of the front door: PORT and HOST. Needs only Python's standard library.

`python sandbox/machine/address.py` checks PORT and where the checkout is before anything is installed: exit status 1, after one
sentence, where something is wrong with them.
"""

import os
import re
import socket
import sys
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

DEFAULT_PORT = 8000
MOST = 65_535


def port_of(text: str | None) -> int:
    """PORT as a number; default 8000. Raises ValueError with the message for the person."""
    text = (text or "").strip()
    if not text:
        return DEFAULT_PORT
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > MOST:
        raise ValueError(f"PORT is {text!r}; it has to be a number from 1 to {MOST}, such as {DEFAULT_PORT}")
    return int(text)


def port_or_exit(offset: int = 0) -> int:
    """The PORT of the environment, or the one `offset` away from it; exits with the message if it is invalid."""
    try:
        port = port_of(os.environ.get("PORT"))
    except ValueError as error:
        sys.exit(str(error))
    return port + offset if port + offset <= MOST else port - offset


def host_of(text: str | None) -> str:
    """The address to listen on, as a number; default 127.0.0.1. Raises ValueError with the message for the person."""
    text = (text or "").strip()
    if not text:
        return Front.host
    try:
        address = str(socket.getaddrinfo(text.strip("[]"), None, type=socket.SOCK_STREAM)[0][4][0])
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except (OSError, UnicodeError):
        raise ValueError(
            f"HOST is {text!r}, which is no address of this machine; 0.0.0.0 is all of its addresses"
        ) from None
    return address


@dataclass(frozen=True)
class Front:
    """Where the front door listens, and the origin under which browsers see it when a proxy stands in front ("": none does)."""

    host: str = "127.0.0.1"
    origin: str = ""

    @property
    def reach(self) -> str:
        """The address by which programs on this machine reach it, as it stands in a URL."""
        address = ip_address(self.host)
        if address.is_unspecified:
            address = ip_address("::1" if address.version == 6 else "127.0.0.1")
        return f"[{address}]" if isinstance(address, IPv6Address) else str(address)

    @property
    def is_private(self) -> bool:
        """Only this machine reaches it."""
        return not self.origin and ip_address(self.host).is_loopback

    def names(self) -> list[str]:
        """The hosts by which it may be called."""
        names = ["localhost", "127.0.0.1", "[::1]", self.reach]
        if ip_address(self.host).is_unspecified:
            names += [socket.gethostname(), socket.getfqdn(), *addresses(self.host)]
        return list(dict.fromkeys(name.lower() for name in names))


def addresses(host: str) -> list[str]:
    """Those of this machine that others may reach, of the same kind as `host`, as they stand in URLs."""
    import psutil  # not there yet where PORT is checked

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = [
        ip_address(one.address)
        for interface in psutil.net_if_addrs().values()
        for one in interface
        if one.family == family and "%" not in one.address
    ]
    return [f"[{one}]" if one.version == 6 else str(one) for one in found if not (one.is_loopback or one.is_link_local)]


def check_place(root: Path) -> None:
    """Some characters mean something to initdb (which asks a shell), venv or supervisord. Raises ValueError with the sentence."""
    path = str(root)
    bad = re.search(r"""["$`\\:\x00-\x1f\x7f]| [;#]""", path)
    if bad:
        raise ValueError(
            f"This directory cannot be used: PostgreSQL or supervisor would misread the {bad[0]!r} in {path!r}; move it elsewhere"
        )


def main() -> None:
    try:
        port_of(os.environ.get("PORT"))
        check_place(Path(__file__).resolve().parents[2])
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
