package keybearer

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

// These tests need an agent with the accounts `practice` and `proofs`: `cargo xtask clients` runs them.

const question = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",` +
	`"capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

func practice(t *testing.T) string {
	url := os.Getenv("PRACTICE_URL")
	if url == "" {
		t.Skip("cargo xtask clients runs this")
	}
	return url
}

// control tells the practice server what to do, and gives what it has counted.
func control(t *testing.T, change string) map[string]int {
	response, err := http.Post(os.Getenv("PRACTICE_CONTROL"), "application/json", strings.NewReader(change))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	counters := map[string]int{}
	if err := json.NewDecoder(response.Body).Decode(&counters); err != nil {
		t.Fatal(err)
	}
	return counters
}

func keybearer(t *testing.T, words ...string) {
	if said, err := exec.Command(os.Getenv("KEYBEARER"), words...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", words, said)
	}
}

func post(account, url string) (int, error) {
	client := http.Client{Transport: &Transport{Account: account}}
	request, _ := http.NewRequest("POST", url, strings.NewReader(question))
	request.Header.Set("Accept", "application/json, text/event-stream")
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func TestATokenThatIsRefusedCostsOneRefreshHoweverManyUseIt(t *testing.T) {
	url := practice(t)
	before := control(t, `{"expire_all": true}`)
	var calls sync.WaitGroup
	for range 100 {
		calls.Go(func() {
			if status, err := post("practice", url); err != nil || status != http.StatusOK {
				t.Error(status, err)
			}
		})
	}
	calls.Wait()
	after := control(t, `{}`)
	if after["refreshes"] != before["refreshes"]+1 || after["mcp_rejected"] == before["mcp_rejected"] {
		t.Error(before, after)
	}
}

func TestARequestToAnotherServerIsNotSent(t *testing.T) {
	practice(t)
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	go func() {
		if _, err := elsewhere.Accept(); err == nil {
			t.Error("it was sent")
		}
	}()
	if _, err := post("practice", "http://"+elsewhere.Addr().String()+"/mcp"); !errors.Is(err, ResourceMismatch) {
		t.Error(err)
	}
}

func TestAServerThatWantsAProofGetsOne(t *testing.T) {
	practice(t)
	for range 2 {
		if status, err := post("proofs", os.Getenv("PROOFS_URL")); err != nil || status != http.StatusOK {
			t.Error(status, err)
		}
	}
	if _, err := (&TokenStore{Account: "proofs"}).GetToken(t.Context()); err == nil {
		t.Error("a token that opens nothing")
	}
}

func TestErrorsSayWhatTheyAreAndWhatToDo(t *testing.T) {
	url := practice(t)
	_, err := HeadersFor(t.Context(), Request{Account: "nobody"})
	var refusal *Error
	if !errors.Is(err, ProfileNotFound) || !errors.As(err, &refusal) || refusal.Action == "" {
		t.Error(err)
	}
	keybearer(t, "sign-out", "practice")
	defer keybearer(t, "sign-in", "practice")
	if _, err := post("practice", url); !errors.Is(err, AuthRequired) || !strings.Contains(err.Error(), "keybearer sign-in") {
		t.Error(err)
	}
	if _, err := (&TokenStore{Account: "practice"}).GetToken(t.Context()); !errors.Is(err, transport.ErrNoToken) {
		t.Error(err)
	}
}

func TestWhereNobodyListensOrOthersCouldNothingIsSaid(t *testing.T) {
	practice(t)
	folder := t.TempDir()
	t.Setenv("KEYBEARER_SOCKET", folder)
	if _, err := HeadersFor(t.Context(), Request{Account: "practice"}); !errors.Is(err, AgentUnreachable) {
		t.Error(err)
	}
	programs := filepath.Join(folder, "programs")
	if err := os.Mkdir(programs, 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(programs, "agent.v1.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	heard := make(chan int, 1)
	go func() {
		if connected, err := listener.Accept(); err == nil {
			said, _ := io.ReadAll(connected)
			heard <- len(said)
		}
	}()
	if err := os.Chmod(programs, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = HeadersFor(t.Context(), Request{Account: "practice"})
	if !errors.Is(err, AgentUnreachable) || !strings.Contains(err.Error(), "alone") || <-heard != 0 {
		t.Error(err)
	}
}

func TestWhoeverLeavesWaitsNoLonger(t *testing.T) {
	practice(t)
	control(t, `{"distance_ms": 1000}`)
	defer control(t, `{"distance_ms": 0}`)
	ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	began := time.Now()
	var token struct{ Generation int }
	renew := map[string]any{"profile": "practice", "force": true}
	err := Call(ctx, "token.get", renew, &token)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 900*time.Millisecond {
		t.Error(err, time.Since(began))
	}
	// What it began goes on.
	if err := Call(t.Context(), "token.get", renew, &token); err != nil || token.Generation == 0 {
		t.Error(err)
	}
}

func TestTheCommandAsksWhereThereIsNoSocket(t *testing.T) {
	url := practice(t)
	t.Setenv("KEYBEARER_COMMAND", os.Getenv("KEYBEARER"))
	if status, err := post("practice", url); err != nil || status != http.StatusOK {
		t.Error(status, err)
	}
	if _, err := HeadersFor(t.Context(), Request{Account: "nobody"}); !errors.Is(err, ProfileNotFound) {
		t.Error(err)
	}
	t.Setenv("KEYBEARER_COMMAND", "/nowhere/keybearer")
	if _, err := HeadersFor(t.Context(), Request{Account: "practice"}); !errors.Is(err, AgentUnreachable) {
		t.Error(err)
	}
}

func TestMcpGoNeverGetsARefreshTokenAndRetryGetsPastARefusedOne(t *testing.T) {
	url := practice(t)
	store := &TokenStore{Account: "practice"}
	token, err := store.GetToken(t.Context())
	if err != nil || token.RefreshToken != "" || token.IsExpired() || store.SaveToken(t.Context(), token) == nil {
		t.Fatal(err)
	}
	server, err := client.NewOAuthStreamableHttpClient(url, client.OAuthConfig{TokenStore: store})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Initialize(t.Context(), mcp.InitializeRequest{}); err != nil {
		t.Fatal(err)
	}
	before := control(t, `{"expire_all": true}`)
	var calls sync.WaitGroup
	for range 100 {
		calls.Go(func() {
			err := store.Retry(t.Context(), func(ctx context.Context) error {
				_, err := server.ListTools(ctx, mcp.ListToolsRequest{})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if after := control(t, `{}`); after["refreshes"] != before["refreshes"]+1 {
		t.Error(before, after)
	}
}
