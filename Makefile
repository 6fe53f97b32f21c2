# Everything there is to remember: make setup | board | live | lab | test | notebooks | site | lint | lock | bench
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
PIP = $(RUN) -m pip install -q --disable-pip-version-check

.PHONY: help setup board live check lab test fast networks notebooks site lint lock format bench clean
help:  ## list these commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/.lessons  ## install everything, lessons and tests too (3 GB)

board: $(VENV)/.board  ## install what a small board that runs on its own needs (0.4 GB, no windows, no lessons)

live: $(VENV)/.live  ## read faces from the camera, or from the demo (0.4 GB, no TensorFlow)
	@$(RUN) -m expression live

check: $(VENV)/.live  ## say what works on this machine
	@$(RUN) -m expression check

lab: $(VENV)/.lessons  ## open lesson 01 in JupyterLab
	$(RUN) -m jupyterlab --ServerApp.root_dir="$(CURDIR)" notebooks/01_start_here.ipynb

# More workers than cores, for many tests wait; compiled files are kept, or each worker would compile all again.
PYTEST := PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -n 4 --dist worksteal

test: fast  ## run every test
	$(PYTEST) -m slow

fast: $(VENV)/.lessons  ## run the fast tests, which take less than two minutes in all
	$(PYTEST) -m "not slow"

networks: $(VENV)/.lessons  ## run the tests of networks and training
	$(PYTEST) -m slow tests/models tests/training

notebooks: $(VENV)/.lessons  ## execute every lesson and keep its pictures
	$(RUN) notebooks/execute.py

site: $(VENV)/.lessons  ## build the web site of lessons, guides and modules in build/site
	$(RUN) docs/site/build.py

lint: $(VENV)/.lessons  ## check style, imports, and that lock files and reference tables are up to date
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports --no-cache
	$(RUN) locks/lock.py --check
	$(RUN) docs/reference.py --check

lock: $(VENV)/.lessons  ## write the lock files, after a change to pyproject.toml or requirements.txt
	$(RUN) locks/lock.py
	npm install --prefix locks/bridge --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

format: $(VENV)/.lessons  ## fix style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: $(VENV)/.lessons  ## measure one loop against threads; CLIPS=FOLDER measures detectors too
	$(RUN) benchmarks/live_loop.py
	$(if $(CLIPS),$(RUN) benchmarks/detection.py "$(CLIPS)")

clean:  ## remove the environment
	rm -rf $(VENV)

# Where a system library is missing, OpenCV without windows does; so does Haar without YuNet's file.
$(VENV)/.live: pyproject.toml locks/live.txt
	@echo "Setting up in $(VENV), once; this takes a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -r locks/live.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(RUN) -c "import cv2" 2>/dev/null || { \
	  echo "Going on without windows: OpenCV's need a system library that is missing. On Debian and Ubuntu:"; \
	  echo "  sudo apt-get install libgl1 libglib2.0-0 libxcb1 libx11-6 && make clean live"; \
	  $(RUN) -m pip uninstall -q -y opencv-python; \
	  $(PIP) --no-deps -r locks/headless.txt; }
	@$(RUN) -m expression models get yunet || echo "Going on with the Haar detector."
	@touch $@

# picamera2 comes from the system's packages, which the environment then has to include.
$(VENV)/.board: pyproject.toml locks/board.txt
	@echo "Setting up in $(VENV), once; this takes a few minutes on a board."
	@$(PYTHON) -m venv $$($(PYTHON) -c "import importlib.util as u; print('--system-site-packages' * bool(u.find_spec('picamera2')))") $(VENV)
	@$(PIP) -r locks/board.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@$(RUN) -m expression models get yunet || echo "Going on with the Haar detector."
	@$(RUN) -m expression check
	@touch $@

$(VENV)/.lessons: $(VENV)/.live locks/all.txt locks/bridge/package-lock.json
	@echo "Installing the packages of the lessons and tests, once; this takes a few minutes."
	@$(PIP) -r locks/all.txt
	@$(RUN) -c "import matplotlib.font_manager" 2>/dev/null  # lists the fonts once, which takes a while
	@mkdir -p $(VENV)/bridge && cp locks/bridge/package*.json $(VENV)/bridge
	@npm ci --silent --no-audit --no-fund --prefix $(VENV)/bridge >/dev/null 2>&1 \
	  || echo "Going on without an emulated bridge: its tests are skipped without npm."
	@touch $@
