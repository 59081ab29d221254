"""Reweighting: weights that make the simulated background look like data in the sidebands."""


rule reweight_train:
    """Learn the likelihood ratio of data over simulated background, and weight all simulated events."""
    input:
        config=config_of("reweight"),
        code=code_of("reweight", "train"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        simulation=ANALYSIS.manifests(*ANALYSIS.sample("background")),
        events=ANALYSIS.friends("skim", *ANALYSIS.sample("data", "background")),
    output:
        closure="<results>/reweight/closure.json",
        weights=ANALYSIS.friends("reweight", *ANALYSIS.sample("background")),
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
        samples=lambda wildcards, input: [
            *options("data", input.data),
            *options("simulation", input.simulation),
        ],
    message:
        "reweight: simulated background to data"
    shell:
        """
        resonaut --log {log:q} --threads {threads} reweight train \
            --config {input.config:q} {params.samples:q} \
            --output {output.closure:q}
        """


rule reweight:
    """Everything that the stage makes: the weights of the simulated background and the closure test."""
    input:
        closure="<results>/reweight/closure.json",
        weights=ANALYSIS.friends("reweight", *ANALYSIS.sample("background")),
    localrule: True
