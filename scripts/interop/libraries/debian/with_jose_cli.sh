#!/bin/sh
# Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
issuer=$1 audience=$2 alg=$3
shift 3
curl -s "$issuer/.well-known/jwks.json" >keys.json
part() { printf %s "$1" | cut -d. -f"$2" | jose b64 dec -i-; }
for token; do
  header=$(part "$token" 1)
  claims=$(part "$token" 2)
  kid=$(printf %s "$header" | jq -r .kid)
  jq --arg kid "$kid" '.keys[] | select(.kid == $kid)' keys.json >key.json
  if [ "$(printf %s "$header" | jq -r '.alg + " " + .typ')" != "$alg at+jwt" ]; then
    echo 'no another algorithm, or no access token'
  elif ! printf %s "$token" | jose jws ver -i- -k key.json >fault.txt 2>&1; then
    echo "no the signature is not good $(tr '\n' ' ' <fault.txt)"
  elif ! printf %s "$claims" | jq -e --arg iss "$issuer" --arg aud "$audience" \
    '.iss == $iss and .aud == $aud and .exp > now' >fault.txt; then
    echo 'no another issuer or audience, or expired'
  else
    echo "ok $(printf %s "$claims" | jq -r .sub)"
  fi
done
