package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

const healthHelp = `Ask a running serve whether it serves, for the health checks of containers, whose
image has no other program to ask with. Any answer but a 5xx is good: the port is
opened only once policy and record are in order, and without a token it says 401.`

// newHealth is hidden: people have docker, ECS or Kubernetes ask.
func newHealth() *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:    "health [URL]",
		Short:  "Ask a running serve whether it serves",
		Long:   healthHelp,
		Args:   cobra.MaximumNArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			address := "http://" + config.DefaultAddress + config.DefaultPath
			if len(args) == 1 {
				address = args[0]
			}
			return askHealth(address, limit)
		},
	}
	cmd.Flags().DurationVar(&limit, "timeout", 3*time.Second, "how long the answer may take")
	return cmd
}

// askHealth shows nothing and believes nothing but that somebody answers, so on
// loopback, which no certificate is for, it asks for none that fits.
func askHealth(address string, limit time.Duration) error {
	asked, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("ask health: %w", err)
	}
	ip := net.ParseIP(asked.Hostname())
	loopback := asked.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	// Not by way of the environment's HTTP proxy: it is asked about this container.
	client := http.Client{Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: loopback}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(address)
	if err != nil && strings.HasSuffix(err.Error(), "tls: certificate required") {
		return nil // it serves, those who have one
	}
	if err != nil {
		return fmt.Errorf("ask health: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("ask health: %s answered %s", address, answer.Status)
	}
	return nil
}
