// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/airlock-dev/airlock/api/v1alpha1"
	"github.com/airlock-dev/airlock/internal/sandbox"
)

// MaxSourceCharacters is the schema's bound on code.source.
const MaxSourceCharacters = 250_000

// CheckRequest finds what a request asks for and its policy does not list, and
// what the schema cannot say. Each error names what is listed and the fix.
func CheckRequest(req *v1alpha1.ExecutionRequestSpec, pol *v1alpha1.ExecutionPolicySpec) field.ErrorList {
	spec := field.NewPath("spec")
	return slices.Concat(
		checkCode(req.Code, pol.Runtimes, spec.Child("code")),
		checkArgs(req, spec.Child("args")),
		checkEnv(req.Env, pol.Env, spec.Child("env")),
		checkEgress(req.Egress, pol.Egress, spec.Child("egress")),
		checkCredentials(req.Credentials, pol.Credentials, spec.Child("credentials")),
		checkLimits(req.Limits, pol.Limits, spec.Child("limits")),
	)
}

func checkCode(code v1alpha1.Code, runtimes []v1alpha1.Runtime, at *field.Path) (errs field.ErrorList) {
	listed := make([]string, 0, len(runtimes))
	for _, r := range runtimes {
		listed = append(listed, string(r.Language))
	}
	if code.Language == "" || !slices.Contains(listed, string(code.Language)) {
		errs = append(errs, field.Invalid(at.Child("language"), code.Language,
			"the policy runs "+list(listed, "no language")+"; use one of these, or ask its owner for a runtime"))
	}
	errs = append(errs, checkDialect(code, runtimes, at.Child("dialect"))...)
	source := at.Child("source")
	switch n := utf8.RuneCountInString(code.Source); {
	case n == 0:
		errs = append(errs, field.Required(source, "give the code to run"))
	case n > MaxSourceCharacters:
		errs = append(errs, field.TooLong(source, "", MaxSourceCharacters))
	default:
		errs = append(errs, checkText(code.Source, source)...)
	}
	return errs
}

// checkDialect refuses SQL that was written for another database than the one
// that executes it: the two may read the same text as different statements.
func checkDialect(code v1alpha1.Code, runtimes []v1alpha1.Runtime, at *field.Path) field.ErrorList {
	for _, r := range runtimes {
		if r.Language == code.Language && code.Dialect != "" && code.Dialect != r.Dialect {
			return field.ErrorList{field.Invalid(at, code.Dialect, fmt.Sprintf("the policy's runtime executes %s; write the statements for it", r.Dialect))}
		}
	}
	return nil
}

// checkText refuses what readers disagree on: bytes that are not UTF-8 are
// replaced or skipped, and NUL ends the text for some of them.
func checkText(s string, at *field.Path) field.ErrorList {
	if !utf8.ValidString(s) {
		return field.ErrorList{field.Invalid(at, "(not shown)", "it is not UTF-8; send it as UTF-8")}
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return field.ErrorList{field.Invalid(at, "(not shown)", fmt.Sprintf("it has a NUL character at byte %d; leave it out", i))}
	}
	return nil
}

func checkArgs(req *v1alpha1.ExecutionRequestSpec, at *field.Path) (errs field.ErrorList) {
	if req.Code.Language == v1alpha1.SQL && len(req.Args) > 0 {
		// psql -f FILE -c "DROP TABLE users": options behind the file count too.
		errs = append(errs, field.Forbidden(at, "statements take no arguments, and a database client would read them as options; leave them out"))
	}
	for i, arg := range req.Args {
		errs = append(errs, checkText(arg, at.Index(i))...)
	}
	return errs
}

func checkEnv(env []v1alpha1.EnvVar, listed []string, at *field.Path) (errs field.ErrorList) {
	for i, e := range env {
		name := at.Index(i).Child("name")
		switch {
		case sandbox.ReservedEnv(e.Name):
			errs = append(errs, field.Forbidden(name, fmt.Sprintf("%q steers the interpreter or the loader and is never taken from a request; leave it out", e.Name)))
		case !slices.Contains(listed, e.Name):
			errs = append(errs, field.Forbidden(name, fmt.Sprintf("the policy does not list %q; it lists %s; leave it out, or ask its owner to add it to spec.env", e.Name, list(listed, "none"))))
		}
		if e.Value != nil {
			errs = append(errs, checkText(*e.Value, at.Index(i).Child("value"))...)
		}
	}
	return errs
}

func checkEgress(egress, listed []v1alpha1.EgressTarget, at *field.Path) (errs field.ErrorList) {
	names := make([]string, 0, len(listed))
	for _, l := range listed {
		names = append(names, fmt.Sprintf("%s:%d", l.Host, l.Port))
	}
	for i, e := range egress {
		if !slices.Contains(listed, e) {
			errs = append(errs, field.Forbidden(at.Index(i), fmt.Sprintf("the policy does not list %q; it lists %s; leave it out, or ask its owner to add it to spec.egress",
				fmt.Sprintf("%s:%d", e.Host, e.Port), list(names, "none"))))
		}
	}
	return errs
}

func checkCredentials(credentials []string, listed []v1alpha1.Credential, at *field.Path) (errs field.ErrorList) {
	names := make([]string, 0, len(listed))
	for _, l := range listed {
		names = append(names, l.Name)
	}
	for i, c := range credentials {
		if !slices.Contains(names, c) {
			errs = append(errs, field.Forbidden(at.Index(i), fmt.Sprintf("the policy does not list %q; it lists %s; leave it out, or ask its owner to add it to spec.credentials", c, list(names, "none"))))
		}
	}
	return errs
}

func checkLimits(asked *v1alpha1.Limits, maxima v1alpha1.Limits, at *field.Path) (errs field.ErrorList) {
	if asked == nil {
		return nil
	}
	most := EffectiveLimits(nil, maxima)
	timeout := at.Child("timeoutSeconds")
	switch {
	case asked.TimeoutSeconds < 0:
		errs = append(errs, field.Invalid(timeout, asked.TimeoutSeconds, "it has to be more than 0"))
	case asked.TimeoutSeconds > most.TimeoutSeconds:
		errs = append(errs, tooMuch(timeout, asked.TimeoutSeconds, fmt.Sprint(most.TimeoutSeconds)))
	}
	errs = append(errs, checkQuantity(asked.CPU, most.CPU, at.Child("cpu"))...)
	return append(errs, checkQuantity(asked.Memory, most.Memory, at.Child("memory"))...)
}

func checkQuantity(asked, most *resource.Quantity, at *field.Path) field.ErrorList {
	switch {
	case asked == nil:
		return nil
	case asked.Sign() <= 0:
		return field.ErrorList{field.Invalid(at, asked.String(), "it has to be more than 0")}
	case asked.Cmp(*most) > 0:
		return field.ErrorList{tooMuch(at, asked.String(), most.String())}
	default:
		return nil
	}
}

func tooMuch(at *field.Path, asked any, most string) *field.Error {
	return field.Invalid(at, asked, fmt.Sprintf("the policy's maximum is %s; ask for at most that, or leave it out to get it", most))
}

// list names what a policy lists, in its order.
func list(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}
