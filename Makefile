# What a newcomer needs: make demo, make test. Both install what is missing
# (apt-get, as root) and build the rest once, into .lab/cache.

GO       ?= go
TOOLS    := $(CURDIR)/.tools
LAB_DIR  ?= $(CURDIR)/.lab
LAB      := $(LAB_DIR)/bin/lab
PROGRAMS := $(LAB_DIR)/cache/bin/docker-compose $(LAB_DIR)/cache/bin/traefik
export RCWIZARD_LAB_DIR := $(LAB_DIR)
export CGO_ENABLED ?= 0

GOLANGCI   := v2.15.0
GORELEASER := v2.16.0

.PHONY: build test test-unit test-race test-loaders compare-official test-pictures test-lab lint fmt golden guide-map pictures fuzz \
	lab lab-down demo bench torture snapshot release-check clean

build: ## the program, into bin/
	$(GO) build -trimpath -o bin/rcwizard ./cmd/rcwizard

test: test-race test-loaders test-pictures test-lab ## everything; without root the lab's part is skipped and says so

test-unit: ## what needs no host: seconds
	$(GO) vet ./...
	$(GO) test ./...

test-race:
	$(GO) vet ./...
	CGO_ENABLED=1 $(GO) test -race -shuffle=on ./...
	$(GO) test -run TestEverySize ./ui/tui # of which the race detector draws few sizes
	$(GO) test -run TestResume ./steps -all-moments # of which the race detector has few

test-loaders: $(PROGRAMS) ## the rendered files, by Compose's, Traefik's and Prometheus' own loaders
	cd test/loaders && $(GO) vet ./... && \
		RCWIZARD_COMPOSE=$(LAB_DIR)/cache/bin/docker-compose RCWIZARD_TRAEFIK=$(LAB_DIR)/cache/bin/traefik $(GO) test ./...

# From GitHub, or from a mirror: make compare-official MIRROR=https://…
MIRROR ?= github
compare-official: $(PROGRAMS) ## Rocket.Chat's own files with our overrides against ours; needs the internet
	cd test/loaders && RCWIZARD_COMPARE_OFFICIAL=$(MIRROR) RCWIZARD_COMPOSE=$(LAB_DIR)/cache/bin/docker-compose \
		$(GO) test -count=1 -run 'TestOfficial|TestPrometheus' ./...

test-pictures: ## what takes the docs' pictures
	cd test/pictures && $(GO) vet ./... && $(GO) test ./...

test-lab: build ## the lab: real hosts on this machine
	./test/lab/run-tests

lint: $(TOOLS)/golangci-lint-$(GOLANGCI)
	$< run ./...
	cd test/lab && $< run --config ../../.golangci.yml ./...
	cd test/lab/images/standin && $< run --config ../../../../.golangci.yml ./...
	cd test/loaders && $< run --config ../../.golangci.yml ./...
	cd test/pictures && $< run --config ../../.golangci.yml ./...

fmt: $(TOOLS)/golangci-lint-$(GOLANGCI)
	$< fmt ./...

# Of the packages whose tests know the flag: go test fails on all others.
golden: ## write the goldens anew; read the diff
	$(GO) test $$(grep -lF 'flag.Bool("update"' \
		$$($(GO) list -f '{{range $$f := .TestGoFiles}}{{$$.Dir}}/{{$$f}} {{end}}{{range $$f := .XTestGoFiles}}{{$$.Dir}}/{{$$f}} {{end}}' ./...) | \
		xargs -n 1 dirname | sort -u) -update

guide-map: ## docs/guide-map.md from the steps, the table of holes and the tests
	$(GO) test ./cmd/rcwizard -run TestGuideMap -update

pictures: build $(LAB) ## the docs' pictures, taken of the program on the lab's hosts as test/pictures/scripts say
	$(LAB) prepare
	$(LAB) down
	$(LAB) up
	cd test/pictures && $(GO) run . -out $(CURDIR)/docs/pictures -program $(CURDIR)/bin/rcwizard \
		-through "$(LAB) exec op --" -env RCWIZARD_LAB_DIR=$(LAB_DIR) -define LAB=$(LAB) -define DEMO=$(LAB_DIR)/demo \
		-define SERVERS="$$($(LAB) status | awk '$$1 ~ /^(db|rc1|rc2|edge)$$/ {print $$2}' | xargs)" scripts/*.script

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test $$pkg -list '^Fuzz' | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test $$pkg -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME); \
		done; done
	cd test/pictures && $(GO) test ./script -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZTIME)

$(LAB): FORCE
	cd test/lab && $(GO) build -o $(LAB) ./cmd/lab

lab: $(LAB) ## real hosts on this machine: db, rc1, rc2, edge, rc3, outsider
	$(LAB) prepare
	$(LAB) up

lab-down: $(LAB) ## and nothing left behind
	$(LAB) down

demo: build lab ## the lab, and an installation on it
	$(LAB) exec op -- $(CURDIR)/bin/rcwizard install -f $(LAB_DIR)/demo/workspace.yaml --yes --dir $(LAB_DIR)/demo/state

bench: build $(LAB) ## figures, as ratios in one run
	$(LAB) prepare
	./test/lab/run-bench

torture: build ## the long tests, all of them
	$(GO) test -run TestEverySize -timeout 60m ./ui/tui -all-sizes
	$(GO) test -run TestResume -timeout 60m ./steps -all-moments -all-bytes
	RCWIZARD_TORTURE=1 RCWIZARD_LAB_TIMEOUT=4h ./test/lab/run-tests

release-check: $(TOOLS)/goreleaser-$(GORELEASER)
	$< check

snapshot: $(TOOLS)/goreleaser-$(GORELEASER) ## a release as it would be, into dist/, unsigned
	$< release --snapshot --clean --skip=sign,sbom

# The lab knows how to build them, and whether they are what it would build.
$(PROGRAMS): $(LAB_DIR)/cache/bin/%: $(LAB)
	$(LAB) prepare --only $*

$(TOOLS)/golangci-lint-$(GOLANGCI):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	mv $(TOOLS)/golangci-lint $@

$(TOOLS)/goreleaser-$(GORELEASER):
	GOBIN=$(TOOLS) $(GO) install github.com/goreleaser/goreleaser/v2@$(GORELEASER)
	mv $(TOOLS)/goreleaser $@

clean:
	rm -rf bin dist

FORCE:
