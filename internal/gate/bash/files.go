// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// fileEffect is what a command does with a file that it is given.
type fileEffect report.Kind

const (
	readsFile   = fileEffect(report.FileRead)
	writesFile  = fileEffect(report.FileWrite)
	deletesFile = fileEffect(report.FileDelete)
)

// endlessFile matches the devices that only give bytes: zeros, and random ones.
// What is written to the latter goes into the kernel's pool.
var endlessFile = regexp.MustCompile(`^/dev/(zero|u?random)$`)

// standardFile matches the names of what the script has open already, and of nothing.
var standardFile = regexp.MustCompile(`^/dev/(null|stdin|stdout|stderr|fd/[0-9]+)$`)

// keepsDevices tells whether a command opens the standard files at most: rm,
// mv and chmod change what is behind the name /dev/null.
func keepsDevices(effect fileEffect, name string) bool {
	switch effect {
	case readsFile:
		return true
	case writesFile:
		return strings.Contains(name, ">") || slices.Contains(deviceWriters, name)
	}
	return false
}

// hasNoEffect tells whether opening a file neither reads nor changes one of the
// machine. No file has an empty name: opening it fails.
func hasNoEffect(file string, effect fileEffect, name string) bool {
	return file == "" || standardFile.MatchString(file) && keepsDevices(effect, name) ||
		endlessFile.MatchString(file) && effect == readsFile && slices.Contains(deviceReaders, name)
}

// deviceReaders only read the bytes of a device. Others make it anew as a copy,
// an archive or a link: cp -a, tar, ln.
var deviceReaders = strings.Fields("< cat head tail dd od xxd hexdump tr base64 base32 wc cmp md5sum sha1sum sha256sum sha512sum")

// deviceWriters write into a file that exists, and leave it in its place.
var deviceWriters = strings.Fields("tee dd sort uniq awk gawk mawk nawk tar curl wget shuf iconv find")

// files reports one word that names files, once for each of its alternatives.
func (s *script) files(effect fileEffect, name string, a arg, at span) {
	s.filesIn(s.cwd, effect, name, a, at)
}

// filesIn is files relative to one of the directories.
func (s *script) filesIn(dirs []string, effect fileEffect, name string, a arg, at span) {
	add := func(f report.Fact) {
		s.op(at, report.Operation{Kind: report.Kind(effect), Name: name, Args: report.Args{Path: &f}})
	}
	if a.split && !a.texts.areNumbers() || len(a.texts) == 0 {
		add(report.Fact{Known: report.UnknownValue})
		return
	}
	for _, t := range a.texts {
		if effect == writesFile && slices.ContainsFunc(strings.Split(t.prefix(), "/"), func(element string) bool { return strings.HasPrefix(element, "-") }) {
			s.unknown(at, name, "commands that meet the file through a pattern take its name for an option")
		}
		if text, ok := t.literal(); ok && hasNoEffect(text, effect, name) {
			continue
		}
		if path.IsAbs(t.prefix()) {
			add(pathFact(t, ""))
			continue
		}
		if dirs == nil {
			add(report.Fact{Known: report.UnknownValue})
		}
		for _, dir := range dirs {
			add(pathFact(t, dir))
		}
	}
}

// pathFact is the path that a text names, relative to dir. A pattern, and a
// name with a number in it, stand for something below a directory that is known:
// the fact is that directory.
func pathFact(t text, dir string) report.Fact {
	unknownPath := report.Fact{Known: report.UnknownValue}
	if s, ok := t.literal(); ok {
		if s == "" || climbs(s) {
			return unknownPath
		}
		return report.CleanPath(report.Fact{Known: report.Literal, Value: join(dir, s)})
	}
	head := t.prefix()
	if climbs(head) {
		return unknownPath
	}
	if t.isUnknown() {
		if head == "" || strings.ContainsAny(t[1:].shape(), "/") && climbs(t.shape()) {
			return unknownPath
		}
		return report.CleanPath(report.Fact{Known: report.Prefix, Value: join(dir, head)})
	}
	if !staysBelow(t) {
		return unknownPath
	}
	parent := head[:strings.LastIndexByte(head, '/')+1]
	return report.CleanPath(report.Fact{Known: report.Literal, Value: join(dir, parent+".")})
}

// join puts a name below a directory, as the kernel does: an absolute one stays what it is.
func join(dir, name string) string {
	if dir == "" || strings.HasPrefix(name, "/") {
		return name
	}
	return dir + "/" + name
}

func climbs(name string) bool {
	return slices.Contains(strings.Split(name, "/"), "..")
}

// shape writes a text with nothing for its numbers and "*" for patterns.
func (t text) shape() string {
	var out strings.Builder
	for _, p := range t {
		switch p.kind {
		case literal, glob:
			out.WriteString(p.text)
		case number:
		case anything:
			out.WriteString("*")
		}
	}
	return out.String()
}

// staysBelow tells whether no file that the text can stand for is reached
// through "..". A pattern has to match a leading point explicitly, but ".*" may match "..".
func staysBelow(t text) bool {
	for element := range strings.SplitSeq(t.shape(), "/") {
		if element == ".." || strings.HasPrefix(element, ".") && strings.ContainsAny(element, "*?[") {
			return false
		}
	}
	return true
}
