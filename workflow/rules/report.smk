"""report: figures and tables, with captions, from what the stages of this analysis wrote."""

REPORT_FIGURES = {
    "skim": ["<results>/report/cutflow.csv", "<results>/report/cutflow.png"],
    "tag": ["<results>/report/taggers.png"],
    "calibrate": ["<results>/report/lund_planes.png"],
    "reweight": ["<results>/report/reweighting.png"],
}


rule report:
    """All figures and tables of the analysis."""
    input:
        [path for verb, paths in REPORT_FIGURES.items() if uses(verb) for path in paths],
        expand(
            "<results>/report/spectra/{method}_{window}.png",
            method=config["select"]["methods"],
            window=config["select"]["windows"],
        ),
        "<results>/report/p_values.png",
        "<results>/report/limits.png",
        "<results>/report/summary.csv",
        "<results>/report/summary.json",


rule report_cutflows:
    """Draw the events after each cut of every dataset."""
    input:
        code=stage_code("report"),
        manifests=[manifest(name) for name in datasets()],
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
        "resonaut --log {log} --threads {threads} report cutflows"
        " --table {output.table} --plot {output.plot} {input.manifests}"


rule report_tagger:
    """Draw the taggers' ROC curves."""
    input:
        code=stage_code("report"),
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
        "resonaut --log {log} --threads {threads} report tagger"
        " --plot {output.plot} {input.summaries}"


rule report_lund:
    """Draw the Lund planes of W jets, their ratio and its error."""
    input:
        code=stage_code("report"),
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
    message:
        "report: Lund planes"
    shell:
        "resonaut --log {log} --threads {threads} report lund"
        " --plot {output.plot} {input.planes}"


rule report_reweighting:
    """Draw data and simulation before and after the reweighting."""
    input:
        code=stage_code("report"),
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
    message:
        "report: reweighting"
    shell:
        "resonaut --log {log} --threads {threads} report reweighting"
        " --plot {output.plot} {input.closure}"


rule report_spectrum:
    """Draw a selected spectrum with its fits and pulls."""
    input:
        config=config_of("report"),
        code=stage_code("report"),
        result="<results>/fit/{method}/{window}.json",
    output:
        plot=report(
            "<results>/report/spectra/{method}_{window}.png",
            category="Spectra",
            labels={"selection": "{method}", "window": "{window}"},
            caption="../report/spectrum.rst",
        ),
    log:
        "<logs>/report/spectrum_{method}_{window}.log",
    benchmark:
        "<benchmarks>/report/spectrum_{method}_{window}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "report: spectrum of {wildcards.method}, {wildcards.window}"
    shell:
        "resonaut --log {log} --threads {threads} report spectrum"
        " --config {input.config} --plot {output.plot} {input.result}"


rule report_scan:
    """Draw the p-value scan and the limit bands of all selections."""
    input:
        config=config_of("report"),
        code=stage_code("report"),
        results=rules.fit_summary.input.results,
    output:
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
    log:
        "<logs>/report/scan.log",
    benchmark:
        "<benchmarks>/report/scan.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=10,
    message:
        "report: p-values and limits"
    shell:
        "resonaut --log {log} --threads {threads} report scan --config {input.config}"
        " --p-values {output.p_values} --limits {output.limits} {input.results}"


rule report_tables:
    """Write the final numbers as JSON and CSV."""
    input:
        code=stage_code("report"),
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
        "resonaut --log {log} --threads {threads} report tables"
        " --summary {output.summary} --table {output.table} {input.fits}"
