"""Lund-plane calibration: the ratio measured on W jets, and weights for the jets of every signal dataset."""


rule calibrate_measure:
    """Measure the data/simulation ratio of the Lund planes of boosted W jets."""
    input:
        config=config_of("calibrate"),
        code=stage_code("calibrate"),
        data=[manifest(name) for name in datasets("w_data")],
        simulation=[manifest(name) for name in datasets("w_sim")],
        events=friends("skim", *datasets("w_data", "w_sim")),
    output:
        correction="<results>/calibrate/correction.json",
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
        data=lambda wildcards, input: [f"--data={path}" for path in input.data],
        simulation=lambda wildcards, input: [
            f"--simulation={path}" for path in input.simulation
        ],
    message:
        "Measuring the Lund-plane ratio of W jets."
    shell:
        "resonaut --log {log} --threads {threads} calibrate measure"
        " --config {input.config} {params.data} {params.simulation}"
        " --output {output.correction} --planes {output.planes}"


rule calibrate_normalise:
    """Compute the mean Lund weight of a signal dataset's jets for each number of prongs."""
    input:
        config=config_of("calibrate"),
        code=stage_code("calibrate"),
        correction="<results>/calibrate/correction.json",
        dataset="<results>/skim/{dataset}.json",
        events=lambda wildcards: friends("skim", wildcards.dataset),
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
        "resonaut --log {log} --threads {threads} calibrate normalise"
        " --config {input.config} --correction {input.correction} --dataset {input.dataset}"
        " --output {output}"


rule calibrate_apply:
    """Write the Lund weights of one chunk of a signal dataset."""
    input:
        config=config_of("calibrate"),
        code=stage_code("calibrate"),
        correction="<results>/calibrate/correction.json",
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
        "resonaut --log {log} --threads {threads} calibrate apply"
        " --config {input.config} --correction {input.correction} --normalisation {input.normalisation}"
        " --dataset {input.dataset} --chunk {wildcards.chunk} --output {output}"


rule calibrate:
    """Everything that the stage makes: the correction and the weights of all signal datasets."""
    input:
        correction="<results>/calibrate/correction.json",
        planes="<results>/calibrate/planes.json",
        weights=friends("calibrate", *datasets("signal")),
