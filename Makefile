# `make help` lists what there is to make.
GO ?= go
STATICCHECK = $(GO) tool staticcheck
DEMO = demo-data
FUZZTIME ?= 3s
FAUXTON = 1.2.6
export GORACE = atexit_sleep_ms=0

.PHONY: help build demo fauxton clients test check race fuzz lint bench torture clean

help:            ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

build:           ## bin/logctl
	$(GO) build -o bin/logctl ./cmd/logctl

demo: build      ## a month of fail2ban lines in an embedded store, and two reports
	rm -rf $(DEMO) && mkdir $(DEMO)
	bin/logctl demo > $(DEMO)/fail2ban.log
	bin/logctl --data $(DEMO)/store ship --app fail2ban --preset fail2ban $(DEMO)/fail2ban.log
	bin/logctl --data $(DEMO)/store report attacks --by day --since 30d
	bin/logctl --data $(DEMO)/store report attackers --since 7d

fauxton: build   ## CouchDB's web interface, an npm package, for the embedded store
	npm pack --silent --pack-destination bin fauxton@$(FAUXTON)
	bin/logctl fauxton install bin/fauxton-$(FAUXTON).tgz

clients:         ## CouchDB's clients from npm and kivik's tests, for the tests that run them (a browser test needs chromium, too)
	npm ci --no-audit --no-fund --prefix internal/clients
	npm pack --silent --pack-destination internal/clients/node_modules fauxton@$(FAUXTON)
	cd internal/clients/testdata/kiviktest && $(GO) mod download

test:            ## everything that needs no server of someone else
	$(GO) test ./...

lint:            ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	@# A ship is for Linux; what else there is builds on other systems, too.
	for os in darwin freebsd; do GOOS=$$os CGO_ENABLED=0 $(GO) vet ./format/... ./proxy/... ./store/... || exit 1; done
	$(STATICCHECK) ./...

race:            ## the tests once more with the race detector
	$(GO) test -race -timeout 30m ./...

fuzz:            ## FUZZTIME (3s) of each fuzz target
	@$(GO) run ./internal/fuzzall $(FUZZTIME)

check: lint test race fuzz   ## what must pass before a commit

bench: build     ## lines/s of format and ship beside wc -l and a bare line scanner; the embedded store
	$(GO) run ./internal/bench bin/logctl
	bin/logctl bench store

torture:         ## kill a serve 2,000 times while clients write to it, and a ship, and look for what is lost
	LOGCTL_TORTURE=2000 $(GO) test ./internal/torture -run Killed -v -timeout 2h
	LOGCTL_TORTURE_SHIP=$${LOGCTL_TORTURE_SHIP:-60s} $(GO) test ./internal/torture -run Shipped -v -timeout 2h

clean:           ## remove what make made
	rm -rf bin $(DEMO)
