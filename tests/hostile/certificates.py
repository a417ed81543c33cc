"""Certificates for the hostile server's TLS doors, made when first asked for and forgotten with the process."""

from __future__ import annotations

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


@cache
def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name("Test authority"))
        .issuer_name(_name("Test authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # As every authority that browsers trust has it; from Python 3.13 on one without is no authority.
        .add_extension(SIGNS_CERTIFICATES, critical=True)
    )
    return builder.sign(key, hashes.SHA256()), key


def _context(*, host: str, days: int, trusted: bool = True) -> ssl.SSLContext:
    authority, authority_key = _authority()
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(host))
        .issuer_name(authority.subject if trusted else _name(host))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=300))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if trusted:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        builder = builder.add_extension(issuer, critical=False)
    certificate = builder.sign(authority_key if trusted else key, hashes.SHA256())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "door.pem"
        file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(file)
    return context


@cache
def doors() -> dict[str, ssl.SSLContext]:
    """A TLS door each: one as it should be and the usual ways to be wrong; all at 127.0.0.1."""
    old = _context(host="127.0.0.1", days=200)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers("ECDHE+AESGCM")
    return {
        "tls": _context(host="127.0.0.1", days=200),
        "tls_self_signed": _context(host="127.0.0.1", days=200, trusted=False),
        "tls_expired": _context(host="127.0.0.1", days=-100),
        "tls_wrong_name": _context(host="elsewhere.test", days=200),
        "tls_1_2": old,
    }


@cache
def trusting() -> ssl.SSLContext:
    """A client's context that trusts the test authority and nobody else."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=_authority()[0].public_bytes(serialization.Encoding.PEM).decode())
    return context
