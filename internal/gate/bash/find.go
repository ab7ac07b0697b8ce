// SPDX-License-Identifier: Apache-2.0

package bash

import (
	"slices"
	"strings"
)

// The tests and actions of find by what follows them. Actions that write
// files, or run commands, are read by themselves.
var (
	findFlags   = strings.Fields("! ( ) , -a -and -o -or -not -print -print0 -ls -prune -quit -true -false -depth -d -empty -mount -xdev -daystart -follow -readable -writable -executable -nouser -nogroup -noleaf -ignore_readdir_race -warn -nowarn")
	findValues  = strings.Fields("-name -iname -path -ipath -wholename -iwholename -regex -iregex -regextype -type -xtype -size -mtime -mmin -atime -amin -ctime -cmin -maxdepth -mindepth -perm -user -group -uid -gid -links -inum -printf -lname -ilname -fstype -used -context")
	findFiles   = strings.Fields("-newer -anewer -cnewer -samefile")
	findMoments = strings.Fields("-newermt -newerat -newerct")
	findWrites  = strings.Fields("-fprint -fprint0 -fls")
	findRuns    = strings.Fields("-exec -execdir -ok -okdir")
)

// find reports the walk of find(1) and its actions.
func (s *script) find(c command) {
	words := c.args
	for len(words) > 0 {
		text, ok := words[0].literal()
		if !ok || text != "-H" && text != "-L" && text != "-P" {
			break
		}
		words = words[1:]
	}
	var starts []arg
	for len(words) > 0 && !words[0].mayBeOption() && !isFindSign(words[0]) {
		starts = append(starts, words[0])
		words = words[1:]
	}
	if len(starts) == 0 {
		starts = []arg{{texts: texts{lit(".")}}}
	}
	s.compute(c)
	for _, start := range starts {
		s.uses(c, roleRead, start)
	}
	s.expression(c, starts, words)
}

func isFindSign(a arg) bool {
	text, ok := a.literal()
	return ok && (text == "(" || text == "!" || text == ",")
}

// expression reports the actions of find.
func (s *script) expression(c command, starts, words []arg) {
	for i := 0; i < len(words); i++ {
		text, ok := words[i].literal()
		value := only(words[min(i+1, len(words)):min(i+2, len(words))])
		switch {
		case !ok:
			s.refuse(c, "a word that is not known may be an action")
			return
		case slices.Contains(findFlags, text):
		case text == "-delete":
			for _, start := range starts {
				s.uses(c, roleDelete, start)
			}
		case slices.Contains(findRuns, text):
			i += s.action(c, starts, words[i+1:], text)
		case text == "-fprintf" || slices.Contains(findWrites, text):
			s.uses(c, roleWrite, value)
			i++
			if text == "-fprintf" {
				i++
			}
		case slices.Contains(findFiles, text):
			s.uses(c, roleRead, value)
			i++
		case slices.Contains(findMoments, text):
			s.moment(c, value)
			i++
		case slices.Contains(findValues, text) && !value.split && !value.list && !value.isPattern():
			i++
		default:
			s.refuse(c, "the expression of find is not known")
			return
		}
	}
}

// action runs the command of -exec for what find meets, and gives how many words it takes.
func (s *script) action(c command, starts, words []arg, name string) int {
	inDirectory := strings.HasSuffix(name, "dir")
	end := actionEnd(words, strings.HasPrefix(name, "-exec"))
	if end < 0 {
		s.refuse(c, "the command of -exec does not end")
		return len(words)
	}
	for _, start := range starts {
		for _, found := range start.texts {
			inner := c
			var command []arg
			for _, w := range words[:end] {
				command = append(command, w.replace("{}", below(found)))
			}
			if inDirectory {
				inner.dirs = nil
			}
			s.inner(inner, command)
		}
	}
	return end + 1
}

// actionEnd finds the word behind the command of an action. "+" is one only
// behind "{}": the words of find -exec grep + -used /etc/passwd \; go on.
func actionEnd(words []arg, plus bool) int {
	before := ""
	for i, a := range words {
		text, _ := a.literal()
		if text == ";" || text == "+" && plus && before == "{}" {
			return i
		}
		before = text
	}
	return -1
}

// below stands for any path at or below a directory.
func below(dir text) text {
	if dir.isUnknown() {
		return unknown
	}
	if !strings.HasSuffix(dir.shape(), "/") {
		dir = dir.add(piece{literal, "/"})
	}
	return dir.add(piece{glob, "*"})
}
