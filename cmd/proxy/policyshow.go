package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const policyShowHelp = `Print the policy in force for a persona: its documents with the placeholders
filled in, its boundary, its guardrails and their settings. Rego of your own is
included; a bundle at a URL is fetched once.

    ecs-mcp-proxy policy show --config ecs-mcp-proxy.yaml deployer

Without a PERSONA, all of the configuration are printed. Without --config, the
built-in documents and guardrails are listed, and one document is printed as IAM
takes it; what --value does not give stays a placeholder:

    ecs-mcp-proxy policy show
    ecs-mcp-proxy policy show --document region-and-production --value region=us-east-1`

type policyShow struct {
	config, document string
	values           map[string]string
	asJSON           bool
}

func newPolicyShow() *cobra.Command {
	var s policyShow
	cmd := &cobra.Command{
		Use:               "show [flags] [PERSONA]",
		Short:             "Print the effective policy of a persona, or a built-in document",
		Long:              policyShowHelp,
		ValidArgsFunction: personas,
		RunE: func(cmd *cobra.Command, args []string) error {
			w := cmd.OutOrStdout()
			switch {
			case len(args) > 1:
				return fmt.Errorf("%w: name one persona, or none for all", errUsage)
			case s.document != "" && (s.config != "" || len(args) > 0):
				return fmt.Errorf("%w: --document prints a built-in document, without --config and PERSONA", errUsage)
			case s.document == "" && len(s.values) > 0:
				return fmt.Errorf("%w: --value is for --document; a persona's values are in the configuration", errUsage)
			case s.document != "":
				return s.showDocument(w)
			case s.config != "":
				return s.showPersonas(cmd.Context(), w, args)
			case len(args) > 0:
				return fmt.Errorf("%w: say where persona %s is configured, with --config FILE", errUsage, args[0])
			}
			return s.list(w)
		},
	}
	cmd.Flags().StringVar(&s.config, "config", "", "configuration file that has the persona")
	cmd.Flags().StringVar(&s.document, "document", "", "name of a built-in document to print")
	cmd.Flags().StringToStringVar(&s.values, "value", nil, "value of a placeholder of the document, as NAME=VALUE; repeatable")
	cmd.Flags().BoolVar(&s.asJSON, "json", false, "print JSON")
	return cmd
}

// showDocument prints a built-in document, ready for IAM.
func (s *policyShow) showDocument(w io.Writer) error {
	text, err := policy.BuiltinText(s.document, s.values)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	_, err = fmt.Fprintln(w, text)
	return err
}

// list prints what there is without any configuration.
func (s *policyShow) list(w io.Writer) error {
	rails, err := policy.Guardrails(nil).States()
	if err != nil {
		return err
	}
	if s.asJSON {
		return printJSON(w, map[string]any{"documents": policy.Builtins(), "guardrails": shownGuardrails(rails)})
	}
	p := printer{w: w}
	p.line("Built-in documents (print one with --document NAME)")
	for _, d := range policy.Builtins() {
		p.line("  %-22s %-8s  %s", d.Name, d.Layer, d.About)
		for _, v := range d.Values {
			p.line("  %-22s %-8s    {{%s}}: %s%s", "", "", v.Name, v.About, defaultOf(v.Default))
		}
	}
	p.line("")
	p.line("Guardrails, as they are unless a persona says otherwise")
	p.guardrails(rails)
	return p.err
}

func defaultOf(value string) string {
	if value == "" {
		return ""
	}
	return " (default " + value + ")"
}

// shown is a persona with all that decides about it; the names are stable.
type shown struct {
	Persona    string           `json:"persona"`
	Role       string           `json:"role"`
	Region     string           `json:"region"`
	Mode       string           `json:"mode"`
	Revision   string           `json:"revision"`
	Identity   []shownDocument  `json:"identity"`
	Boundary   []shownDocument  `json:"boundary"`
	Session    []shownDocument  `json:"session"`
	MCP        []shownDocument  `json:"mcp"`
	Guardrails []shownGuardrail `json:"guardrails"`
	Principals []string         `json:"principals"`

	states map[string]policy.GuardrailState
}

type shownDocument struct {
	Name     string          `json:"name"`
	Document json.RawMessage `json:"document"`
}

type shownGuardrail struct {
	Name     string         `json:"name"`
	On       bool           `json:"on"`
	Title    string         `json:"title"`
	Settings map[string]any `json:"settings,omitempty"`
}

func (s *policyShow) showPersonas(ctx context.Context, w io.Writer, names []string) error {
	cfg, err := config.Load(s.config)
	if err != nil {
		return err
	}
	one := len(names) == 1
	if !one {
		names = slices.Sorted(maps.Keys(cfg.Personas))
	}
	var all []shown
	for _, name := range names {
		if _, ok := cfg.Personas[name]; !ok {
			return fmt.Errorf("%w: there is no persona %q; known: %s", errUsage, name, strings.Join(slices.Sorted(maps.Keys(cfg.Personas)), ", "))
		}
	}
	personas, err := loadPersonas(cfg)
	if err != nil {
		return err
	}
	sources, err := ownRego(ctx, cfg) // a bundle may deny, so it is fetched
	if err != nil {
		return err
	}
	engine, err := policy.New(ctx, personas, sources...)
	if err != nil {
		return fmt.Errorf("%w: %w", config.ErrConfig, err)
	}
	for _, name := range names {
		p := personas[name]
		states, err := p.Guardrails.States(sources...)
		if err != nil {
			return fmt.Errorf("%w: personas.%s: %w", config.ErrConfig, name, err)
		}
		all = append(all, shown{
			Persona: name, Role: cfg.Personas[name].Role, Region: cfg.AWS.Region, Mode: cfg.Mode, Revision: engine.Revision(),
			Identity: shownDocuments(p.Identity), Boundary: shownDocuments(p.Boundary), Session: shownDocuments(p.Session), MCP: shownDocuments(p.MCP),
			Guardrails: shownGuardrails(states), Principals: principalsOf(cfg, name), states: states,
		})
	}
	switch {
	case s.asJSON && one:
		return printJSON(w, all[0])
	case s.asJSON:
		return printJSON(w, all)
	}
	p := printer{w: w}
	for i, persona := range all {
		if i > 0 {
			p.line("")
		}
		p.persona(persona)
	}
	return p.err
}

func shownDocuments(documents []policy.Document) []shownDocument {
	all := []shownDocument{}
	for _, d := range documents {
		all = append(all, shownDocument{d.Name, d.JSON})
	}
	return all
}

func shownGuardrails(states map[string]policy.GuardrailState) (all []shownGuardrail) {
	for _, name := range slices.Sorted(maps.Keys(states)) {
		s := states[name]
		all = append(all, shownGuardrail{name, !s.Off, s.Title, s.Settings})
	}
	return all
}

// principalsOf says who gets the persona; of two entries the first wins.
func principalsOf(cfg *config.Config, persona string) []string {
	all := []string{}
	for _, p := range cfg.Principals {
		if p.Persona != persona {
			continue
		}
		id := p.Match.ID
		if id == "" {
			id = "*"
		}
		all = append(all, p.Match.Kind+"/"+id)
	}
	return all
}

func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(value)
}
