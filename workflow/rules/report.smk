"""report: figures and tables, with captions, from what the stages of this analysis wrote."""

REPORT_FIGURES = {
    "skim": ["<results>/report/cutflow.csv", "<results>/report/cutflow.png"],
    "tag": ["<results>/report/taggers.png"],
    "calibrate": [
        *(
            ["<results>/report/lund_planes.png"]
            if config["calibrate"]["correction"] is None
            else []
        ),
        *(
            ["<results>/report/calibration/scale_factors.html"]
            if ANALYSIS.sample("signal", of="calibrate")
            else []
        ),
    ],
    "reweight": ["<results>/report/reweighting.png"],
}


rule report:
    """All figures and tables of the analysis."""
    input:
        [
            path
            for verb, paths in REPORT_FIGURES.items()
            if ANALYSIS.uses(verb)
            for path in paths
        ],
        expand(
            "<results>/report/spectra/{method}_{window}.png",
            method=config["select"]["methods"],
            window=config["select"]["windows"],
        ),
        (
            expand(
                "<results>/report/images/{method}_{window}.png",
                method=select_jobs.imaged(ANALYSIS),
                window=config["select"]["windows"],
            )
            if select_jobs.imaged(ANALYSIS)
            else []
        ),
        "<results>/report/front_page.html",
        "<results>/report/methods.csv",
        "<results>/report/p_values.png",
        "<results>/report/limits.png",
        "<results>/report/fits.png",
        "<results>/report/nuisances.png",
        "<results>/report/hepdata",
        "<results>/report/summary.csv",
        "<results>/report/summary.json",
    localrule: True


rule bias:
    """The bias test of the fits, which a search needs once and not in each run."""
    input:
        "<results>/report/bias.png",
        "<results>/report/bias.csv",
    localrule: True


rule report_front_page:
    """Write the first page of the report: the result, the figures that show it, and what was searched."""
    input:
        config=config_of("report"),
        code=code_of("report", "front-page"),
        results=rules.fit_summary.input.results,
        summary="<results>/fit/summary.json",
        methods="<results>/report/methods.csv",
        figures=["<results>/report/p_values.png", "<results>/report/limits.png"],
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        datasets=ANALYSIS.manifests(*ANALYSIS.wanted()),
    output:
        report(
            "<results>/report/front_page.html",
            category="Results",
            caption="../report/front_page.rst",
        ),
    log:
        "<logs>/report/front_page.log",
    benchmark:
        "<benchmarks>/report/front_page.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        figures=lambda wildcards, input: options("figure", input.figures),
        datasets=lambda wildcards, input: [
            *options("data", input.data),
            *options("dataset", input.datasets),
        ],
    message:
        "report: first page"
    shell:
        "resonaut --log {log:q} --threads {threads} report front-page --config {input.config:q}"
        " --summary {input.summary:q} --methods {input.methods:q} {params.figures:q} {params.datasets:q}"
        " --output {output:q} {input.results:q}"


rule report_cutflows:
    """Draw the events after each cut of every dataset."""
    input:
        config=config_of("report"),
        code=code_of("report", "cutflows"),
        manifests=ANALYSIS.manifests(*ANALYSIS.wanted()),
    output:
        table=report(
            "<results>/report/cutflow.csv",
            category="Selection",
            caption="../report/cutflow.rst",
        ),
        plot=report(
            "<results>/report/cutflow.png",
            category="Selection",
            caption="../report/cutflow.rst",
        ),
    log:
        "<logs>/report/cutflows.log",
    benchmark:
        "<benchmarks>/report/cutflows.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "report: cutflows"
    shell:
        "resonaut --log {log:q} --threads {threads} report cutflows --config {input.config:q}"
        " --table {output.table:q} --plot {output.plot:q} {input.manifests:q}"


rule report_tagger:
    """Draw the taggers' ROC curves."""
    input:
        config=config_of("report"),
        code=code_of("report", "tagger"),
        summaries=[f"<results>/tag/{name}.json" for name in config["tag"]["networks"]],
    output:
        plot=report(
            "<results>/report/taggers.png",
            category="Taggers",
            caption="../report/taggers.rst",
        ),
    log:
        "<logs>/report/tagger.log",
    benchmark:
        "<benchmarks>/report/tagger.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "report: taggers"
    shell:
        "resonaut --log {log:q} --threads {threads} report tagger --config {input.config:q}"
        " --plot {output.plot:q} {input.summaries:q}"


