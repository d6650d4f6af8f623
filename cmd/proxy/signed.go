package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/audit"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/catalog"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/authz/grant"
	"github.com/ecs-mcp-proxy/ecs-mcp-proxy/internal/config"
)

// checkDelivery holds against each other how credentials are delivered and
// whether the server wants its requests signed.
func checkDelivery(cfg *config.Config, known *catalog.Catalog) error {
	_, signed := known.Signed()
	switch delivery := cfg.Credentials.Delivery; {
	case delivery == config.DeliverySigV4 && !signed:
		return fmt.Errorf("%w: credentials.delivery: %s signs requests to an AWS service, and the catalogue of upstream.server %s does not say that its server is one; for the server that AWS manages it is upstream.server: %s, for any other use lease or process",
			config.ErrConfig, delivery, known.Server(), catalog.Managed)
	case delivery == config.DeliveryLease && signed:
		return fmt.Errorf("%w: upstream.server %s is an AWS service, which would see calls of several scopes in one session with credentials.delivery: %s; use %s with its URL, or %s with a command that signs, such as mcp-proxy-for-aws",
			config.ErrConfig, known.Server(), delivery, config.DeliverySigV4, config.DeliveryProcess)
	}
	return nil
}

// signing says how requests to the server are signed; zero if they are not.
// Where no delivery could sign, the catalogue is not read for it.
func signing(cfg *config.Config) (signed catalog.Signed, err error) {
	if !grant.Delivery(cfg.Credentials.Delivery).PerCall() {
		return signed, nil
	}
	known, err := loadCatalog(cfg)
	if err != nil {
		return signed, err
	}
	signed, _ = known.Signed()
	return signed, nil
}

// ownMeans are what the proxy itself asks the server with, for a check: nothing,
// unless the server is an AWS service. Then it is a grant of the first persona for
// the one action that each request needs.
func ownMeans(ctx context.Context, cfg *config.Config, known *catalog.Catalog) (means grant.Means, end func(), err error) {
	end = func() {}
	if _, signed := known.Signed(); !signed {
		return means, end, nil
	}
	if len(cfg.Personas) == 0 {
		return means, end, fmt.Errorf("%w: %s is an AWS service and lists its tools only to somebody: give --config FILE with a persona, and credentials.delivery %s or %s",
			errUsage, known.Server(), config.DeliverySigV4, config.DeliveryProcess)
	}
	if err := checkDelivery(cfg, known); err != nil {
		return means, end, err
	}
	c, err := dial(ctx, cfg)
	if err != nil {
		return means, end, err
	}
	broker, order, err := useOrder(cfg, known, c)
	if err != nil {
		return means, end, err
	}
	lender := func(ctx context.Context) (*grant.Grant, error) {
		order.Deadline = time.Now().Add(time.Minute)
		return broker.Mint(ctx, order)
	}
	switch cfg.Credentials.Delivery {
	case config.DeliverySigV4:
		means.Grant = lender
	case config.DeliveryProcess:
		endpoint, err := grant.Listen()
		if err != nil {
			return means, end, err
		}
		endpoint.LendTo(lender)
		means.Environ, end = endpoint.Environ(), func() { _ = endpoint.Close() } // nothing is left to lose
	}
	return means, end, nil
}

func useOrder(cfg *config.Config, known *catalog.Catalog, c *clients) (*grant.Broker, grant.Order, error) {
	persona := sortedPersonas(cfg)[0]
	role := cfg.Personas[persona].Role
	accesses, err := known.Use(catalog.Env{Partition: config.Partition(role), Account: config.Account(role), Region: cfg.AWS.Region})
	if err != nil {
		return nil, grant.Order{}, err
	}
	if len(accesses) == 0 {
		return nil, grant.Order{}, errors.New("the catalogue names no action that each request needs")
	}
	order := grant.Order{DecisionID: audit.NewID(), Role: role, Region: cfg.AWS.Region, SourceIdentity: grant.SourceIdentity("check", persona),
		Tags: map[string]string{"persona": persona, "server": known.Server(), "tool": "check"}, Reusable: true}
	for _, a := range accesses {
		order.Items = append(order.Items, grant.Item{Access: a})
	}
	termsOf(cfg, persona).Add(&order, map[string]string{})
	return grant.NewBroker(c.sts), order, nil
}
