// Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	jose "gopkg.in/square/go-jose.v2"
	"gopkg.in/square/go-jose.v2/jwt"
)

func verify(keys jose.JSONWebKeySet, issuer, audience, alg, text string) (*jwt.Claims, error) {
	token, err := jwt.ParseSigned(text)
	if err != nil {
		return nil, err
	}
	header := token.Headers[0]
	if header.Algorithm != alg || header.ExtraHeaders["typ"] != "at+jwt" {
		return nil, errors.New("another algorithm, or no access token")
	}
	found := keys.Key(header.KeyID)
	if len(found) == 0 {
		return nil, errors.New("unknown key")
	}
	claims := &jwt.Claims{}
	if err := token.Claims(found[0].Key, claims); err != nil {
		return nil, err
	}
	expected := jwt.Expected{Issuer: issuer, Audience: jwt.Audience{audience}, Time: time.Now()}
	return claims, claims.Validate(expected)
}

func main() {
	issuer, audience, alg := os.Args[1], os.Args[2], os.Args[3]
	response, err := http.Get(issuer + "/.well-known/jwks.json")
	if err != nil {
		panic(err)
	}
	var keys jose.JSONWebKeySet
	if err := json.NewDecoder(response.Body).Decode(&keys); err != nil {
		panic(err)
	}
	for _, token := range os.Args[4:] {
		claims, err := verify(keys, issuer, audience, alg, token)
		if err != nil {
			fmt.Println("no", err)
		} else {
			fmt.Println("ok", claims.Subject)
		}
	}
}
