"""A bucket on loopback that the sink firebase takes for Google's, and the key that opens it."""

from __future__ import annotations

import json
import threading

import pytest

BUCKET = "faces-of-a-test"


@pytest.fixture
def store(monkeypatch):
    """A storage that listens, and that Google's client finds."""
    from storage import Storage

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with Storage() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def pem() -> str:
    """A private key of nobody."""
    pytest.importorskip("cryptography", reason="needs firebase-admin")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


@pytest.fixture
def key(tmp_path, pem):
    """Writes the key of a service account that logs in at an address, and returns its path."""

    def write(address: str) -> str:
        path = tmp_path / "key.json"
        account = {"type": "service_account", "project_id": "test", "private_key_id": "1", "private_key": pem}
        account |= {"client_email": "a@test.iam.gserviceaccount.com", "token_uri": f"{address}/token"}
        path.write_text(json.dumps(account))
        return str(path)

    return write
