// SPDX-License-Identifier: Apache-2.0

package report

import (
	"path"
	"strings"
)

// WorkingDirectory is where code runs; relative paths start there.
const WorkingDirectory = "/workspace"

// MadeUp stands for a part of a path that is only known at run time, in a path
// that is Literal all the same: it has no slash and is not "..", so that the path
// stays in its directory, or below it where the code walks a tree.
const MadeUp = "XXXXXXXX"

// CleanPath makes a path fact absolute and clean: "./a/../b" is "/workspace/b".
// Of a Prefix only whole directories are cleaned, as its last element may go on.
// Paths that no file can have are unknown.
func CleanPath(f Fact) Fact {
	if f.Known != Literal && f.Known != Prefix || f.Value == "" || strings.ContainsRune(f.Value, 0) {
		return Fact{Known: UnknownValue}
	}
	p := f.Value
	if !path.IsAbs(p) {
		p = WorkingDirectory + "/" + p
	}
	if f.Known == Literal {
		return Fact{Known: Literal, Value: path.Clean(p)}
	}
	dir, last := path.Split(p)
	dir = path.Clean(dir)
	if dir != "/" {
		dir += "/"
	}
	return Fact{Known: Prefix, Value: dir + last}
}
