// SPDX-License-Identifier: Apache-2.0

package auditlog_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-dev/airlock/internal/auditlog"
	"github.com/airlock-dev/airlock/internal/auditlog/auditlogtest"
)

// A child is another process that keeps a log, so that it can be killed, and so
// that its limits and rights are its own. It takes a command a line and answers each with a line.
const childDir = "AIRLOCK_AUDIT_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		runChild(dir)
		return
	}
	os.Exit(m.Run())
}

// fileAnchor keeps the checkpoint in a file outside the volume.
type fileAnchor string

func (a fileAnchor) Load(context.Context) ([]byte, error) {
	b, err := os.ReadFile(string(a))
	if os.IsNotExist(err) {
		return nil, nil
	}
	return b, err
}

func (a fileAnchor) Save(_ context.Context, checkpoint []byte) error {
	return os.WriteFile(string(a), checkpoint, 0o600)
}

func runChild(dir string) {
	signal.Ignore(syscall.SIGXFSZ) // a limit is to be an error and no end
	tb := &testing.T{}
	cfg := auditlogtest.Config(tb, dir)
	cfg.Anchor = fileAnchor(dir + ".anchor")
	l, err := auditlog.New(cfg)
	if err != nil {
		panic(err)
	}
	go func() { _ = l.Start(context.Background()) }()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		fmt.Println(obey(tb, l, in.Text()))
	}
}

func obey(tb testing.TB, l *auditlog.Log, command string) string {
	var n int
	if _, err := fmt.Sscanf(command, "append %d", &n); err == nil {
		index, err := l.Record(context.Background(), auditlogtest.Story(tb, n)...)
		if err != nil {
			return strings.ReplaceAll(err.Error(), "\n", " ")
		}
		return fmt.Sprint("index ", index)
	}
	if _, err := fmt.Sscanf(command, "limit %d", &n); err == nil {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err.Error()
		}
		limit.Cur = uint64(n)
		if n < 0 {
			limit.Cur = limit.Max
		}
		return fmt.Sprint(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
	}
	return "problems " + strings.Join(l.Problems(), "; ")
}

// nobody may write nowhere by default.
const nobody = 65534

type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(binary(t, dir))
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // root is above the rights of files
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(c.kill)
	return c
}

// binary copies this test's own to where the child may enter.
func binary(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Dir(dir) + "/child"
	if _, err := os.Stat(path); err == nil {
		return path
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// ask sends a command, and returns the answer, "" where the child died before it.
func (c *child) ask(format string, args ...any) string {
	fmt.Fprintf(c.in, format+"\n", args...)
	if c.out.Scan() {
		return c.out.Text()
	}
	return ""
}

// volume is a folder that the child may write to.
func volume(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "airlock-audit-") // t.TempDir is not to be entered by others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	dir := base + "/log"
	for _, d := range []string{base, dir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
		if os.Getuid() == 0 {
			if err := os.Chown(d, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}
