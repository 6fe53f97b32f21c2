# Everything there is to remember: make setup | live | lab | test | notebooks | lint | bench
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python

.PHONY: help setup live check lab test fast notebooks lint format bench clean
help:  ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/.lessons  ## install everything, lessons and tests too (3 GB)

live: $(VENV)/.live  ## read faces from the camera, or from the demo (0.4 GB, no TensorFlow)
	@$(RUN) -m expression live

check: $(VENV)/.live  ## say what works on this machine
	@$(RUN) -m expression check

lab: $(VENV)/.lessons  ## open lesson 01 in JupyterLab
	$(RUN) -m jupyterlab --ServerApp.root_dir="$(CURDIR)" notebooks/01_start_here.ipynb

test: $(VENV)/.lessons  ## run every test
	$(RUN) -m pytest

fast: $(VENV)/.lessons  ## run the tests that take seconds
	$(RUN) -m pytest -m "not slow"

notebooks: $(VENV)/.lessons  ## execute every lesson and keep its pictures
	$(RUN) notebooks/execute.py

lint: $(VENV)/.lessons  ## check style
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: $(VENV)/.lessons  ## mend style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: $(VENV)/.lessons  ## measure one loop against threads; CLIPS=FOLDER measures detectors too
	$(RUN) benchmarks/live_loop.py
	$(if $(CLIPS),$(RUN) benchmarks/detection.py "$(CLIPS)")

clean:  ## remove the environment
	rm -rf $(VENV)

# Where a system library is missing, OpenCV without windows does; so does Haar without YuNet's file.
$(VENV)/.live: pyproject.toml requirements.txt
	@echo "Setting up in $(VENV), once; this takes a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install -q --disable-pip-version-check -c requirements.txt -e .
	@$(RUN) -c "import cv2" 2>/dev/null || { \
	  echo "Going on without windows: OpenCV's need a system library that is missing. On Debian and Ubuntu:"; \
	  echo "  sudo apt-get install libgl1 libglib2.0-0 libxcb1 libx11-6 && make clean live"; \
	  $(RUN) -m pip uninstall -q -y opencv-python; \
	  $(RUN) -m pip install -q --disable-pip-version-check opencv-python-headless==4.14.0.94; }
	@$(RUN) -m expression models get yunet || echo "Going on with the Haar detector."
	@touch $@

$(VENV)/.lessons: $(VENV)/.live
	@echo "Installing the packages of the lessons and tests, once; this takes a few minutes."
	@$(RUN) -c "import importlib.metadata as m; m.version('opencv-python')" 2>/dev/null \
	  && cat requirements.txt > $(VENV)/lessons.txt || grep -v opencv requirements.txt > $(VENV)/lessons.txt
	@$(RUN) -m pip install -q --disable-pip-version-check -r $(VENV)/lessons.txt
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/bridge hue-simulator@0.0.11 >/dev/null 2>&1 \
	  || echo "Going on without an emulated bridge: its tests are skipped without npm."
	@touch $@
