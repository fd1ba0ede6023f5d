// Run as `PROGRAM ISSUER AUDIENCE ALG TOKEN...`; prints `ok SUB` or `no REASON` for each token.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	oidc "github.com/coreos/go-oidc"
)

func typeOf(token string) string {
	var header struct{ Typ string }
	bytes, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	_ = json.Unmarshal(bytes, &header)
	return header.Typ
}

func main() {
	issuer, audience, alg := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()
	// By discovery: /.well-known/openid-configuration.
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		panic(err)
	}
	config := &oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{alg}}
	verifier := provider.Verifier(config)
	for _, text := range os.Args[4:] {
		token, err := verifier.Verify(ctx, text)
		if err == nil && typeOf(text) != "at+jwt" {
			err = errors.New("no access token")
		}
		if err != nil {
			fmt.Println("no", err)
		} else {
			fmt.Println("ok", token.Subject)
		}
	}
}
