// SPDX-License-Identifier: Apache-2.0

// Command images builds Airlock's container images without a container engine,
// as OCI archives. The same inputs give the same digest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const usage = `Usage: go -C hack/images run . [-o DIR] IMAGE...

Images:
  operator   airlock.dev/operator:dev, the manager and the runner
  python     airlock.dev/sandbox-python:dev, CPython with numpy, pandas and matplotlib

Each IMAGE becomes DIR/IMAGE.tar and DIR/IMAGE.digest, and python also DIR/python.inventory (default DIR: bin/images).
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "images: %v\n", err)
		os.Exit(1)
	}
}

// request is what an image is built from: the checkout's root, and the time, by
// which package lists are too old or not.
type request struct {
	root string
	now  time.Time
}

var builders = map[string]func(ctx context.Context, r request) (image, error){
	"operator": buildOperator,
	"python":   buildPython,
}

func run(ctx context.Context, args []string) error {
	root, err := repository()
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet("images", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	dir := flags.String("o", filepath.Join(root, "bin", "images"), "output `DIR`")
	names, err := parse(flags, args)
	if err != nil {
		return err
	}
	for _, name := range names {
		img, err := builders[name](ctx, request{root: root, now: time.Now()})
		if err != nil {
			return fmt.Errorf("build %s: %w", name, err)
		}
		reference, err := img.write(filepath.Join(*dir, name))
		if err = errors.Join(err, img.cleanup()); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		fmt.Println(reference)
	}
	return nil
}

// parse accepts flags before and after the image names.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	var names []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		name := flags.Arg(0)
		if builders[name] == nil {
			return nil, fmt.Errorf("unknown image %q, want operator or python", name)
		}
		names = append(names, name)
		args = flags.Args()[1:]
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no image named, want operator or python")
	}
	return names, nil
}

// repository finds the root of the checkout: go -C hack/images sets the directory.
func repository() (string, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(root, "cmd", "airlock-runner")); err != nil {
		return "", fmt.Errorf("run it as go -C hack/images run . from the repository: %w", err)
	}
	return root, nil
}

// cacheDir returns a directory for downloads and work, outside the checkout.
func cacheDir(elements ...string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(append([]string{base, "airlock", "images"}, elements...)...)
	return dir, os.MkdirAll(dir, 0o750)
}
