# make app   starts Backbone Lab on http://localhost:8501
# make test  runs all tests, the browser's included
# make bench compares our speed with the peers'
PYTHON ?= python3
BIN := .venv/bin

.PHONY: app test bench screenshots
app: .venv/app.stamp
	$(BIN)/streamlit run app.py

test: .venv/test.stamp
	$(BIN)/python tests/browser/find.py --install
	$(BIN)/python -m pytest

bench: .venv/test.stamp
	$(BIN)/python -m benchmarks.analysis
	$(BIN)/python -m benchmarks.page

screenshots: .venv/test.stamp
	$(BIN)/python -m tests.browser.screenshots

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Backbone Lab needs Python 3.11 or newer; try: make $(MAKECMDGOALS) PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/app.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

.venv/test.stamp: requirements.txt requirements-dev.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@ .venv/app.stamp
