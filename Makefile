# `make demo` and `make test` do all the set-up they need on a machine with Python >= 3.11.
PYTHON ?= python3
CORES ?= 2
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: install demo test faults lint format docs benchmark study-fit study-hh-bbvv study-reweight study-calibrate study-lhco study-limits study-background study-referee study-unfold study-tag study-tag-regression study-tagger-zoo study-flavour study-inference study-hh-events study-zprime study-emulate study-trigger study-event-anomaly study-autoencoder clean

install: .venv/installed

.venv/installed: envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("resonaut needs Python >= 3.11, this is %d.%d; name another: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement envs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: install  ## The embedded search, from collisions to limits, and its report
	@workflow/run --cores $(CORES)
	@workflow/run --report results/report/report.html
	@resonaut report show --summary results/report/summary.json

test: install  ## Unit, workflow and physics tests
	pytest -n 2 --dist loadgroup

faults: install  ## Broken, odd and hostile inputs through the command line, and a table of what came of them (a quarter of an hour)
	@python tests/faults/run.py --workers $(CORES)

lint: install  ## Formatting, types and the workflow's style
	ruff format --check .
	ruff check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

format: install  ## Format the Python and the Snakemake files
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow

docs: install  ## Rewrite the configuration tables of docs/ and the schema for editors
	python -m resonaut.core.documentation .

benchmark: install  ## Time of the hot paths against named peers, one JSON line each
	@python benchmarks/simulate.py
	@python benchmarks/skim.py
	@python benchmarks/skim_variations.py
	@python benchmarks/fit.py
	@python benchmarks/fit_histfactory.py
	@python benchmarks/calibrate.py
	@python benchmarks/select_networks.py
	@python benchmarks/select_trees.py
	@python benchmarks/unfold.py
	@python benchmarks/tag.py
	@python benchmarks/rapidity_mass.py

study-fit: install  ## The toy studies of docs/fit.md; SPECTRUM=file.csv adds the bias test of CMS's dijet spectrum
	@python benchmarks/fit_toys.py $(if $(SPECTRUM),--spectrum $(SPECTRUM))

study-hh-bbvv: install  ## kappa_2V of CMS's HH -> bbVV templates, with bias and coverage by toys (docs/fit_transfer.md)
	snakemake --cores $(CORES) --configfile config/hh_bbvv.yaml -- fit_models
	@python benchmarks/fit_hh_bbvv.py results/hh_bbvv --toys 500

study-reweight: install  ## Learned against true ratios of simulated samples (docs/reweight.md), half an hour
	@python benchmarks/reweight_closure.py

study-calibrate: install  ## The closure study of docs/calibrate.md, half an hour of simulation included
	snakemake calibrate --cores $(CORES) --configfile config/config.yaml config/variants/closure.yaml
	@python benchmarks/calibrate_closure.py results/closure

# Each on the configuration of docs/select.md, or on another one: make study-limits STUDY=my.yaml
# For hundreds of jobs: Snakemake looks through the waiting ones less often, and ends up to a minute after its last job.
MANY := snakemake --cores $(CORES) --max-jobs-per-timespan 1000/1m --keep-going

study-lhco: install  ## All methods on the LHC Olympics with injected signal
	$(MANY) select_benchmark --configfile config/lhco.yaml $(STUDY)

study-autoencoder: install  ## Both losses of normalised autoencoders on an S curve (docs/select.md): estimated at ten minutes of processor time, the likelihood not yet run as a whole
	@python benchmarks/normalised_autoencoder.py

study-limits: install  ## Limits and significances with selections trained again for every injected signal
	$(MANY) report_injections --configfile config/config.yaml config/variants/limits.yaml $(STUDY)

study-background: install  ## Pseudo-data without a signal through the retrained chain
	$(MANY) fit_injected --configfile config/config.yaml config/variants/background_only.yaml $(STUDY)
	@python benchmarks/select_background.py results/background_only

study-referee: install  ## What a referee asks of every number, before and after, as JSON lines (docs/fit.md)
	@for study in benchmarks/referee_*.py; do python $$study || exit 1; done

study-unfold: install  ## Checks of the unfolding on toys, a million events, and Z + jets in 24 observables (docs/unfold.md)
	@python benchmarks/unfold_study.py --processes $(CORES)
	@python benchmarks/unfold.py --events 1000000 --dimensions 1 6 24 --iterations 1 --seeds 1
	snakemake unfold --cores $(CORES) --configfile config/zjets.yaml
	snakemake unfold --cores $(CORES) --configfile benchmarks/unfold_jet.yaml
	@for results in zjets zjets_jet; do python benchmarks/unfold_summary.py results/$$results/unfold || exit 1; done

study-tag: install  ## Networks decorrelated from the mass, robust, adapted to another shower; two sizes of the training (docs/tag.md), about half an hour
	snakemake tag --cores $(CORES) --configfile benchmarks/tag_training.yaml
	@python benchmarks/tag_training.py results/tag_training/tag
	snakemake report --cores $(CORES) --configfile benchmarks/tag_sizes.yaml
	@python benchmarks/tag_training.py results/tag_sizes/tag

study-tag-regression: install  ## Masses and momenta of jets beside their classes, on resonances of any mass (docs/tag.md), half an hour
	snakemake report_tagger_regression --cores $(CORES) --configfile benchmarks/tag_regression.yaml
	@python benchmarks/tag_regression.py results/tag_regression/tag

study-tagger-zoo: install  ## Representations of a jet side by side, from observables to transformers (docs/tag.md), half an hour
	snakemake report_representations --cores $(CORES) --configfile config/tagger_zoo.yaml

study-flavour: install  ## Flavour taggers of small jets by their tracks, with and without the tasks of GN1 (docs/tag.md), under half an hour
	snakemake report_representations --cores $(CORES) --configfile config/flavour.yaml

study-zprime: install  ## A light Z' in the mass of one jet, with W and Z as standard candle (docs/zprime.md), estimated at an hour and a half
	snakemake --cores $(CORES) --configfile config/zprime.yaml
	snakemake --cores $(CORES) --configfile config/zprime.yaml config/variants/zprime_truth.yaml -- results/zprime/fit/models/bosons/result.json
	test -d results/zprime_injected || { cp -a results/zprime results/zprime_injected && rm -r results/zprime_injected/simulate/data results/zprime_injected/config/simulate/data.json; }
	snakemake --cores $(CORES) --configfile config/zprime.yaml config/variants/zprime_injected.yaml
	@python benchmarks/zprime_results.py results/zprime results/zprime_injected

study-emulate: install  ## Showers of photons by a Monte Carlo and five generative networks (docs/emulate.md), two hours
	snakemake --cores $(CORES) --configfile config/calorimeter.yaml
	@python benchmarks/emulate_results.py results/calorimeter
	@python benchmarks/emulate_jets.py results/calorimeter/emulate/flow_matching/model.onnx

study-trigger: install  ## Anomaly detection in a Level-1 trigger, from minimum bias to rates and efficiencies (docs/trigger.md), half an hour
	snakemake --cores $(CORES) --configfile config/trigger.yaml

study-event-anomaly: install  ## Anomalies of whole events in 27 spectra, after ATLAS (docs/select.md), an hour
	snakemake --cores $(CORES) --configfile config/event_anomaly.yaml

study-hh-events: install  ## HH -> bbVV from simulated events to limits against kappa_2V (docs/fit_morphing.md), half an hour
	@python benchmarks/higgs_pairs.py --events 10000
	snakemake --cores $(CORES) --configfile config/hh_events.yaml

study-inference: install  ## Networks trained on the uncertainty against cross entropy: INFERNO's benchmark (docs/classify_uncertainty.md), H -> tau tau (docs/htautau.md), under two hours
	@python benchmarks/classify_inferno.py --benchmarks 0 2 --seeds 5
	@python benchmarks/classify_inferno.py --benchmarks 1 3 4 --seeds 1
	snakemake --cores $(CORES) --configfile config/htautau.yaml
	@python benchmarks/classify_tautau.py --seeds 5

clean:  ## Remove what runs made, not the environment
	rm -rf results logs .snakemake .snakemake.lock
