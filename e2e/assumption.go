package e2e

import (
	"encoding/xml"
	"fmt"
	"strconv"
)

// Assumption is one AssumeRole request and the session it was answered with.
type Assumption struct {
	Role           string
	SessionName    string
	SourceIdentity string
	Policy         string
	Tags           map[string]string

	AccessKeyID string
	// Secrets are the session's secret key and token: what must never be seen
	// elsewhere.
	Secrets []string
}

// Assumptions returns the AssumeRole requests among requests that were
// granted. An answer that is not STS's is an error.
func Assumptions(requests []Request) ([]Assumption, error) {
	var all []Assumption
	for _, r := range requests {
		if r.Action() != "sts:AssumeRole" || r.Status != 200 {
			continue
		}
		a, err := readAssumption(r)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// readAssumption reads the request and the answer.
// Source: STS API reference, AssumeRole.
func readAssumption(r Request) (Assumption, error) {
	a := Assumption{Role: r.Parameter("RoleArn"), SessionName: r.Parameter("RoleSessionName"),
		SourceIdentity: r.Parameter("SourceIdentity"), Policy: r.Parameter("Policy"), Tags: map[string]string{}}
	for i := 1; ; i++ {
		tag := "Tags.member." + strconv.Itoa(i)
		key := r.Parameter(tag + ".Key")
		if key == "" {
			break
		}
		a.Tags[key] = r.Parameter(tag + ".Value")
	}
	var answer struct {
		Credentials struct {
			AccessKeyID     string `xml:"AccessKeyId"`
			SecretAccessKey string `xml:"SecretAccessKey"`
			SessionToken    string `xml:"SessionToken"`
		} `xml:"AssumeRoleResult>Credentials"`
	}
	if err := xml.Unmarshal(r.Answer, &answer); err != nil {
		return a, fmt.Errorf("read AssumeRole answer: %w", err)
	}
	c := answer.Credentials
	if c.AccessKeyID == "" || c.SecretAccessKey == "" || c.SessionToken == "" {
		return a, fmt.Errorf("read AssumeRole answer: it holds no session")
	}
	a.AccessKeyID, a.Secrets = c.AccessKeyID, []string{c.SecretAccessKey, c.SessionToken}
	return a, nil
}
