// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/airlock-dev/airlock/api/v1alpha1"
)

// Check finds what the schema of a policy cannot refuse. A policy with an error
// judges nothing. It does not judge the policy's examples.
func Check(spec *v1alpha1.ExecutionPolicySpec) field.ErrorList {
	at := field.NewPath("spec")
	errs := checkProvenance(spec.Provenance, at.Child("provenance"))
	errs = append(errs, checkRules(&spec.OperationRules, at)...)
	if spec.Untrusted != nil {
		errs = append(errs, checkRules(spec.Untrusted, at.Child("untrusted"))...)
	}
	for i, e := range spec.Examples {
		at := at.Child("examples").Index(i)
		errs = append(errs, checkEgress(e.Egress, spec.Egress, at.Child("egress"))...)
		errs = append(errs, checkCredentials(e.Credentials, spec.Credentials, at.Child("credentials"))...)
	}
	return errs
}

func checkRules(rules *v1alpha1.OperationRules, at *field.Path) (errs field.ErrorList) {
	for i, rule := range rules.Allow {
		commands := at.Child("allow").Index(i).Child("commands")
		for k, c := range rule.Commands {
			if isOpenEnded(&c) {
				errs = append(errs, field.Invalid(commands.Index(k).Child("options"), openEnded,
					"what runs without a person has every option listed; options of many programs start others"))
			}
			errs = append(errs, checkCommand(&c, commands.Index(k))...)
		}
	}
	for i, rule := range rules.RequireApproval {
		commands := at.Child("requireApproval").Index(i).Child("commands")
		for k, c := range rule.Commands {
			errs = append(errs, checkCommand(&c, commands.Index(k))...)
		}
	}
	return errs
}

// checkCommand refuses patterns that can never match.
func checkCommand(c *v1alpha1.Command, at *field.Path) (errs field.ErrorList) {
	if strings.ContainsAny(c.Name, "* \t\n") {
		errs = append(errs, field.Invalid(at.Child("name"), c.Name, "it is the name of one program, without globs and options; options and operands stand in args"))
	}
	lead := leading(c.Args)
	switch {
	case isOpenEnded(c) && (len(c.Options) > 1 || lead < len(c.Args)):
		errs = append(errs, field.Invalid(at.Child("options"), openEnded, "it leaves everything open behind the leading words: give no other option and no star in args"))
	case len(c.Options) > 0:
		for i := lead; i < len(c.Args); i++ {
			if isOption(c.Args[i]) {
				errs = append(errs, field.Invalid(at.Child("args").Index(i), c.Args[i], "behind the first star in args, options stand in options; move it there"))
			}
		}
	}
	return errs
}
