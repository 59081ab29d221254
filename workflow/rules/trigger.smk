"""Anomaly detection in the Level-1 trigger: trained networks, these in integers, and the measure of their decisions."""

from resonaut.trigger import plan as trigger_plan

TRIGGERS = list(ANALYSIS.config["trigger"]["models"])
NETWORKS = trigger_plan.networks(ANALYSIS)


rule trigger:
    """Everything that the stage makes: models, networks in integers, and their measurements."""
    input:
        trigger_plan.made(ANALYSIS),
    localrule: True


rule trigger_train:
    """Train a variational autoencoder on zero bias."""
    input:
        config=config_of("trigger", "train", "{model}"),
        code=code_of("trigger", "train"),
        zero_bias=trigger_plan.training(ANALYSIS),
    output:
        model="<results>/trigger/{model}/model.npz",
    log:
        "<logs>/trigger/{model}/train.log",
    benchmark:
        "<benchmarks>/trigger/{model}/train.tsv"
    wildcard_constraints:
        model="|".join(TRIGGERS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    # One thread: the order of floating-point sums, and so the last digits, would depend on their number.
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        zero_bias=lambda wildcards, input: options("zero-bias", input.zero_bias),
    message:
        "trigger: train {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} trigger train \
            --config {input.config:q} --name {wildcards.model:q} {params.zero_bias:q} --output {output.model:q}
        """


rule trigger_quantise:
    """Make a trained model a network in integers."""
    input:
        config=config_of("trigger", "quantise", "{model}"),
        code=code_of("trigger", "quantise"),
        model="<results>/trigger/{model}/model.npz",
    output:
        network="<results>/trigger/{model}/network.json",
    log:
        "<logs>/trigger/{model}/quantise.log",
    benchmark:
        "<benchmarks>/trigger/{model}/quantise.tsv"
    wildcard_constraints:
        model="|".join(TRIGGERS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=10,
    message:
        "trigger: {wildcards.model} in integers"
    shell:
        """
        resonaut --log {log:q} --threads {threads} trigger quantise \
            --config {input.config:q} --model {input.model:q} --output {output.network:q}
        """


rule trigger_measure:
    """Measure rates and efficiencies of a network's decisions."""
    input:
        config=config_of("trigger", "measure", "{network}"),
        code=code_of("trigger", "measure"),
        network=of(trigger_plan.network, "network"),
        model=of(trigger_plan.model, "network"),
        tested=trigger_plan.tested(ANALYSIS),
    output:
        measurement="<results>/trigger/{network}/measurement.json",
    log:
        "<logs>/trigger/{network}/measure.log",
    benchmark:
        "<benchmarks>/trigger/{network}/measure.tsv"
    wildcard_constraints:
        network="|".join(NETWORKS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        words=lambda wildcards, input: [
            *options("model", input.model),
            *options("menu", trigger_plan.menu(ANALYSIS)),
            *trigger_plan.options(ANALYSIS, workflow.pathvars.apply),
        ],
    message:
        "trigger: measure {wildcards.network}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} trigger measure \
            --config {input.config:q} --name {wildcards.network:q} --network {input.network:q} {params.words:q} \
            --output {output.measurement:q}
        """
