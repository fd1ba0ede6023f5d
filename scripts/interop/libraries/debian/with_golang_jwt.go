// Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"

	"github.com/golang-jwt/jwt"
)

type jwk struct{ Kid, Kty, N, E, X, Y string }

func number(text string) *big.Int {
	bytes, _ := base64.RawURLEncoding.DecodeString(text)
	return new(big.Int).SetBytes(bytes)
}

func (key jwk) public() crypto.PublicKey {
	switch key.Kty {
	case "RSA":
		return &rsa.PublicKey{N: number(key.N), E: int(number(key.E).Int64())}
	case "EC":
		return &ecdsa.PublicKey{Curve: elliptic.P256(), X: number(key.X), Y: number(key.Y)}
	default:
		bytes, _ := base64.RawURLEncoding.DecodeString(key.X)
		return ed25519.PublicKey(bytes)
	}
}

func main() {
	issuer, audience, alg := os.Args[1], os.Args[2], os.Args[3]
	response, err := http.Get(issuer + "/.well-known/jwks.json")
	if err != nil {
		panic(err)
	}
	var set struct{ Keys []jwk }
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		panic(err)
	}
	find := func(token *jwt.Token) (interface{}, error) {
		if token.Header["typ"] != "at+jwt" {
			return nil, errors.New("no access token")
		}
		for _, key := range set.Keys {
			if key.Kid == token.Header["kid"] {
				return key.public(), nil
			}
		}
		return nil, errors.New("unknown key")
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}))
	for _, text := range os.Args[4:] {
		claims := jwt.MapClaims{}
		_, err := parser.ParseWithClaims(text, claims, find)
		isMeant := claims.VerifyIssuer(issuer, true) && claims.VerifyAudience(audience, true) &&
			claims.VerifyExpiresAt(jwt.TimeFunc().Unix(), true)
		if err == nil && !isMeant {
			err = errors.New("another issuer or audience, or no end")
		}
		if err != nil {
			fmt.Println("no", err)
		} else {
			fmt.Println("ok", claims["sub"])
		}
	}
}
