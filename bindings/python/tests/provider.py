"""An identity provider on this machine, whose keys are found through its metadata."""

import json
from contextlib import contextmanager
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from boltguard import jwt
from boltguard.jwt import Key

from issuer import FAR, Issuer, reply, serving

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


class Provider(Issuer):
    """Publishes metadata and keys. `requested` lists the paths of the requests.

    `metadata` replaces members of the metadata, and `responses` contains functions of the handler by path.
    """

    def __init__(self, *kids, path=""):
        super().__init__(*kids)
        self.path, self.url, self.metadata, self.responses, self.requested = path, None, {}, {}, []
        self.respond = self._respond

    def _respond(self, handler, _):
        self.requested.append(handler.path)
        documents = {
            self.path + OPENID: self.document(),
            OAUTH + self.path: self.document(),
            self.path + "/keys": self.published,
        }
        if handler.path in self.responses:
            self.responses[handler.path](handler)
        elif handler.path in documents:
            reply(handler, 200, json.dumps(documents[handler.path]).encode())
        else:
            reply(handler, 404)

    def document(self):
        offered = {"id_token_signing_alg_values_supported": ["none", "HS256", "ES256"]}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **offered, **self.metadata}

    def bearer(self, kid, **claims):
        return super().bearer(kid, **{"iss": self.url, "aud": "shop", **claims})

    def mint(self, header, claims):
        """A token with exactly these claims and `exp`. `alg` and `kid` of the header choose the key."""
        headers = {name: value for name, value in header.items() if name != "alg"}
        return jwt.encode({"exp": FAR, **claims}, self.keys[header["kid"]], algorithm=header["alg"], headers=headers)


@cache
def rsa_pem():
    """An RSA key, which is generated once, because that takes long."""
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def with_rsa(kid, **options):
    """A provider with an RSA key."""
    provider = Provider(**options)
    provider.keys[kid] = Key.from_pem(rsa_pem(), kid=kid)
    provider.publish(kid)
    return provider


@contextmanager
def online(provider):
    """Serves the provider, and yields its issuer."""
    with serving(provider) as url:
        provider.url = url.removesuffix("/jwks.json") + provider.path
        yield provider.url
