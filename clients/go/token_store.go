package keybearer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/client/transport"
)

// A TokenStore gives mcp-go the token of one account. Its tokens have no refresh token, so mcp-go never renews any: the agent
// does, once for all programs. A [Transport] is better where it can be had: it tries again by itself, and serves every kind of
// account.
type TokenStore struct {
	// Account is the account's name.
	Account string
}

// GetToken asks the agent. Where a person has to sign in, the error is [transport.ErrNoToken] as well, of which mcp-go makes
// "authorization required".
func (s *TokenStore) GetToken(ctx context.Context) (*transport.Token, error) {
	headers, err := HeadersFor(ctx, Request{Account: s.Account})
	if errors.Is(err, AuthRequired) {
		err = fmt.Errorf("%w: %w", transport.ErrNoToken, err)
	}
	if err != nil {
		return nil, err
	}
	token, isBearer := strings.CutPrefix(headers.Headers["Authorization"], "Bearer ")
	if !isBearer {
		return nil, fmt.Errorf("%w: %s has no bearer token (what to do: use a Transport)", NoTokenNeeded, s.Account)
	}
	if given, ok := ctx.Value(givenKey{}).(*Headers); ok {
		*given = headers
	}
	return &transport.Token{AccessToken: token, TokenType: "Bearer", ExpiresAt: headers.ExpiresAt}, nil
}

// SaveToken refuses: tokens are the agent's.
func (s *TokenStore) SaveToken(context.Context, *transport.Token) error {
	return errors.New("tokens are kept by Keybearer alone (what to do: keybearer sign-in)")
}

// Retry makes a call of mcp-go, and once more with another token if the server refused the first. Of itself mcp-go ends with
// an error there.
func (s *TokenStore) Retry(ctx context.Context, call func(context.Context) error) error {
	var given Headers
	err := call(context.WithValue(ctx, givenKey{}, &given))
	var refused *transport.OAuthAuthorizationRequiredError
	if !errors.As(err, &refused) || given.Generation == nil {
		return err
	}
	if _, err := Refused(ctx, given, "401", ""); err != nil {
		return err
	}
	return call(ctx)
}

// givenKey is where a context has room for what was given for its call.
type givenKey struct{}
