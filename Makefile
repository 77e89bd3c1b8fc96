# make app          starts Backbone Lab on http://localhost:8501
# make serve        the same with a process for each core, behind HAProxy (docs/server.md); WORKERS=4, PORT=8600
# make test         runs all tests, the browser's included
# make quick        the same without what takes long: a Ray cluster, six people at once, torch.compile, sweeps of all presets
# make bench        compares our speed with the peers'
# make races        runs the races that come with the app anew, forty minutes on two quiet cores (docs/training.md)
# make gpu          measures what only a GPU can show, in six minutes at most, and writes gpu.json (docs/gpu.md)
# make screenshots  draws the README's pictures anew
BIN := .venv/bin

.PHONY: app serve test quick bench races gpu screenshots
app: .venv/app.stamp
	$(BIN)/python -m streamlit run app.py

serve: .venv/server.stamp
	$(BIN)/python -m deploy.serve

test: .venv/test.stamp
	$(BIN)/python tests/browser/find.py --install
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal

quick: .venv/test.stamp
	$(BIN)/python tests/browser/find.py --install
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal -m "not slow"

bench: .venv/test.stamp
	$(BIN)/python tests/browser/find.py --install
	$(BIN)/python -m benchmarks.analysis
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.build
	$(BIN)/python -m benchmarks.lessons
	$(BIN)/python -m benchmarks.steps
	$(BIN)/python -m benchmarks.slow_links
	$(BIN)/python -m benchmarks.first_visit
	$(BIN)/python -m benchmarks.classroom --short
	$(BIN)/python -m benchmarks.timing
	$(BIN)/python -m benchmarks.races

races: .venv/app.stamp
	$(BIN)/python -m lib.training.recorded

# Needs little, so it takes the python that is there where there is no environment.
gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,python3) -m benchmarks.gpu --out gpu.json

screenshots: .venv/test.stamp
	$(BIN)/python tests/browser/find.py --install
	$(BIN)/python -m pytest --quiet tests/browser/screenshots.py

# The environment: made with the first Python that is new enough (or with `make app PYTHON=...`), filled again only
# when the requirements change.
.venv/bin/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "$$python -m venv .venv"; rm -rf .venv; $$python -m venv .venv && exit; \
	  rm -rf .venv; echo "$$python cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; \
	done >&2; \
	echo "Backbone Lab needs Python 3.11 or newer; if you have one: make $(MAKECMDGOALS) PYTHON=/path/to/it" >&2; exit 1

.venv/app.stamp: requirements.txt | .venv/bin/python
	@echo "Installing what requirements.txt lists; the first time this takes minutes, most of them for PyTorch."
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	@touch $@

.venv/server.stamp: requirements-server.txt requirements.txt | .venv/bin/python
	@echo "Installing what requirements-server.txt lists; the first time this takes minutes, most of them for PyTorch."
	$(BIN)/python -m pip install --quiet --requirement requirements-server.txt
	@touch $@ .venv/app.stamp

.venv/test.stamp: requirements-dev.txt requirements-server.txt requirements.txt | .venv/bin/python
	@echo "Installing what requirements-dev.txt lists; the first time this takes minutes, most of them for PyTorch."
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@ .venv/app.stamp .venv/server.stamp
