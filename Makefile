# roth.fabric: everyday commands. Plain `make` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# The default interpreter has .venv; each one named by `make PYTHON=…` has a room of its own beside it.
VENV := .venv$(if $(filter file,$(origin PYTHON)),,-$(PYTHON_VERSION))
BIN := $(VENV)/bin
COLLECTION := .cache/collections/ansible_collections/roth/fabric
# Tools that start other tools (ansible-lint, ansible-test, molecule) look for them on the PATH.
ON_PATH := PATH="$(CURDIR)/$(BIN):$$PATH"
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help venv test unit kernel bench lint sanity build docs base lab sh prove faults walk lab-down molecule deps
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

STEPS := $(or $(T),lint unit kernel sanity build molecule)
# each of these has work for one core, and they touch nothing of one another's: two at a time
BESIDE := $(patsubst %,step-%,$(if $(filter molecule,$(STEPS)),base) $(filter lint unit kernel sanity build,$(STEPS)))
ALONE := $(patsubst %,step-%,$(filter-out lint unit kernel sanity build,$(STEPS)))
test: deps venv ## Run all that CI runs (T="lint unit" for a part)
	$(if $(filter kernel,$(STEPS)),@tests/kernel/install-daemons)
	@mkdir -p .cache/test; rm -f .cache/test/*.failed; \
	{ $(if $(BESIDE),$(MAKE) --no-print-directory --jobs 2 --output-sync=recurse $(BESIDE),true) && \
	  $(if $(ALONE),$(MAKE) --no-print-directory $(ALONE),true); } || \
	{ for failed in .cache/test/*.failed; do tests/why "$${failed%.failed}.log"; done; exit 1; }; \
	printf '\nAll of it passed in %d s.\n' $$SECONDS

step-%:
	@set -o pipefail; printf '\n=== make %s\n' $*; log=.cache/test/$*; \
	$(MAKE) --no-print-directory --jobs 1 $* 2>&1 | tee "$$log.log" || { touch "$$log.failed"; exit 1; }; \
	printf '=== make %s: ok after %d s\n' $* $$SECONDS

unit: venv ## Run the unit tests (ARGS="-k name" selects)
	$(BIN)/pytest tests/unit $(ARGS)

kernel: venv ## Run the tests against real netlink, in network namespaces of their own (needs root)
	tests/kernel/install-daemons
	$(BIN)/pytest tests/kernel $(ARGS)

bench: venv ## Measure beside ip, FRR and BIRD, and write docs/benchmarks (B="latency first" for a part; needs root)
	tests/kernel/install-daemons bench
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	$(ON_PATH) PYTHONPATH=.:.cache/collections:agent/src:molecule $(BIN)/python -m tests.bench $(B) $(ARGS)

lint: venv ## Check style and types: ruff, mypy, yamllint, ansible-lint, antsibull-docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPYPATH=.cache/collections $(BIN)/mypy -p ansible_collections.roth.fabric.plugins
	MYPYPATH=agent/src $(BIN)/mypy -p roth
	MYPYPATH=molecule $(BIN)/mypy -p lab
	MYPYPATH=.cache/collections:molecule:agent/src $(BIN)/mypy -p tests.lab -p tests.neutron -p tests.faults -p tests.walk -p tests.bench
	$(BIN)/mypy docs/generate/reference.py docs/generate/exposure.py
	$(BIN)/yamllint --strict .
	$(ON_PATH) $(BIN)/ansible-lint --profile production --offline
	cd $(COLLECTION) && $(ON_PATH) antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs=self .

sanity: venv ## Run ansible-test's sanity tests on a copy of the tracked files
	$(ON_PATH) tests/sanity/run

build: venv ## Build the collection into build/, install it elsewhere and read every plugin's documentation there
	$(ON_PATH) tests/build/run

docs: venv ## Generate docs/reference from the plugins' documentation and the roles' argument specs, and the table of docs/security.md
	$(ON_PATH) $(BIN)/python docs/generate/reference.py docs/reference
	$(BIN)/python docs/generate/exposure.py docs/security.md

# --- the lab -----------------------------------------------------------------------------------------------------
LAB := PYTHONPATH=molecule $(BIN)/python -m lab
# NEUTRON=1: with a controller that runs a real Neutron, in which networks and ports are made; full: on MariaDB, RabbitMQ,
# and with Neutron's own layer-2 agents on the hosts, which report over what site.yml makes
NEUTRON_LAB_1 := inventories/lab-neutron
NEUTRON_LAB_full := inventories/lab-neutron-full
NEUTRON_LAB := $(if $(NEUTRON),$(or $(NEUTRON_LAB_$(NEUTRON)),$(error NEUTRON=$(NEUTRON): expected 1 or full)))
LAB_RUN := $(or $(ROTH_LAB_DIR),/var/lib/roth-lab)/run/$(or $(ROTH_LAB_PREFIX),roth)
PLAYBOOK := $(ON_PATH) $(if $(NEUTRON_LAB),OS_CLIENT_CONFIG_FILE=$(LAB_RUN)/clouds.yaml) $(BIN)/ansible-playbook $(if $(NEUTRON_LAB),-i inventories/lab/hosts.yml -i inventories/lab-neutron/hosts.yml$(if $(filter full,$(NEUTRON)), -i inventories/lab-neutron-full/hosts.yml))
# tool:package, of what make itself and the lab call
SYSTEM_TOOLS := awk:mawk ip:iproute2 mmdebstrap:mmdebstrap mount:mount nsenter:util-linux setpriv:util-linux
VENV_PACKAGE := $(notdir $(PYTHON))-venv

lab: deps ## Bring the lab up, deploy the fabric, plug the instances, verify, and leave it running (NEUTRON=1 or full: with a real Neutron)
	@$(MAKE) --no-print-directory venv
	$(LAB) $(if $(NEUTRON_LAB),--inventory $(NEUTRON_LAB)) up
	$(if $(NEUTRON),$(PLAYBOOK) playbooks/networks.yml)
	$(if $(filter 1,$(NEUTRON)),$(LAB) boot)
	$(PLAYBOOK) playbooks/site.yml -e '{"roth_serial": "100%", "roth_switch_serial": "100%"}'
	$(if $(filter full,$(NEUTRON)),$(LAB) boot)
	$(LAB) plug
	$(if $(filter full,$(NEUTRON)),$(PLAYBOOK) playbooks/sync_ports.yml)
	$(PLAYBOOK) playbooks/verify.yml
	@printf '\nThe lab is running. Try next:\n'
	@printf '  %s\n' 'make sh NODE=hv1 CMD="roth status"' \
	  'make sh NODE=client CMD="mtr -n -r -c 3 10.64.1.53"   # hv1-vm0' \
	  'make sh NODE=tor2 CMD="birdc show route protocol hv1_up1_ipv4"'

base: deps venv ## Build the nodes' root file system and the controller's Neutron, which all labs share, if they are not there
	$(LAB) --inventory inventories/lab-neutron base

sh: ## Enter a node or an instance of the lab: NODE=hv1 [CMD="ip route"]
	@$(LAB) sh $(or $(NODE),$(error which node? for example: make sh NODE=hv1)) $${CMD:+"$$CMD"}

prove: venv ## Prove in the running lab what the fabric promises (ARGS="-k cut"; ARGS="-m slow" for those that take minutes)
	$(BIN)/pytest -s -m "not slow" tests/lab $(ARGS)

faults: venv ## Cause faults in the running lab and count the packets that each costs (ARGS="-k bfdd", "-m quick")
	$(BIN)/pytest -v tests/faults $(ARGS)

walk: venv ## Walk at random in the running lab and compare it with a model (SEED=1 STEPS=500; the same seed walks the same way)
	ROTH_WALK_SEED=$(or $(SEED),$(shell date +%s)) ROTH_WALK_STEPS=$(or $(STEPS),500) $(BIN)/pytest -s tests/walk $(ARGS)

lab-down: ## Remove the lab
	$(LAB) down

molecule: deps ## Test scenarios of molecule/ from nothing to nothing, one after the other (S="default neutron")
	@$(MAKE) --no-print-directory venv
	@set -e; for scenario in $(or $(S),default neutron); do \
	  begin=$$SECONDS; $(ON_PATH) $(BIN)/molecule test --scenario-name "$$scenario"; \
	  printf '\nScenario %s: ok after %d s\n' "$$scenario" $$((SECONDS - begin)); done

deps: ## Install the system packages that are missing (apt; needs root)
	@missing=; \
	for pair in $(SYSTEM_TOOLS); do command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; done; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing $(VENV_PACKAGE)"; \
	fresh=; compgen -G '/var/lib/apt/lists/*Release' >/dev/null || fresh=1; \
	if [ -n "$$missing$$fresh" ] && [ "$$(id -u)" != 0 ]; then \
	  echo "make deps needs root, to run apt-get update and to install:$$missing" >&2; exit 1; fi; \
	if [ -n "$$missing$$fresh" ]; then apt-get update --quiet=2; fi; \
	if [ -n "$$missing" ]; then \
	  echo "Installing:$$missing"; \
	  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends -o DPkg::Lock::Timeout=300 $$missing; fi

venv: $(VENV)/.stamp-$(PYTHON_VERSION) $(COLLECTION) ## Make the virtual environment with the pinned tools

$(VENV)/.stamp-$(PYTHON_VERSION): requirements/dev.txt requirements/host.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "roth.fabric needs Python 3.11 or newer, but $(PYTHON) is $(or $(PYTHON_VERSION),not there):" \
	    "name another one, for example: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || $(MAKE) --no-print-directory deps
	[ -x $(BIN)/python$(PYTHON_VERSION) ] || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

$(COLLECTION):
	mkdir -p $(@D)
	ln -sfn ../../../.. $@