rule report_lund:
    """Draw the Lund planes of W jets, their ratio and its error."""
    input:
        config=config_of("report"),
        code=code_of("report", "lund"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data", of="calibrate")),
        planes="<results>/calibrate/planes.json",
    output:
        plot=report(
            "<results>/report/lund_planes.png",
            category="Calibration",
            caption="../report/lund_planes.rst",
        ),
    log:
        "<logs>/report/lund.log",
    benchmark:
        "<benchmarks>/report/lund.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        data=lambda wildcards, input: options("data", input.data),
    message:
        "report: Lund planes"
    shell:
        "resonaut --log {log:q} --threads {threads} report lund --config {input.config:q}"
        " {params.data:q} --plot {output.plot:q} {input.planes:q}"


rule report_calibration:
    """Draw the signals' jets before and after the Lund-plane calibration, and tabulate its scale factors."""
    input:
        config=config_of("report"),
        code=code_of("report", "calibration"),
        summaries=expand(
            "<results>/calibrate/{dataset}/summary.json",
            dataset=ANALYSIS.sample("signal", of="calibrate"),
        ),
    output:
        observables=[
            report(
                f"<results>/report/calibration/{name}.png",
                category="Calibration",
                labels={"dataset": name},
                caption="../report/observables.rst",
            )
            for name in ANALYSIS.sample("signal", of="calibrate")
        ],
        page=report(
            "<results>/report/calibration/scale_factors.html",
            category="Calibration",
            caption="../report/scale_factors.rst",
        ),
        table=report(
            "<results>/report/calibration/scale_factors.csv",
            category="Calibration",
            caption="../report/scale_factors.rst",
        ),
        prongs=report(
            "<results>/report/calibration/prongs.csv",
            category="Calibration",
            caption="../report/prongs.rst",
        ),
    log:
        "<logs>/report/calibration.log",
    benchmark:
        "<benchmarks>/report/calibration.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        folder=lambda wildcards, output: Path(output.page).parent,
    message:
        "report: calibration"
    shell:
        "resonaut --log {log:q} --threads {threads} report calibration --config {input.config:q}"
        " --output {params.folder:q} {input.summaries:q}"


rule report_reweighting:
    """Draw data and simulation before and after the reweighting."""
    input:
        config=config_of("report"),
        code=code_of("report", "reweighting"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        closure="<results>/reweight/closure.json",
    output:
        plot=report(
            "<results>/report/reweighting.png",
            category="Reweighting",
            caption="../report/reweighting.rst",
        ),
    log:
        "<logs>/report/reweighting.log",
    benchmark:
        "<benchmarks>/report/reweighting.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        data=lambda wildcards, input: options("data", input.data),
    message:
        "report: reweighting"
    shell:
        "resonaut --log {log:q} --threads {threads} report reweighting --config {input.config:q}"
        " {params.data:q} --plot {output.plot:q} {input.closure:q}"


rule report_search:
    """Draw the spectra, p-values, limits, fits and nuisances of all selections, and write the HEPData submission."""
    input:
        config=config_of("report"),
        code=code_of("report", "search"),
        results=rules.fit_summary.input.results,
        summary="<results>/fit/summary.json",
    output:
        spectra=[
            report(
                f"<results>/report/spectra/{method}_{window}.png",
                category="Spectra",
                labels={"selection": method, "window": window},
                caption="../report/spectrum.rst",
            )
            for method in config["select"]["methods"]
            for window in config["select"]["windows"]
        ],
        p_values=report(
            "<results>/report/p_values.png",
            category="Results",
            caption="../report/p_values.rst",
        ),
        limits=report(
            "<results>/report/limits.png",
            category="Results",
            caption="../report/limits.rst",
        ),
        fits=report(
            "<results>/report/fits.png",
            category="Results",
            caption="../report/fits.rst",
        ),
        nuisances=report(
            "<results>/report/nuisances.png",
            category="Results",
            caption="../report/nuisances.rst",
        ),
        hepdata=report(
            directory("<results>/report/hepdata"),
            patterns=["{table}.yaml"],
            category="Results",
            subcategory="HEPData",
            labels={"table": "{table}"},
            caption="../report/hepdata.rst",
        ),
    log:
        "<logs>/report/search.log",
    benchmark:
        "<benchmarks>/report/search.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        folder=lambda wildcards, output: Path(output.p_values).parent,
    message:
        "report: spectra, p-values, limits, fits, HEPData"
    shell:
        "resonaut --log {log:q} --threads {threads} report search --config {input.config:q}"
        " --summary {input.summary:q} --output {params.folder:q} {input.results:q}"


rule report_methods:
    """Compare the methods in each window, and draw what each selects."""
    input:
        config=config_of("report"),
        code=code_of("report", "methods"),
        selections=rules.select.input.summaries,
        fits=rules.fit_summary.input.results,
        no_signal=of(experiments.no_signal_fits),
    output:
        table=report(
            "<results>/report/methods.csv",
            category="Methods",
            caption="../report/methods.rst",
        ),
        page=report(
            "<results>/report/methods.html",
            category="Methods",
            caption="../report/methods.rst",
        ),
        selections=[
            report(
                f"<results>/report/selections/{method}_{window}.png",
                category="Methods",
                labels={"selection": method, "window": window},
                caption="../report/selection.rst",
            )
            for method in config["select"]["methods"]
            for window in config["select"]["windows"]
        ],
    log:
        "<logs>/report/methods.log",
    benchmark:
        "<benchmarks>/report/methods.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        folder=lambda wildcards, output: Path(output.table).parent,
        fits=lambda wildcards, input: options("fit", input.fits),
        no_signal=lambda wildcards, input: options("no-signal", input.no_signal),
        bounds=options("bound", select_jobs.bounds(ANALYSIS)),
        # No inputs: a lost benchmark is no reason to train again.
        benchmarks=workflow.pathvars.apply("<benchmarks>/select"),
    message:
        "report: methods"
    shell:
        "resonaut --log {log:q} --threads {threads} report methods --config {input.config:q}"
        " {params.fits:q} {params.no_signal:q} {params.bounds:q} --benchmarks {params.benchmarks:q}"
        " --output {params.folder:q} {input.selections:q}"


rule report_injections:
    """Draw what the methods find of injected signal: a rule by itself, as many trainings are behind it."""
    input:
        config=config_of("report"),
        code=code_of("report", "injections"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        fits=of(experiments.fits),
        benchmark=lambda wildcards: (
            "<results>/select/benchmark.json" if experiments.compared(ANALYSIS) else []
        ),
    output:
        table=report(
            "<results>/report/injections.csv",
            category="Injections",
            caption="../report/injections.rst",
        ),
        figures=report(
            directory("<results>/report/injections"),
            patterns=["{figure}.png"],
            category="Injections",
            labels={"figure": "{figure}"},
            caption="../report/injections.rst",
        ),
    log:
        "<logs>/report/injections.log",
    benchmark:
        "<benchmarks>/report/injections.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        data=lambda wildcards, input: options("data", input.data),
        folder=lambda wildcards, output: Path(output.table).parent,
        benchmark=lambda wildcards, input: [
            f"--benchmark={path}" for path in [input.get("benchmark")] if path
        ],
    message:
        "report: injections"
    shell:
        "resonaut --log {log:q} --threads {threads} report injections --config {input.config:q}"
        " {params.data:q} {params.benchmark:q} --output {params.folder:q} {input.fits:q}"


rule report_images:
    """Draw the mean jet images of selected and of rejected data."""
    input:
        config=config_of("report"),
        code=code_of("report", "images"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        images=expand(
            "<results>/select/{method}/{window}_images.json",
            method=select_jobs.imaged(ANALYSIS),
            window=config["select"]["windows"],
        ),
    output:
        images=[
            report(
                f"<results>/report/images/{method}_{window}.png",
                category="Methods",
                subcategory="Jet images",
                labels={"selection": method, "window": window},
                caption="../report/images.rst",
            )
            for method in select_jobs.imaged(ANALYSIS)
            for window in config["select"]["windows"]
        ],
    log:
        "<logs>/report/images.log",
    benchmark:
        "<benchmarks>/report/images.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    params:
        data=lambda wildcards, input: options("data", input.data),
        folder=lambda wildcards, output: Path(output.images[0]).parent,
    message:
        "report: jet images"
    shell:
        "resonaut --log {log:q} --threads {threads} report images --config {input.config:q}"
        " {params.data:q} --output {params.folder:q} {input.images:q}"


rule report_tables:
    """Write the final numbers as JSON and CSV."""
    input:
        code=code_of("report", "tables"),
        fits="<results>/fit/summary.json",
    output:
        summary="<results>/report/summary.json",
        table=report(
            "<results>/report/summary.csv",
            category="Results",
            caption="../report/summary.rst",
        ),
    log:
        "<logs>/report/tables.log",
    benchmark:
        "<benchmarks>/report/tables.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "report: tables"
    shell:
        "resonaut --log {log:q} --threads {threads} report tables"
        " --summary {output.summary:q} --table {output.table:q} {input.fits:q}"


rule report_bias:
    """Draw the pulls, spurious signals and coverages of the bias tests of all selections."""
    input:
        config=config_of("report"),
        code=code_of("report", "bias"),
        tests=expand(
            "<results>/fit/{method}/{window}_bias.json",
            method=config["select"]["methods"],
            window=config["select"]["windows"],
        ),
    output:
        plot=report(
            "<results>/report/bias.png",
            category="Results",
            caption="../report/bias.rst",
        ),
        table=report(
            "<results>/report/bias.csv",
            category="Results",
            caption="../report/bias.rst",
        ),
    log:
        "<logs>/report/bias.log",
    benchmark:
        "<benchmarks>/report/bias.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "report: bias test"
    shell:
        "resonaut --log {log:q} --threads {threads} report bias --config {input.config:q}"
        " --plot {output.plot:q} --table {output.table:q} {input.tests:q}"
