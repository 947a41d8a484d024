package keybearer

import (
	"cmp"
	"net/http"
	"strings"
	"sync/atomic"
)

// A Transport adds what authorizes a request. If the server refuses it (401, or 403 for want of scopes), it asks the agent
// once more and sends the request again, once. A request that doesn't go to the account's server fails and is not sent.
//
//	http.Client{Transport: &keybearer.Transport{Account: "work"}}
//
// Errors are of type [*Error], within the [*net/url.Error] of the client.
type Transport struct {
	// Account is the account's name. It may be left out where only one has the server.
	Account string
	// Base sends the requests; [http.DefaultTransport] if nil.
	Base http.RoundTripper

	nonce atomic.Value // what the server wants in the next proof
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	asked := Request{Account: t.Account, URL: request.URL.String(), Method: request.Method}
	response, headers, err := t.send(request, asked)
	if err != nil {
		return nil, err
	}
	challenge := strings.Join(response.Header.Values("WWW-Authenticate"), ", ")
	reason := map[int]string{http.StatusUnauthorized: "401", http.StatusForbidden: "insufficient_scope"}[response.StatusCode]
	isHeard := reason == "401" || strings.Contains(challenge, reason)
	if reason == "" || !isHeard || headers.Generation == nil || request.Body != nil && request.GetBody == nil {
		return response, nil
	}
	response.Body.Close()
	if !strings.Contains(challenge, "use_dpop_nonce") {
		if asked.Scopes, err = Refused(request.Context(), headers, reason, challenge); err != nil {
			return nil, err
		}
	}
	if request.Body != nil {
		request = request.Clone(request.Context())
		if request.Body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	response, _, err = t.send(request, asked)
	return response, err
}

// send sends a request with headers that were made for it.
func (t *Transport) send(request *http.Request, asked Request) (*http.Response, Headers, error) {
	asked.Nonce, _ = t.nonce.Load().(string)
	headers, err := HeadersFor(request.Context(), asked)
	if err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, headers, err
	}
	// A round tripper must not change the request of its caller.
	request = request.Clone(request.Context())
	for name, value := range headers.Headers {
		request.Header.Set(name, value)
	}
	response, err := cmp.Or(t.Base, http.DefaultTransport).RoundTrip(request)
	if err == nil && response.Header.Get("DPoP-Nonce") != "" {
		t.nonce.Store(response.Header.Get("DPoP-Nonce"))
	}
	return response, headers, err
}
