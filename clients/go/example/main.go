// Command example calls a tool of an MCP server a hundred times at once, again and again, with an account of Keybearer.
//
//	keybearer practice --port 7878                              # in another terminal
//	keybearer add http://127.0.0.1:7878/mcp --name practice
//	go run ./example http://127.0.0.1:7878/mcp practice 10
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"keybearer"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

const atOnce = 100

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: example URL ACCOUNT SECONDS")
		os.Exit(64)
	}
	duration, err := time.ParseDuration(os.Args[3] + "s")
	if err == nil {
		err = run(context.Background(), os.Args[1], os.Args[2], duration)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url, account string, duration time.Duration) error {
	// All that a program has to do: its HTTP client takes what authorizes it from Keybearer.
	authorized := &http.Client{Transport: &keybearer.Transport{Account: account}}
	server, err := client.NewStreamableHttpClient(url, transport.WithHTTPBasicClient(authorized))
	if err != nil {
		return err
	}
	defer server.Close()
	if err := server.Start(ctx); err != nil {
		return err
	}
	if _, err := server.Initialize(ctx, mcp.InitializeRequest{}); err != nil {
		return err
	}
	calls, failed := 0, 0
	for began := time.Now(); time.Since(began) < duration; calls += atOnce {
		failed += round(ctx, server)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]int{"calls": calls, "failed": failed})
}

// round makes a hundred calls at once, and gives how many failed.
func round(ctx context.Context, server *client.Client) (failed int) {
	errs := make(chan error, atOnce)
	var calls sync.WaitGroup
	for range atOnce {
		calls.Go(func() {
			request := mcp.CallToolRequest{}
			request.Params.Name = "whoami"
			result, err := server.CallTool(ctx, request)
			if err == nil && result.IsError {
				err = fmt.Errorf("the tool failed: %v", result.Content)
			}
			errs <- err
		})
	}
	calls.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed++
		}
	}
	return failed
}
