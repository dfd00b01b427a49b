"""The gateway's certificate: given, or made by ourselves for this machine."""

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from coterie.system import Certificate, Problem, System, SystemProblems

__all__ = ["certificate_of", "context_of"]

_DAYS = 365
_RENEW = 30


def certificate_of(system: System) -> tuple[str, str] | None:
    """Paths of the certificate and its key (PEM), or ``None`` where the gateway speaks plain HTTP.

    One of our own names localhost and the loopback addresses, holds for a year, and is made anew
    in its last month. Raises `SystemProblems` for files that are not there.
    """
    told = system.gateway.tls
    if told is None:
        return None
    if isinstance(told, Certificate):
        files = (system.folder / told.certificate, system.folder / told.key)
        missing = [path for path in files if not os.access(path, os.R_OK)]
        if missing:
            line = system.places.line("gateway", "tls")
            what = f"[gateway] tls: {missing[0]} cannot be read"
            remedy = 'Name files in PEM form, or say tls = "self-signed"'
            raise SystemProblems([Problem(system.places.file, line, what, remedy)])
        return str(files[0]), str(files[1])
    folder = system.state / "tls"
    certificate, key = folder / "gateway.pem", folder / "gateway-key.pem"
    if not _holds(certificate, key):
        _make(system.name, certificate, key)
    return str(certificate), str(key)


def context_of(files: tuple[str, str] | None) -> ssl.SSLContext | None:
    """How a server of ours proves itself with these files; ``None`` for plain HTTP."""
    if files is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    return context


def _holds(path: Path, key: Path) -> bool:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    if found.public_key() != private.public_key():
        return False  # its making was broken off between the two
    left = found.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left > datetime.timedelta(days=_RENEW)


def _make(name: str, certificate: Path, key: Path) -> None:
    certificate.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} on this machine")])
    now = datetime.datetime.now(datetime.UTC)
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    opened = os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
