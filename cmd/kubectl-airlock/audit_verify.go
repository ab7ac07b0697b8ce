// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/transparency-dev/tessera/api/layout"

	"github.com/airlock-dev/airlock/internal/audit"
	"github.com/airlock-dev/airlock/internal/auditverify"
	"github.com/airlock-dev/airlock/internal/review"
)

const verifyHelp = `Prove that the audit log is whole: every record has the hash that the signed
tree has, the log continues every checkpoint that was kept, and the records of
each request tell a story that can have happened.

The public key has to come from somebody else than the log: note it when Airlock
is installed. Exit codes: 0 the log is whole, 3 it is not, 1 it could not be
verified.`

func newAuditVerifyCommand() *cobra.Command {
	a, key, since, request := &auditor{}, "", []string(nil), ""
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove that the log is whole", Long: verifyHelp, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verify(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), key, since, request)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the log's public `KEY`, or a file with it")
	cmd.Flags().StringArrayVar(&since, "since", nil, "a `FILE` with a checkpoint that was kept earlier; may be repeated")
	cmd.Flags().StringVar(&request, "request", "", "judge the story of the request with this `UID` only")
	a.addTo(cmd)
	return cmd
}

func (a *auditor) verify(ctx context.Context, stdout, stderr io.Writer, key string, since []string, request string) error {
	log, err := a.open(ctx, stderr)
	if err != nil {
		return err
	}
	defer log.close()
	if key, err = a.keyFor(log, key, stderr); err != nil {
		return err
	}
	opts := auditverify.Options{Key: key, Earlier: log.kept, Request: request}
	for _, path := range since {
		raw, err := os.ReadFile(path) //nolint:gosec // G304: the user names it
		if err != nil {
			return err
		}
		opts.Earlier = append(opts.Earlier, raw)
	}
	result, err := auditverify.Verify(log.read, opts)
	if err != nil {
		return err
	}
	if a.output != "text" {
		err = writeObject(stdout, a.output, result)
	} else {
		writeProof(stdout, result, len(opts.Earlier))
	}
	if err == nil && len(result.Findings) > 0 {
		return exitCode(exitDeny)
	}
	return err
}

// keyFor takes the key that the user gives, in a file or as it is. The one that the cluster publishes is second best.
func (a *auditor) keyFor(log *audited, given string, stderr io.Writer) (string, error) {
	if given == "" && log.key == "" {
		return "", errors.New("--key is needed: the public key of the log, from whoever installed Airlock")
	}
	if given == "" {
		fmt.Fprintln(stderr, "warning: the key is the one that the cluster publishes, which proves nothing against somebody who controls the cluster; give --key")
		return log.key, nil
	}
	if raw, err := os.ReadFile(given); err == nil { //nolint:gosec // G304: the user names it
		return strings.TrimSpace(string(raw)), nil
	}
	return given, nil
}

func writeProof(w io.Writer, r *auditverify.Result, earlier int) {
	fmt.Fprintf(w, "log       %s\nrecords   %d\nroot      %s\nrequests  %d, of which %d have no end yet\nearlier   %d checkpoints\n",
		review.SafeString(r.Origin), r.Size, r.Root, r.Requests, len(r.Open), earlier)
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "\nThe log is whole.")
		return
	}
	fmt.Fprintln(w, "\nThe log is NOT whole:")
	for _, f := range r.Findings {
		fmt.Fprintf(w, "  %s: %s", f.Kind, review.SafeString(f.Message))
		if f.Request != "" {
			fmt.Fprintf(w, " (request %s)", review.SafeString(f.Request))
		}
		fmt.Fprintln(w)
	}
}

func newAuditExportCommand() *cobra.Command {
	a := &auditor{}
	cmd := &cobra.Command{
		Use: "export FOLDER", Short: "Copy the log into a folder, or bring an earlier copy up to date", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.export(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
		},
	}
	a.addTo(cmd)
	return cmd
}

