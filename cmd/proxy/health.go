package main

import (
	"crypto/tls"
	"fmt"
	"io"
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
opened only once policy and record are in order, and without a token it says 401.
Without a URL, serve's own default is asked, http://127.0.0.1:8080/mcp.

With --address it asks /readyz on the proxy's admin.address instead, of serve or of
wrap, prints the answer, and only "ready" is good. With --live it asks /healthz there:
whether the process lives, for what restarts it or waits for it. A server of
upstream.urls that waits for the proxy must wait for that: the proxy is ready when
its servers are.`

func newHealth() *cobra.Command {
	var limit time.Duration
	var address string
	var live bool
	cmd := &cobra.Command{
		Use:   "health [URL | --address HOST:PORT [--live]]",
		Short: "Ask a running proxy whether it is well, as containers do",
		Long:  healthHelp,
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if address != "" && len(args) == 1 {
				return fmt.Errorf("%w: give a URL or --address, not both", errUsage)
			}
			if live && address == "" {
				return fmt.Errorf("%w: --live is for --address", errUsage)
			}
			if live {
				return askAdmin(address, "/healthz", limit, cmd.OutOrStdout())
			}
			if address != "" {
				return askAdmin(address, "/readyz", limit, cmd.OutOrStdout())
			}
			target := "http://" + config.DefaultAddress + config.DefaultPath
			if len(args) == 1 {
				target = args[0]
			}
			return askHealth(target, limit)
		},
	}
	cmd.Flags().DurationVar(&limit, "timeout", 3*time.Second, "how long the answer may take")
	cmd.Flags().StringVar(&address, "address", "", "ask /readyz there: the proxy's admin.address")
	cmd.Flags().BoolVar(&live, "live", false, "ask /healthz there instead")
	return cmd
}

// asking is not by way of the environment's HTTP proxy: it is about this
// container. Nothing is shown and nothing believed but that somebody answers, so
// on loopback, which no certificate is for, it asks for none that fits.
func asking(limit time.Duration, loopback bool) *http.Client {
	return &http.Client{Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: loopback}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func askHealth(address string, limit time.Duration) error {
	asked, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("ask health: %w", err)
	}
	ip := net.ParseIP(asked.Hostname())
	answer, err := asking(limit, asked.Hostname() == "localhost" || ip != nil && ip.IsLoopback()).Get(address)
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

// askAdmin passes on what the admin address says.
func askAdmin(address, path string, limit time.Duration, out io.Writer) error {
	answer, err := asking(limit, false).Get("http://" + address + path)
	if err != nil {
		return fmt.Errorf("ask health: %w; is admin.address set?", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(out, io.LimitReader(answer.Body, 64<<10)); err != nil {
		return fmt.Errorf("ask health: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return exitCode(exitFailure)
	}
	return nil
}
