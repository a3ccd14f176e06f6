"""Makes the Secrets named on the command line with random values, where they are not there yet.

`make_secret.py rillet-tokens=read,write` makes one with two keys. Runs as a Job inside the
cluster; its service account may create Secrets and read none.
"""

import base64
import json
import os
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

CONFLICT = 409
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PATIENCE_S = 60
"""A new pod's network and its rights may take some seconds to be there."""


def main() -> None:
    """Ask the API server to make each; one that is there already stays as it is."""
    for wanted in sys.argv[1:]:
        name, keys = wanted.split("=")
        deadline = time.monotonic() + PATIENCE_S
        while not (said := make(name, keys.split(","))):
            if time.monotonic() > deadline:
                sys.exit(f"the Secret {name} could not be made")
            time.sleep(2)
        print(said, flush=True)


def make(name: str, keys: list[str]) -> str:
    """Return what became of it, or nothing where another try may help."""
    try:
        with urllib.request.urlopen(request(name, keys), context=trust(), timeout=10):
            return f"made the Secret {name}"
    except urllib.error.HTTPError as error:
        if error.code == CONFLICT:
            return f"the Secret {name} is there already; it stays"
        print(f"the API server said {error.code}: {error.read().decode()}", flush=True)
    except OSError as error:
        print(f"the API server does not answer: {error}", flush=True)
    return ""


def trust() -> ssl.SSLContext:
    """Return what trusts the cluster's own authority and no other."""
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    # Python 3.13 began to ask for extensions that many clusters' own certificates do not have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def request(name: str, keys: list[str]) -> urllib.request.Request:
    """Return the request that makes the Secret with a new value for each key."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    namespace = (ACCOUNT / "namespace").read_text().strip()
    values = {key: base64.b64encode(secrets.token_hex(24).encode()).decode() for key in keys}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "rillet"}},
        "data": values,
    }
    return urllib.request.Request(
        f"https://{f'[{host}]' if ':' in host else host}:{port}"
        f"/api/v1/namespaces/{namespace}/secrets",
        data=json.dumps(secret).encode(),
        headers={
            "Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}",
            "Content-Type": "application/json",
        },
    )


main()
