"""Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token."""
import json
import sys
import urllib.request

from jwcrypto import jwk, jwt

issuer, audience, alg, *tokens = sys.argv[1:]
text = urllib.request.urlopen(f"{issuer}/.well-known/jwks.json").read()
keys = jwk.JWKSet.from_json(text)
for token in tokens:
    try:
        # None: a claim that has to be there.
        expected = {"iss": issuer, "aud": audience, "exp": None}
        verified = jwt.JWT(jwt=token, key=keys, algs=[alg], check_claims=expected)
        if json.loads(verified.header)["typ"] != "at+jwt":
            raise ValueError("no access token")
        print("ok", json.loads(verified.claims)["sub"])
    except Exception as error:
        print("no", type(error).__name__, error)
