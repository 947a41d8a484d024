// Package keybearer gives Go programs what authorizes their requests to MCP servers, from Keybearer's agent on this machine.
//
// A [Transport] adds it to the requests of any [net/http.Client]; a [TokenStore] is for programs that use the OAuth client of
// mcp-go. Nothing is kept here: the agent answers in a fraction of a millisecond, renews in time, and once for all who ask.
package keybearer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is the most that an answer may take: a person may have a minute to decide.
const patience = 90 * time.Second

// lineLimit is what a line of the protocol may hold.
const lineLimit = 64 << 10

const hello = `{"jsonrpc":"2.0","id":1,"method":"session.open","params":` +
	`{"protocol":{"min":1,"max":1},"client":{"name":"keybearer-go","version":"0.1.0"}}}` + "\n"

// reach connects to the agent's socket. Where the standard library can't tell who serves there, the command asks, which can.
var reach func(context.Context) (net.Conn, error)

// places are those for questions under way, each on a connection of its own: the agent takes 64 of a process.
var places = make(chan struct{}, 32)

// A Request is what headers are for. Some servers want a proof with each request, made for it alone (DPoP, RFC 9449).
type Request struct {
	// Account is the account's name; it may be left out where only one has the server of this URL.
	Account string   `json:"profile,omitempty"`
	URL     string   `json:"url,omitempty"`
	Method  string   `json:"method,omitempty"`
	Nonce   string   `json:"nonce,omitempty"`
	Scopes  []string `json:"scopes,omitempty"`
}

// Headers are what a request needs; empty where the server wants no sign-in. They hold secrets: log none of it.
type Headers struct {
	Headers   map[string]string `json:"headers"`
	ExpiresAt time.Time         `json:"expires_at"` // zero where that isn't known
	Account   string            `json:"profile"`
	// Generation is nil where no token is issued, so that none can be refused.
	Generation *uint32 `json:"generation"`
}

// HeadersFor gives the headers of one request. One that doesn't go to the account's server is an error ([ResourceMismatch]).
func HeadersFor(ctx context.Context, request Request) (headers Headers, err error) {
	err = Call(ctx, "header.get", request, &headers)
	return headers, err
}

// Refused tells that a server refused the token in these headers, so that the next question gets another. However many tell
// so, it is renewed once. The reason is "401" or "insufficient_scope"; of the challenge the scopes are given.
func Refused(ctx context.Context, headers Headers, reason, challenge string) (scopes []string, err error) {
	var reply struct{ Scopes []string }
	err = Call(ctx, "token.invalidate", map[string]any{
		"profile": headers.Account, "generation": headers.Generation, "reason": reason, "www_authenticate": challenge,
	}, &reply)
	return reply.Scopes, err
}

// Call asks any method of docs/protocol.md. When the context ends, the agent forgets the question, and its error is given.
func Call(ctx context.Context, method string, params, reply any) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	question := map[string]any{"jsonrpc": "2.0", "id": 2, "method": method, "params": params}
	if reach != nil && os.Getenv("KEYBEARER_COMMAND") == "" {
		err = throughSocket(ctx, question, reply)
	} else {
		err = throughCommand(ctx, question, reply)
	}
	return cmp.Or(ctx.Err(), err)
}

// throughSocket says hello, and asks.
func throughSocket(ctx context.Context, question map[string]any, reply any) error {
	stream, err := reach(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	// Whoever hangs up takes the question back.
	defer context.AfterFunc(ctx, func() { stream.Close() })()
	said := json.NewDecoder(io.LimitReader(stream, 2*lineLimit))
	var opened struct{ Session string }
	// What can't be written isn't answered either.
	_, _ = io.WriteString(stream, hello)
	if err := answer(said, &opened); err != nil {
		return err
	}
	question["session"] = opened.Session
	_ = json.NewEncoder(stream).Encode(question)
	return answer(said, reply)
}

// throughCommand has `keybearer` ask, which starts the agent where none runs.
func throughCommand(ctx context.Context, question map[string]any, reply any) error {
	line, _ := json.Marshal(question)
	command := exec.CommandContext(ctx, cmp.Or(os.Getenv("KEYBEARER_COMMAND"), "keybearer"), "rpc", "-")
	var complaint strings.Builder
	command.Stdin, command.Stderr = bytes.NewReader(append(line, '\n')), &complaint
	said, err := command.Output()
	if len(said) == 0 && err != nil {
		return unreachable(cmp.Or(strings.TrimSpace(complaint.String()), err.Error()), "keybearer doctor")
	}
	return answer(json.NewDecoder(bytes.NewReader(said)), reply)
}

// answer reads the next answer.
func answer(from *json.Decoder, reply any) error {
	said := struct {
		Result any
		Error  *Error
	}{reply, nil}
	if from.Decode(&said) != nil {
		return unreachable("the agent ended the connection, or doesn't speak Keybearer's protocol", "keybearer doctor")
	}
	if said.Error == nil {
		return nil
	}
	return said.Error
}
