"""Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token."""
import sys

import requests
from authlib.jose import JsonWebKey, JsonWebToken

issuer, audience, alg, *tokens = sys.argv[1:]
keys = JsonWebKey.import_key_set(requests.get(f"{issuer}/.well-known/jwks.json").json())
expected = {
    "iss": {"essential": True, "value": issuer},
    "aud": {"essential": True, "value": audience},
    "exp": {"essential": True},
}
for token in tokens:
    try:
        claims = JsonWebToken([alg]).decode(token, keys, claims_options=expected)
        claims.validate()
        if claims.header["typ"] != "at+jwt":
            raise ValueError("no access token")
        print("ok", claims["sub"])
    except Exception as error:
        print("no", type(error).__name__, error)
