#!/bin/sh
# Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
issuer=$1 audience=$2
shift 3
for token; do
  curl -s -u "$CLIENT_ID:$CLIENT_SECRET" "$issuer/oauth/introspect" --data-urlencode "token=$token" |
    jq -r --arg aud "$audience" \
      'if .active and .aud == $aud then "ok \(.sub)" else "no it is not active for \($aud)" end'
done
