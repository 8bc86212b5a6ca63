"""To whom a run may speak: this machine, or a cluster whose every connection is encrypted and known by certificate.

Dask sends Python objects, and whoever can send a worker one can run code on it; encryption is off unless asked for. So an address that is not
this machine's is refused without TLS files.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from skillstats.errors import UsageError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM form. ca : certificate of the authority that signed everybody's; certificate, key : of this client."""

    ca: Path
    certificate: Path
    key: Path


def is_this_machine(host: str) -> bool:
    """Whether a host can only be this machine.

    Examples
    --------
    >>> is_this_machine("127.0.0.1"), is_this_machine("10.0.0.5"), is_this_machine("localhost.example.org")
    (True, False, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(scheduler: str, security: TlsFiles | None) -> None:
    """Refuse an address that would be spoken to in the clear.

    Raises
    ------
    UsageError
        If the address has another form than ``tls://host:port`` or ``tcp://host:port``; if it is another machine's and not TLS; if TLS files are
        missing, or given for an address that does not use them.
    """
    parts = urlsplit(scheduler)
    if parts.scheme not in {"tcp", "tls"} or not parts.hostname:
        raise UsageError(f"scheduler={scheduler!r}: write tls://host:8786, or tcp://127.0.0.1:8786 on this machine")
    if parts.scheme == "tcp" and not is_this_machine(parts.hostname):
        hint = "start it with --tls-ca-file, --tls-cert and --tls-key, write tls://, and give the files of this client"
        raise UsageError(f"scheduler={scheduler!r}: not encrypted, and whoever reaches it can run code; {hint}")
    if (parts.scheme == "tls") != (security is not None):
        raise UsageError(f"scheduler={scheduler!r}: TLS files go with a tls:// address, and a tls:// address with TLS files")
    if security is not None:
        absent = [str(path) for path in (security.ca, security.certificate, security.key) if not path.is_file()]
        if absent:
            raise UsageError(f"no such file: {', '.join(absent)}")
