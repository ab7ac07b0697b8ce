// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/review"
)

// The bounds of highlighting. The code is hostile, and the lexers stand on
// backtracking regular expressions: what takes long goes without colours.
const (
	maxHighlighted      = 100_000 // bytes
	highlightingEndures = time.Second
)

// highlight tells the style of every byte of a source, or gives nil. It never
// changes the text: where the lexer's tokens are not the source byte by byte,
// there are no colours.
func highlight(lang v1alpha1.Language, source string) []review.Style {
	lexer := lexers.Get(strings.ToLower(string(lang)))
	if lexer == nil || len(source) > maxHighlighted {
		return nil
	}
	tokens, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, source)
	if err != nil {
		return nil
	}
	end := time.Now().Add(highlightingEndures)
	styles := make([]review.Style, 0, len(source))
	rest := source
	for token := tokens(); token != chroma.EOF; token = tokens() {
		after, ok := strings.CutPrefix(rest, token.Value)
		if !ok && token.Value == rest+"\n" { // lexers may end the last line
			token.Value, after, ok = rest, "", true
		}
		if !ok || time.Now().After(end) {
			return nil
		}
		style := styleOf(token.Type)
		for range len(token.Value) {
			styles = append(styles, style)
		}
		rest = after
	}
	if rest != "" {
		return nil
	}
	return styles
}

func styleOf(t chroma.TokenType) review.Style {
	switch {
	case t.InCategory(chroma.Keyword), t == chroma.OperatorWord:
		return review.Keyword
	case t.InSubCategory(chroma.LiteralString):
		return review.Text
	case t.InSubCategory(chroma.LiteralNumber):
		return review.Number
	case t.InCategory(chroma.Comment):
		return review.Comment
	case t.InCategory(chroma.Name) && (t == chroma.NameFunction || t == chroma.NameBuiltin || t == chroma.NameNamespace || t == chroma.NameDecorator):
		return review.Name
	default:
		return review.Plain
	}
}
