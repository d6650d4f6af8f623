# Everything that people and CI run. Each recipe installs what it needs.
BIN      := bin/ecs-mcp-proxy
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null)
OPA      := go tool -modfile=tools.mod opa
VENV     := .build/e2e
MANAGED  := .build/managed
SDK      := .build/sdk
ORACLE   := .build/oracle
INSPECT  := .build/inspector
SUITE    := .build/conformance
DEPLOY   := .build/deploy
IMAGE    ?= localhost/ecs-mcp-proxy:$(or $(VERSION),latest)
# What is released, see .goreleaser.yaml.
SYSTEMS  := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
# What holds rego/iam, its native twin and fakeaws equal: under the race detector
# on a few thousand random cases, without it on many.
EQUAL    := '^Test(NativeSaysWhatRegoSays|FakeAWSDecidesAs.*Does)$$'
E2E      := ECSMCP_E2E_VENV=$(CURDIR)/$(VENV) ECSMCP_E2E_BINARY=$(CURDIR)/$(BIN) ECSMCP_E2E_SDK=$(CURDIR)/$(SDK) \
	ECSMCP_E2E_ORACLE=$(CURDIR)/$(ORACLE) ECSMCP_E2E_MANAGED=$(CURDIR)/$(MANAGED) ECSMCP_E2E_INSPECTOR=$(CURDIR)/$(INSPECT)
MAVEN    := mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1

.PHONY: help build image demo test cross e2e oracle conformance deploy bench fuzz fuzz-ci lint fmt

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/ecs-mcp-proxy
	go build -trimpath -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/proxy

image: ## Build the container image with docker, podman or buildah
	deploy/image.sh "$(IMAGE)" "$(VERSION)"

demo: build ## See the whole story; no AWS account, no Python, no network
	@$(BIN) demo

test: lint build ## Run every test that needs only Go and a C compiler
	$(OPA) test --timeout 5m rego/
	@$(OPA) test --timeout 5m rego/ --coverage --threshold 100 >/dev/null || { echo "rego/ is not covered whole: run $(OPA) test rego/ --coverage"; exit 1; }
	go test -race -count=1 -timeout 20m ./...
	go test -count=1 -run $(EQUAL) ./internal/authz/policy
	go test -count=1 -run '^TestServeHoldsManyIdleSessions' ./cmd/proxy
	@echo "make test: Rego by opa test, Go under the race detector, the binary by its scripts and its demo: all passed"

cross: ## Compile for every system that is released, and vet what is not Linux
	@for s in $(SYSTEMS); do echo "build $$s" && CGO_ENABLED=0 GOOS=$${s%/*} GOARCH=$${s#*/} go build -trimpath -o /dev/null ./cmd/proxy || exit 1; done
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...
	go vet -tags unguarded ./internal/mcp/transport
	go test -race -count=1 -tags unguarded ./internal/mcp/transport

e2e: build $(VENV)/.installed $(MANAGED)/.installed $(SDK)/.installed $(ORACLE)/.installed $(INSPECT)/.installed ## Run against the real ECS MCP server, moto and the AWS SDKs (installs them)
	$(E2E) go test -race -tags e2e -count=1 -v -timeout 15m ./e2e/ ./e2e/managed/ ./e2e/sdk/ ./internal/mcp/wire/

$(VENV)/.installed: e2e/requirements.txt e2e/requirements-other.txt
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r e2e/requirements.txt
	python3 -m venv --clear $(VENV)/other
	$(VENV)/other/bin/pip install --quiet --disable-pip-version-check -r e2e/requirements-other.txt
	touch $@

$(MANAGED)/.installed: e2e/managed/requirements.txt
	python3 -m venv --clear $(MANAGED)
	$(MANAGED)/bin/pip install --quiet --disable-pip-version-check -r e2e/managed/requirements.txt
	touch $@

$(SDK)/.installed: e2e/sdk/package.json e2e/sdk/package-lock.json e2e/sdk/.npmrc e2e/sdk/client.mjs e2e/sdk/pom.xml
	rm -rf $(SDK) && mkdir -p $(SDK)
	cp $^ $(SDK)/
	cd $(SDK) && npm ci --no-progress --loglevel error
	$(MAVEN):copy-dependencies -f $(SDK)/pom.xml -DoutputDirectory=$(CURDIR)/$(SDK)/lib
	touch $@

