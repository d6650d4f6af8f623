package main

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/policy/iamtest"
)

// witness is a case on which the two differ for a reason that iamtest.Oracle
// names: the smallest one, a statement that allows everything but for what it
// says, and a request for deleting a cluster. Without a witness a feature would
// be left out for nothing, and less compared than could be.
type witness struct {
	feature iamtest.Feature
	// statement and request are members that replace those of the whole case.
	statement, request string
	version            string // 2012-10-17 if empty
	ours, theirs       string
}

var witnesses = []witness{
	{feature: iamtest.UnknownKeys, statement: `"Condition": {"StringNotEquals": {"aws:ResourceTag/Environment": "production"}}`,
		request: `"unknown": ["aws:ResourceTag/Environment"]`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.WideResources, statement: `"Resource": "arn:aws:ecs:us-east-1:123456789012:cluster/shop"`,
		request: `"resource": "arn:aws:ecs:us-east-1:123456789012:cluster/*"`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.EverySource, statement: `"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}`,
		request: `"context": {"aws:SourceIp": "10.0.0.1"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.BareExclusions, statement: `"Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.7"}}`,
		request: `"context": {"aws:SourceIp": "2001:db8::1"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.MappedAddresses, statement: `"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.1"}}`,
		request: `"context": {"aws:SourceIp": "::ffff:10.0.0.1"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.EqualEscapes, statement: `"Condition": {"StringEquals": {"aws:PrincipalTag/team": "a${*}"}}`,
		request: `"context": {"aws:PrincipalTag/team": "a*"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.LiteralVariables, statement: `"Resource": "arn:aws:ecs:us-east-1:123456789012:cluster/${aws:PrincipalTag/team}"`, version: "2008-10-17",
		request: `"context": {"aws:PrincipalTag/team": "shop"}`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.LostVariables, statement: `"Condition": {"StringNotEquals": {"aws:RequestedRegion": "${aws:PrincipalTag/team}"}}`,
		ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.LostExclusions, statement: `"NotResource": "arn:aws:ecs:us-east-1:123456789012:cluster/${aws:PrincipalTag/team}"`,
		ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.MultiVariables, statement: `"Resource": "arn:aws:ecs:us-east-1:123456789012:cluster/${aws:TagKeys, 'shop'}"`,
		request: `"context": {"aws:TagKeys": ["shop"]}`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.ShortExclusions, statement: `"NotResource": "arn:aws:s3:*"`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.ShortConditions, statement: `"Condition": {"ArnLike": {"ecs:cluster": "arn:aws:ecs:*"}}`,
		request: `"context": {"ecs:cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/shop"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.EpochDates, statement: `"Condition": {"DateEquals": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}`,
		request: `"context": {"aws:CurrentTime": "1767225600"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.ImpossibleDates, statement: `"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-06-30T12:00:00Z"}}`,
		request: `"context": {"aws:CurrentTime": "2026-02-30T00:00:00Z"}`, ours: "invalid", theirs: "allowed"},
	{feature: iamtest.Malformed, statement: `"Condition": {"NumericEquals": {"ecs:task-cpu": "12"}}`,
		request: `"context": {"ecs:task-cpu": "12abc"}`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.SignedNumbers, statement: `"Condition": {"NumericEquals": {"ecs:task-cpu": "5"}}`,
		request: `"context": {"ecs:task-cpu": "+5"}`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.BigNumbers, statement: `"Condition": {"NumericEquals": {"ecs:task-cpu": "9007199254740993"}}`,
		request: `"context": {"ecs:task-cpu": "9007199254740992"}`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.EmptyValues, statement: `"Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1${aws:PrincipalTag/team}"}}`,
		request: `"context": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalTag/team": ""}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.SegmentCase, statement: `"Resource": "arn:AWS:ecs:us-east-1:123456789012:cluster/shop"`, ours: "implicitDeny", theirs: "allowed"},
	{feature: iamtest.Newlines, statement: `"Condition": {"StringLike": {"aws:PrincipalTag/team": "*"}}`,
		request: `"context": {"aws:PrincipalTag/team": "a\nb"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.Astral, statement: `"Condition": {"StringLike": {"aws:PrincipalTag/team": "?"}}`,
		request: `"context": {"aws:PrincipalTag/team": "😀"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.EmptySets, statement: `"Condition": {"Null": {"aws:TagKeys": "true"}}`,
		request: `"context": {"aws:TagKeys": []}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.ProductWildcards, statement: `"Resource": "arn:aws:ecs:us-east-1:123456789012:clus*/shop"`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.SegmentVariables, statement: `"Condition": {"ArnLike": {"ecs:cluster": "arn:aws:ecs:${aws:RequestedRegion}:123456789012:cluster/shop"}}`,
		request: `"context": {"aws:RequestedRegion": "us-east-1", "ecs:cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/shop"}`, ours: "allowed", theirs: "implicitDeny"},
	{feature: iamtest.Marks, statement: `"Condition": {"StringEquals": {"aws:RequestedRegion": "${aws:PrincipalTag/team}"}}`,
		request: `"context": {"aws:RequestedRegion": "\ue000", "aws:PrincipalTag/team": "\ue000"}`, ours: "implicitDeny", theirs: "allowed"},
}

func (w witness) testCase() (iamtest.Case, error) {
	c := iamtest.Case{ID: string(w.feature), Request: iamtest.Request{Action: "ecs:DeleteCluster", Resource: "arn:aws:ecs:us-east-1:123456789012:cluster/shop"}}
	statement := map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}
	if err := json.Unmarshal([]byte("{"+w.statement+"}"), &statement); err != nil {
		return c, fmt.Errorf("read the case of %s: %w", w.feature, err)
	}
	if _, ok := statement["NotResource"]; ok {
		delete(statement, "Resource")
	}
	if err := json.Unmarshal([]byte("{"+w.request+"}"), &c.Request); err != nil {
		return c, fmt.Errorf("read the case of %s: %w", w.feature, err)
	}
	c.Policies = []iamtest.Document{{"Version": cmp.Or(w.version, "2012-10-17"), "Statement": statement}}
	return c, nil
}

// known sees that each known difference is one, as it is known. One that is none
// need not be left out of the random cases.
func (c comparison) known() (wrong int, err error) {
	cases := make([]iamtest.Case, len(witnesses))
	for i, w := range witnesses {
		if cases[i], err = w.testCase(); err != nil {
			return 0, err
		}
	}
	ours, theirs, err := c.ask(cases...)
	if err != nil {
		return 0, err
	}
	fmt.Printf("what is not drawn, since the two differ on it for a reason (simulate, oracle):\n")
	for i, w := range witnesses {
		fmt.Printf("  %-32s %-12s %-12s  %s\n", w.feature, ours[i].Decision, theirs[i].Decision, iamtest.Oracle[w.feature])
		if ours[i].Decision != w.ours || theirs[i].Decision != w.theirs {
			fmt.Printf("    NOT AS KNOWN: was %s, %s: %s %s\n    %s\n", w.ours, w.theirs, ours[i].Error, theirs[i].Error, cases[i].Line())
			wrong++
		}
	}
	return wrong, nil
}
