"""Reweighting: weights that make the simulated background look like data in the sidebands."""


rule reweight_train:
    """Learn the likelihood ratio of data over simulated background, and weight all simulated events."""
    input:
        config=config_of("reweight"),
        code=code_of("reweight", "train"),
        data=ANALYSIS.manifests(*ANALYSIS.datasets("data")),
        simulation=ANALYSIS.manifests(*ANALYSIS.datasets("background")),
        events=ANALYSIS.friends("skim", *ANALYSIS.datasets("data", "background")),
    output:
        closure="<results>/reweight/closure.json",
        weights=ANALYSIS.friends("reweight", *ANALYSIS.datasets("background")),
    log:
        "<logs>/reweight/train.log",
    benchmark:
        "<benchmarks>/reweight/train.tsv"
    conda:
        "../../envs/analysis.yaml"
    # One thread: the order of floating-point sums, and so the last digits, would depend on their number.
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=60,
    params:
        simulation=lambda wildcards, input: [
            f"--simulation={path}" for path in input.simulation
        ],
    message:
        "reweight: simulated background to data"
    shell:
        """
        resonaut --log {log:q} --threads {threads} reweight train \
            --config {input.config:q} --data {input.data:q} {params.simulation:q} \
            --output {output.closure:q}
        """


rule reweight:
    """Everything that the stage makes: the weights of the simulated background and the closure test."""
    input:
        closure="<results>/reweight/closure.json",
        weights=ANALYSIS.friends("reweight", *ANALYSIS.datasets("background")),
    localrule: True