$(INSPECT)/.installed: e2e/inspector/package.json e2e/inspector/package-lock.json e2e/inspector/.npmrc
	rm -rf $(INSPECT) && mkdir -p $(INSPECT)
	cp $^ $(INSPECT)/
	cd $(INSPECT) && npm ci --no-progress --loglevel error
	touch $@

oracle: build $(ORACLE)/.installed ## Compare simulate with an independent IAM simulator (installs it)
	go run ./e2e/oracle $(BIN) $(ORACLE)/oracle.mjs

$(ORACLE)/.installed: e2e/oracle/package.json e2e/oracle/package-lock.json e2e/oracle/.npmrc e2e/oracle/oracle.mjs
	rm -rf $(ORACLE) && mkdir -p $(ORACLE)
	cp $^ $(ORACLE)/
	cd $(ORACLE) && npm ci --no-progress --loglevel error
	touch $@

conformance: build $(SUITE)/.installed ## Compare MCP's conformance suite direct and through serve (installs it)
	go run ./e2e/conformance $(BIN) $(SUITE)

$(SUITE)/.installed: e2e/conformance/package.json e2e/conformance/package-lock.json e2e/conformance/.npmrc
	rm -rf $(SUITE) && mkdir -p $(SUITE)
	cp $^ $(SUITE)/
	cd $(SUITE) && npm ci --no-progress --loglevel error
	touch $@

deploy: $(DEPLOY)/.installed ## Check what is in deploy/ with the tools of its makers (installs them)
	$(DEPLOY)/bin/cfn-lint deploy/cloudformation/roles.yaml
	@for variant in irsa pod-identity; do \
		go tool -modfile=deploy/tools.mod kustomize build deploy/kubernetes/$$variant > $(DEPLOY)/$$variant.yaml && \
		$(DEPLOY)/bin/kubernetes-validate --strict -k 1.34 $(DEPLOY)/$$variant.yaml || exit 1; done
	go tool -modfile=deploy/tools.mod github.com/compose-spec/compose-go/v2/cmd -format json deploy/compose/compose.yaml > $(DEPLOY)/compose.json
	@command -v buildah >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends buildah; }
	GO_IMAGE=host $(MAKE) image IMAGE=localhost/ecs-mcp-proxy:check
	ECSMCP_IMAGE=localhost/ecs-mcp-proxy:check ECSMCP_DEPLOY=$(CURDIR)/$(DEPLOY) go test -count=1 -v -tags deploy ./deploy/
	buildah rmi localhost/ecs-mcp-proxy:check >/dev/null

$(DEPLOY)/.installed: deploy/requirements.txt
	python3 -m venv --clear $(DEPLOY)
	$(DEPLOY)/bin/pip install --quiet --disable-pip-version-check -r deploy/requirements.txt
	touch $@

bench: build ## Compare decisions, the credential endpoint, calls by stdio and HTTP, and the memory of idle sessions
	go run ./internal/bench $(BIN)

fuzz: ## Fuzz every parser for FUZZTIME each (30s)
	@for p in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz); do \
			.ci/fuzz $(or $(FUZZTIME),30s) $$f $$p || exit 1; \
		done; done

fuzz-ci: ## Fuzz the reader, the HTTP front and the catalogue for FUZZTIME each (1m)
	@.ci/fuzz $(or $(FUZZTIME),1m) FuzzReadClient ./internal/mcp/wire
	@.ci/fuzz $(or $(FUZZTIME),1m) FuzzFront ./internal/mcp/streamable
	@.ci/fuzz $(or $(FUZZTIME),1m) FuzzCatalogue ./internal/authz/catalog

lint: ## Check formatting, vet, Rego
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run: make fmt"; exit 1; }
	@! git grep -nE '^(<<<<<<<|>>>>>>>) ' || { echo "a merge was left half done"; exit 1; }
	go vet ./...
	go vet -tags e2e ./...
	go vet -tags deploy ./deploy/
	$(OPA) check --strict --schema rego/schema rego/
	@test -z "$$($(OPA) fmt --list rego/)" || { $(OPA) fmt --list rego/; echo "run: make fmt"; exit 1; }

fmt: ## Format Go and Rego
	gofmt -w .
	$(OPA) fmt --write rego/
