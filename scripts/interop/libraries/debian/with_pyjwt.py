"""Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token."""
import sys

import jwt

issuer, audience, alg, *tokens = sys.argv[1:]
jwks = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")
for token in tokens:
    try:
        key = jwks.get_signing_key_from_jwt(token).key
        claims = jwt.decode(token, key, algorithms=[alg], issuer=issuer, audience=audience)
        if jwt.get_unverified_header(token)["typ"] != "at+jwt":
            raise ValueError("no access token")
        print("ok", claims["sub"])
    except Exception as error:
        print("no", type(error).__name__, error)
