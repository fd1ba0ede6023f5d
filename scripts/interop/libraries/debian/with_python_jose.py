"""Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token."""
import json
import sys
import urllib.request

from jose import jwt

issuer, audience, alg, *tokens = sys.argv[1:]
jwks = json.load(urllib.request.urlopen(f"{issuer}/.well-known/jwks.json"))
for token in tokens:
    try:
        header = jwt.get_unverified_header(token)
        key = next(key for key in jwks["keys"] if key["kid"] == header["kid"])
        claims = jwt.decode(token, key, algorithms=[alg], issuer=issuer, audience=audience)
        if header["typ"] != "at+jwt":
            raise ValueError("no access token")
        print("ok", claims["sub"])
    except Exception as error:
        print("no", type(error).__name__, error)