// export copies what the checkpoint signs. Full files never change, so that those of an earlier export stay; its checkpoint
// is kept, so that verify compares the two.
func (a *auditor) export(ctx context.Context, stdout, stderr io.Writer, dir string) error {
	log, err := a.open(ctx, stderr)
	if err != nil {
		return err
	}
	defer log.close()
	if err := keepCheckpoints(dir, log); err != nil {
		return err
	}
	files, err := copyTree(log, dir)
	if err != nil {
		return err
	}
	if err := copyContents(log, stderr, dir); err != nil {
		return err
	}
	if err := writeFile(dir, "checkpoint", log.checkpoint); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d records, %d new files in %s\nVerify them with: kubectl airlock audit verify --from %s --key KEY\n", log.size, files, dir, dir)
	return nil
}

// copyTree copies the records and the hashes that the folder lacks, and counts their files.
func copyTree(log *audited, dir string) (files int, err error) {
	for _, path := range filesOf(log.size) {
		if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
			continue
		}
		if err := copyFile(log.read, dir, path); err != nil {
			return files, err
		}
		files++
	}
	return files, nil
}

// copyContents copies the code that is too long for its record. What is not there any more is a warning: verify says which
// records lack it.
func copyContents(log *audited, stderr io.Writer, dir string) error {
	for e, err := range auditverify.Backwards(folder(dir), log.size) {
		if err != nil {
			return err
		}
		if s := e.Event.Data.Script; e.Event.Type == audit.Submitted && s != nil && s.Content.IsTruncated && len(s.Hashes) > 0 {
			if err := copyFile(log.read, dir, auditverify.ContentPath(s.Hashes[0].Value)); err != nil {
				fmt.Fprintln(stderr, "warning:", review.SafeString(err.Error()))
			}
		}
	}
	return nil
}

// keepCheckpoints keeps the last export's checkpoint, and the one that the cluster keeps outside the log's volume.
func keepCheckpoints(dir string, log *audited) error {
	kept := log.kept
	if raw, err := os.ReadFile(filepath.Join(dir, "checkpoint")); err == nil { //nolint:gosec // G304: the user names the folder
		kept = append(kept, raw)
	}
	for _, raw := range kept {
		size, err := auditverify.SizeOf(raw)
		if err != nil {
			return fmt.Errorf("a checkpoint that was kept cannot be read: %w", err)
		}
		name := fmt.Sprintf("%s/%d-%.8s", keptDir, size, audit.NewContent(string(raw)).SHA256)
		if err := writeFile(dir, name, raw); err != nil {
			return err
		}
	}
	return nil
}

// filesOf lists the files of a log of this size (https://c2sp.org/tlog-tiles).
func filesOf(size uint64) []string {
	var paths []string
	for level, nodes := uint64(0), size; nodes > 0; level, nodes = level+1, nodes/layout.TileWidth {
		for tile := uint64(0); tile*layout.TileWidth < nodes; tile++ {
			p := layout.PartialTileSize(level, tile, size)
			paths = append(paths, layout.TilePath(level, tile, p))
			if level == 0 {
				paths = append(paths, layout.EntriesPath(tile, p))
			}
		}
	}
	return paths
}

// copyFile copies a file; where a partial one has become a full one meanwhile, that one.
func copyFile(read auditverify.Source, dir, path string) error {
	raw, err := read(path)
	if full, _, partial := strings.Cut(path, ".p/"); err != nil && partial {
		path = full
		raw, err = read(path)
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", path, err)
	}
	return writeFile(dir, path, raw)
}

// writeFile writes below the folder and nowhere else: names come out of the log, which its verifier does not trust.
func writeFile(dir, path string, raw []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the folder: %w", err)
	}
	defer root.Close() //nolint:errcheck // only a handle
	path = filepath.FromSlash(path)
	if err := root.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make a folder for %s: %w", path, err)
	}
	if err := root.WriteFile(path, raw, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
