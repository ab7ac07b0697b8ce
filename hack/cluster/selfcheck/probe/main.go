// SPDX-License-Identifier: Apache-2.0

// Command probe asks each URL once and prints what came of it, one line for each.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// patience is how long a dropped connection is waited for.
const patience = 3 * time.Second

func main() {
	for _, url := range os.Args[1:] {
		answer, err := get(url)
		if err != nil {
			answer = "failed: " + err.Error()
		}
		fmt.Printf("%s -> %s\n", url, answer)
	}
}

func get(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // probing the addresses it is given is its job
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request) //nolint:gosec // see above
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	const enough = 200
	body, err := io.ReadAll(io.LimitReader(response.Body, enough))
	return strings.TrimSpace(string(body)), err
}
