"""Makes the Secret `rillet-redis` with a random password for each Redis user, if it is not there.

Runs as a Job inside the cluster; its service account may create Secrets and read none.
"""

import base64
import json
import secrets
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

CONFLICT = 409
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
USERS = ("admin", "simulator", "api", "processor", "reader")


def main() -> None:
    """Ask the API server to make it; one that is there already stays as it is."""
    namespace = (ACCOUNT / "namespace").read_text()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "rillet-redis"},
        "data": {user: base64.b64encode(secrets.token_hex(24).encode()).decode() for user in USERS},
    }
    request = urllib.request.Request(
        f"https://kubernetes.default.svc/api/v1/namespaces/{namespace}/secrets",
        data=json.dumps(secret).encode(),
        headers={
            "Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}",
            "Content-Type": "application/json",
        },
    )
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    try:
        with urllib.request.urlopen(request, context=trust, timeout=10):
            print("made the Secret rillet-redis")
    except urllib.error.HTTPError as error:
        if error.code != CONFLICT:
            sys.exit(f"the API server said {error.code}: {error.read().decode()}")
        print("the Secret rillet-redis is there already; it stays")


main()
