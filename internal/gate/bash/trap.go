// SPDX-License-Identifier: Apache-2.0

package bash

// trap reads the text of a handler as the code that it is. It runs at any
// later time, so that the directory is only known when it never changes.
func (s *script) trap(c command) {
	if len(c.args) == 0 {
		s.compute(c)
		return
	}
	action, ok := c.args[0].literal()
	if ok && (action == "-" || action == "" || action == "-l" || action == "-p") {
		s.compute(c)
		return
	}
	file := s.handlers[span{c.args[0].from, c.args[0].to}]
	if !ok || file == nil || s.pinned != nil {
		s.evaluates(c, "the handler is code that is only known at run time")
		return
	}
	s.compute(c)
	s.subshell(func() {
		// The handler runs outside of the function that set it: with other
		// arguments, and without its local variables.
		fn, hidden := s.fn, s.hidden
		s.pinned, s.fn, s.hidden = &c.at, "", s.local
		if s.moves {
			s.cwd = nil
		}
		s.stmts(file.Stmts)
		s.pinned, s.fn, s.hidden = nil, fn, hidden
	})
}
