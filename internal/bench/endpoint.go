package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/fakeaws"
)

const (
	endpointRounds = 7
	endpointAsks   = 1000
	endpointBudget = 200 * time.Microsecond // at p50
)

// endpointAnswer measures how long the credential endpoint takes to answer a
// client that keeps its connection, as the SDKs do, with credentials and, when
// no call is in progress, without.
func endpointAnswer(ctx context.Context, w io.Writer) error {
	e, err := grant.Listen()
	if err != nil {
		return err
	}
	defer e.Close()
	g, err := mint(ctx)
	if err != nil {
		return err
	}
	ask, err := asker(ctx, e.Environ())
	if err != nil {
		return err
	}
	took := map[int][]time.Duration{}
	for range endpointRounds {
		for _, status := range []int{http.StatusOK, http.StatusForbidden} {
			end := func() int { return 0 }
			if status == http.StatusOK {
				end = e.Lease(g)
			}
			for range endpointAsks {
				since := time.Now()
				if err := ask(status); err != nil {
					return fmt.Errorf("measure the credential endpoint: %w", err)
				}
				took[status] = append(took[status], time.Since(since))
			}
			end()
		}
	}
	return reportEndpoint(w, took)
}

func reportEndpoint(w io.Writer, took map[int][]time.Duration) error {
	p50 := func(status int) time.Duration {
		slices.Sort(took[status])
		return took[status][len(took[status])/2]
	}
	with, verdict := p50(http.StatusOK), ""
	if with > endpointBudget {
		verdict = ", missed"
	}
	fmt.Fprintf(w, "credential endpoint answer: p50 %d µs, p99 %d µs, budget for p50 %d µs%s; without a lease p50 %d µs\n",
		with.Microseconds(), took[http.StatusOK][len(took[http.StatusOK])*99/100].Microseconds(), endpointBudget.Microseconds(), verdict, p50(http.StatusForbidden).Microseconds())
	if verdict != "" {
		return fmt.Errorf("%w: the credential endpoint's", errMissed)
	}
	return nil
}

// mint returns a real grant, of the strict AWS in memory.
func mint(ctx context.Context) (*grant.Grant, error) {
	a := fakeaws.New(fakeaws.Config{})
	defer a.Close()
	url, role, key, err := startAccount(a)
	if err != nil {
		return nil, err
	}
	return grant.NewBroker(sts.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})).Mint(ctx, grant.Order{
		DecisionID: "bench", Role: role, Region: "us-east-1", SourceIdentity: grant.SourceIdentity("os-user", "bench"), Deadline: time.Now().Add(10 * time.Minute),
		Items: []grant.Item{{Access: authz.Access{Action: "ecs:ListClusters", Resource: "*", Unscopable: true}}},
	})
}

// asker returns a client of the endpoint that wants one status and reads the
// whole answer.
func asker(ctx context.Context, environ []string) (func(status int) error, error) {
	env := map[string]string{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
	return func(status int) error {
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if answer.StatusCode != status {
			err = fmt.Errorf("it answers %s", answer.Status)
		}
		return errors.Join(err, answer.Body.Close())
	}, nil
}
