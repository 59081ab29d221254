"""Reweighting: of the simulated background to data in the sidebands, and of simulated samples to others."""

from resonaut.reweight import plan as reweight_plan


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
        samples=samples("data", "simulation"),
    message:
        "reweight: simulated background to data"
    shell:
        """
        resonaut --log {log:q} --threads {threads} reweight train \
            --config {input.config:q} {params.samples:q} \
            --output {output.closure:q}
        """


for name, sides in reweight_plan.ratios(ANALYSIS).items():

    command = "published" if sides["published"] else "ratio"

    rule:
        name:
            f"reweight_ratio_{name}"
        # Learn the ratio of two simulated samples or take a published one, and weight all events of the second.
        input:
            config=config_of("reweight", name),
            code=code_of("reweight", command),
            numerator=ANALYSIS.manifests(*sides["numerator"]),
            denominator=ANALYSIS.manifests(*sides["denominator"]),
            published=sides["published"],
            events=ANALYSIS.friends(
                "skim", *dict.fromkeys([*sides["numerator"], *sides["denominator"]])
            ),
        output:
            closure=f"<results>/reweight/{name}/closure.json",
            weights=ANALYSIS.friends(f"reweight/{name}", *sides["denominator"]),
        log:
            f"<logs>/reweight/{name}.log",
        benchmark:
            f"<benchmarks>/reweight/{name}.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=memory(2000),
            runtime=120,
        params:
            command=command,
            name=name,
            samples=samples("numerator", "denominator"),
        message:
            f"reweight: the ratio {name}"
        shell:
            """
            resonaut --log {log:q} --threads {threads} reweight {params.command} \
                --config {input.config:q} --name {params.name:q} {params.samples:q} \
                --output {output.closure:q}
            """


rule reweight:
    """Everything that the stage makes: the weights and their closure tests."""
    input:
        reweight_plan.made(ANALYSIS),
    localrule: True
