"""Until when credentials hold, and what follows."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from domain.setup.credentials import (
    MOST_SAID,
    CredentialKind,
    CredentialTerms,
    CredentialUnusable,
    check_credential_path,
    compute_renewal_time,
    compute_retry_time,
    explain_credential_wait,
    is_expiring,
    mask_output,
    read_expiry,
)

T, P = CredentialKind.TOKEN, CredentialKind.PROXY
NOW = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
HOUR, DAY, NO_TIME = timedelta(hours=1), timedelta(days=1), timedelta()
spans = st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400))
positive = st.timedeltas(min_value=NO_TIME, max_value=timedelta(days=400))


def make_terms(
    expires_at: datetime | None, *, renews: bool = False, covers: bool = False
) -> CredentialTerms:
    return CredentialTerms("pass", "", expires_at, covers, renews)


def make_token(**claims: object) -> bytes:
    return jwt.encode(claims, "k" * 32, "HS256").encode()


def make_certificate(until: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anna")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 900 * DAY)
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM) + secret


def test_a_token_says_until_when_it_holds_also_when_that_is_over() -> None:
    for at in (NOW, NOW - 9000 * DAY):
        assert read_expiry(T, b"\n  " + make_token(exp=int(at.timestamp())) + b"\n") == at
    assert read_expiry(T, make_token(sub="anna")) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"a.b.c",
        make_token(exp="soon"),
        make_token(exp=10**30),
        b"\xff\x00",
        make_certificate(NOW),
    ],
)
def test_what_is_no_token_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(CredentialUnusable):
        read_expiry(T, content)


def test_a_proxy_ends_with_the_first_certificate_of_its_chain_that_does() -> None:
    chain = (
        make_certificate(NOW + DAY)
        + make_certificate(NOW + HOUR)
        + make_certificate(NOW + 300 * DAY)
    )
    assert read_expiry(P, chain) == NOW + HOUR
    with pytest.raises(CredentialUnusable):
        read_expiry(P, make_token(exp=1))
    with pytest.raises(CredentialUnusable):
        read_expiry(P, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


@given(spans, positive, positive, st.booleans())
def test_a_launch_goes_on_exactly_while_the_credential_holds_for_as_long_as_it_is_needed(
    left: timedelta, margin: timedelta, walltime: timedelta, covers: bool
) -> None:
    needed = margin + (walltime if covers else NO_TIME)
    why = explain_credential_wait(make_terms(NOW + left, covers=covers), margin, walltime, NOW)
    assert (why is None) == (left > needed)
    assert why is None or "Waits for credential pass" in why


def test_what_never_ends_is_not_waited_for_and_what_is_broken_is() -> None:
    assert explain_credential_wait(make_terms(None), DAY, DAY, NOW) is None
    broken = CredentialTerms("pass", "There is no file x.", NOW + 900 * DAY, False, False)
    assert (
        explain_credential_wait(broken, NO_TIME, NO_TIME, NOW)
        == "Waits for credential pass: There is no file x."
    )


@given(spans, positive)
def test_what_is_renewed_is_renewed_while_it_still_holds_for_half_of_its_time(
    left: timedelta, known: timedelta
) -> None:
    seen_at, expires_at = NOW - known, NOW + left
    at = compute_renewal_time(make_terms(expires_at, renews=True), seen_at, NOW)
    assert at is not None
    assert at <= expires_at
    if expires_at > seen_at:
        assert at - seen_at <= expires_at - at + timedelta(microseconds=1)
    assert compute_renewal_time(make_terms(expires_at), seen_at, NOW) is None


def test_people_are_warned_a_day_before_unless_somebody_renews_it() -> None:
    soon, later = NOW + DAY - HOUR, NOW + DAY + HOUR
    assert is_expiring(make_terms(soon), 0, NOW)
    assert not is_expiring(make_terms(later), 0, NOW)
    assert not is_expiring(make_terms(None), 0, NOW)
    assert not is_expiring(make_terms(soon, renews=True), 0, NOW)
    assert is_expiring(make_terms(soon, renews=True), 1, NOW)


def test_a_renewal_is_tried_again_later_and_later_but_every_hour() -> None:
    waits = [compute_retry_time(n, NOW) - NOW for n in range(1, 40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(minutes=1), HOUR)


@pytest.mark.parametrize(
    ("path", "own", "right"),
    [
        ("production.token", "", True),
        ("alan/token", "", True),
        ("alan/token", "alan", True),
        ("alan", "alan", False),
        ("anna/token", "alan", False),
        ("production.token", "alan", False),
        ("alan/../production.token", "alan", False),
        ("/etc/passwd", "", False),
        ("", "", False),
        ("a//b", "", False),
        ("a/./b", "", False),
        ("..", "", False),
        ("a/", "", False),
        ("a\0b", "", False),
        ("x" * 5000, "", False),
    ],
)
def test_a_path_stays_where_its_writer_may_be(path: str, own: str, right: bool) -> None:
    assert (check_credential_path(path, own) is None) == right


@given(st.text(max_size=50), st.text(max_size=50))
def test_no_secret_is_shown(before: str, after: str) -> None:
    secret, own = make_token(sub="anna", exp=1).decode(), "s3cret-of-the-file"
    key = make_certificate(NOW).decode()
    said = mask_output(f"{before}\n{secret}\n{own}{key}{after}", [own])
    assert secret not in said
    assert own not in said
    assert "PRIVATE KEY" not in said
    assert len(mask_output(before * 1000, [])) <= MOST_SAID
    assert "\0" not in said
