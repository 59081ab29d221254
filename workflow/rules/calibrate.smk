"""Lund-plane calibration: the ratio measured on W jets, and weights for the jets of every signal dataset."""

from resonaut.calibrate import plan as calibrate_plan


rule calibrate_measure:
    """Measure the data/simulation ratio of the Lund planes of boosted W jets."""
    input:
        **calibrate_plan.measured(ANALYSIS),
        config=config_of("calibrate", "measure"),
        code=code_of("calibrate", "measure"),
    output:
        correction="<results>/calibrate/correction.json",
        metadata="<results>/calibrate/correction.metadata.json",
        planes="<results>/calibrate/planes.json",
    log:
        "<logs>/calibrate/measure.log",
    benchmark:
        "<benchmarks>/calibrate/measure.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    params:
        samples=samples("data", "simulation", "background", "b_quarks"),
    message:
        "Measuring the Lund-plane ratio of W jets."
    shell:
        "resonaut --log {log:q} --threads {threads} calibrate measure"
        " --config {input.config:q} {params.samples:q}"
        " --output {output.correction:q} --planes {output.planes:q}"


rule calibrate_normalise:
    """Compute the mean Lund weight of a signal dataset's jets for each number of prongs."""
    input:
        **calibrate_plan.correction(ANALYSIS),
        config=config_of("calibrate", "apply"),
        code=code_of("calibrate", "normalise"),
        dataset="<results>/skim/{dataset}.json",
        events=lambda wildcards: ANALYSIS.friends("skim", wildcards.dataset),
    output:
        "<results>/calibrate/{dataset}/normalisation.json",
    log:
        "<logs>/calibrate/{dataset}/normalise.log",
    benchmark:
        "<benchmarks>/calibrate/{dataset}/normalise.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    message:
        "Normalising the Lund weights of {wildcards.dataset}."
    shell:
        "resonaut --log {log:q} --threads {threads} calibrate normalise"
        " --config {input.config:q} --correction {input.correction:q} --dataset {input.dataset:q}"
        " --output {output:q}"


rule calibrate_apply:
    """Write the Lund weights of one chunk of a signal dataset."""
    input:
        **calibrate_plan.correction(ANALYSIS),
        config=config_of("calibrate", "apply"),
        code=code_of("calibrate", "apply"),
        normalisation="<results>/calibrate/{dataset}/normalisation.json",
        dataset="<results>/skim/{dataset}.json",
        events="<results>/skim/{dataset}/{chunk}.parquet",
    output:
        "<results>/calibrate/{dataset}/{chunk}.parquet",
    log:
        "<logs>/calibrate/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/calibrate/{dataset}/{chunk}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    message:
        "Weighting the jets of {wildcards.dataset}, chunk {wildcards.chunk}."
    shell:
        "resonaut --log {log:q} --threads {threads} calibrate apply"
        " --config {input.config:q} --correction {input.correction:q} --normalisation {input.normalisation:q}"
        " --dataset {input.dataset:q} --chunk {wildcards.chunk:q} --output {output:q}"


rule calibrate_summarise:
    """Compute scale factors of selections of a signal dataset's jets, and their observables before and after."""
    input:
        config=config_of("calibrate", "summarise"),
        code=code_of("calibrate", "summarise"),
        normalisation="<results>/calibrate/{dataset}/normalisation.json",
        dataset="<results>/skim/{dataset}.json",
        weights=lambda wildcards: ANALYSIS.friends("calibrate", wildcards.dataset),
        scores=lambda wildcards: (
            ANALYSIS.friends("tag", wildcards.dataset) if ANALYSIS.uses("tag") else []
        ),
    output:
        "<results>/calibrate/{dataset}/summary.json",
    log:
        "<logs>/calibrate/{dataset}/summarise.log",
    benchmark:
        "<benchmarks>/calibrate/{dataset}/summarise.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    params:
        tagged=["--tagged"] * ANALYSIS.uses("tag"),
    message:
        "Summarising the Lund weights of {wildcards.dataset}."
    shell:
        "resonaut --log {log:q} --threads {threads} calibrate summarise"
        " --config {input.config:q} --normalisation {input.normalisation:q} --dataset {input.dataset:q}"
        " {params.tagged:q} --output {output:q}"


rule calibrate:
    """Everything that the stage makes: the correction, and weights and scale factors of all signal datasets."""
    input:
        **calibrate_plan.correction(ANALYSIS),
        weights=ANALYSIS.friends(
            "calibrate", *ANALYSIS.sample("signal", of="calibrate")
        ),
        summaries=expand(
            "<results>/calibrate/{dataset}/summary.json",
            dataset=ANALYSIS.sample("signal", of="calibrate"),
        ),
    localrule: True
