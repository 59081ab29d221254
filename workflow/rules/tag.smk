"""tag: jet taggers trained on the simulated jets, and the scores of both jets of every event."""

from resonaut.tag import plan as tag_plan


rule tag:
    """Score every dataset of the search, and measure every network."""
    input:
        scores=ANALYSIS.friends("tag", *tag_plan.scored(ANALYSIS)),
        summaries=tag_plan.GIVES["networks"](ANALYSIS),
        comparison=tag_plan.GIVES["comparison"](ANALYSIS),
        points=tag_plan.GIVES["working_points"](ANALYSIS),
        passing=[
            path
            for name in ANALYSIS.config["tag"]["working_points"]
            for path in ANALYSIS.friends(
                tag_plan.working_points.folder(name), *tag_plan.scored(ANALYSIS)
            )
        ],
    localrule: True


rule tag_train:
    """Train one tagger on the simulated jets, or adopt its published weights, and measure it.

    A job that is killed goes on, when it runs again, from <results>/tag/{network}.checkpoint.
    """
    input:
        unpack(of(tag_plan.other_manifests, "network")),
        config=config_of("tag", "train", "{network}"),
        code=code_of("tag", "train", tag_plan.modules, "network"),
        background=tag_plan.manifests(ANALYSIS, "background"),
        signal=tag_plan.manifests(ANALYSIS, "signal"),
        jets=tag_plan.jet_files(ANALYSIS),
        events=lambda wildcards: ANALYSIS.friends(
            "skim", *tag_plan.read(ANALYSIS, wildcards.network)
        ),
        weights=of(tag_plan.published_weights, "network"),
    output:
        model="<results>/tag/{network}.npz",
        summary="<results>/tag/{network}.json",
    log:
        "<logs>/tag/train_{network}.log",
        history="<logs>/tag/train_{network}.csv",
    benchmark:
        "<benchmarks>/tag/train_{network}.tsv"
    wildcard_constraints:
        network="|".join(ANALYSIS.config["tag"]["networks"]) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    # With more threads the sums' order, and so the last digits of the weights, would depend on their number.
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * tag_plan.training_memory(ANALYSIS, wildcards.network),
        runtime=120,
    params:
        samples=samples(
            "background", "signal", "other_background", "other_signal", "data"
        ),
        code=lambda wildcards: options(
            "code", tag_plan.own_code(ANALYSIS, wildcards.network)
        ),
    message:
        "tag: make the tagger {wildcards.network}"
    shell:
        """
        resonaut --log {log[0]:q} --threads {threads} tag train \
            --config {input.config:q} --network {wildcards.network:q} {params.code:q} \
            --output {output.model:q} --summary {output.summary:q} --history {log.history:q} {params.samples:q}
        """


rule tag_compare:
    """Measure all taggers side by side on the same held-out jets, and how fast they are."""
    input:
        config=config_of("tag", "compare"),
        code=code_of("tag", "compare", tag_plan.modules),
        models=[
            f"<results>/tag/{name}.npz" for name in ANALYSIS.config["tag"]["networks"]
        ],
        summaries=tag_plan.GIVES["own"](ANALYSIS),
        times=[
            f"<benchmarks>/tag/train_{name}.tsv"
            for name in ANALYSIS.config["tag"]["networks"]
        ],
        background=tag_plan.manifests(ANALYSIS, "background"),
        signal=tag_plan.manifests(ANALYSIS, "signal"),
        jets=tag_plan.jet_files(ANALYSIS),
        events=ANALYSIS.friends("skim", *tag_plan.simulation(ANALYSIS)),
    output:
        "<results>/tag/comparison.json",
    log:
        "<logs>/tag/compare.log",
    benchmark:
        "<benchmarks>/tag/compare.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2500),
        runtime=60,
    params:
        samples=samples("background", "signal"),
        models=lambda wildcards, input: options("model", input.models),
        times=lambda wildcards, input: options("times", input.times),
        code=options("code", tag_plan.own_code(ANALYSIS)),
    message:
        "tag: compare the taggers"
    shell:
        """
        resonaut --log {log:q} --threads {threads} tag compare \
            --config {input.config:q} {params.code:q} {params.models:q} {params.times:q} \
            {params.samples:q} --output {output:q}
        """


rule tag_score:
    """Score both jets of every event of one chunk with all taggers."""
    input:
        config=config_of("tag", "score"),
        code=code_of("tag", "score", tag_plan.modules),
        models=[
            f"<results>/tag/{name}.npz" for name in ANALYSIS.config["tag"]["networks"]
        ],
        cards=tag_plan.cards(ANALYSIS),
        manifest="<results>/skim/{dataset}.json",
        events="<results>/skim/{dataset}/{chunk}.parquet",
    output:
        scores="<results>/tag/{dataset}/{chunk}.parquet",
    log:
        "<logs>/tag/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/tag/{dataset}/{chunk}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=60,
    params:
        code=options("code", tag_plan.own_code(ANALYSIS)),
        models=lambda wildcards, input: [
            word for model in input.models for word in ("--model", model)
        ],
        trained=lambda wildcards: ["--trained"]
        * (wildcards.dataset in tag_plan.trained(ANALYSIS)),
    message:
        "tag: score {wildcards.dataset} {wildcards.chunk}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} tag score \
            --config {input.config:q} {params.code:q} {params.models:q} \
            --dataset {input.manifest:q} --chunk {wildcards.chunk:q} {params.trained:q} --output {output.scores:q}
        """


rule tag_measure:
    """Measure a published network with the simulated jets that measure our own."""
    input:
        config=config_of("tag", "measure", "{network}"),
        code=code_of("tag", "measure"),
        background=ANALYSIS.manifests(*ANALYSIS.sample("background", of="tag")),
        signal=ANALYSIS.manifests(*ANALYSIS.sample("signal", of="tag")),
        events=ANALYSIS.friends("skim", *tag_plan.measuring(ANALYSIS)),
        scores=ANALYSIS.friends("tag", *tag_plan.measuring(ANALYSIS)),
    output:
        summary="<results>/tag/{network}.json",
    log:
        "<logs>/tag/measure_{network}.log",
    benchmark:
        "<benchmarks>/tag/measure_{network}.tsv"
    wildcard_constraints:
        network="|".join(tag_plan.measured(ANALYSIS)) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    params:
        samples=samples("background", "signal"),
    message:
        "tag: measure the published tagger {wildcards.network}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} tag measure \
            --config {input.config:q} --network {wildcards.network:q} {params.samples:q} \
            --summary {output.summary:q}
        """


rule tag_working_point:
    """Learn the thresholds of a working point from simulated QCD jets, and measure what passes."""
    input:
        config=config_of("tag", "working_points", "{point}"),
        code=code_of("tag", "working-point"),
        background=ANALYSIS.manifests(*ANALYSIS.sample("background", of="tag")),
        signal=ANALYSIS.manifests(*ANALYSIS.sample("signal", of="tag")),
        events=ANALYSIS.friends("skim", *tag_plan.working_points.learned_from(ANALYSIS)),
        scores=ANALYSIS.friends("tag", *tag_plan.working_points.learned_from(ANALYSIS)),
    output:
        thresholds="<results>/tag/working_points/{point}/thresholds.json",
        summary="<results>/tag/working_points/{point}/summary.json",
    log:
        "<logs>/tag/working_points/{point}.log",
    benchmark:
        "<benchmarks>/tag/working_points/{point}.tsv"
    wildcard_constraints:
        point="[a-z0-9]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=60,
    params:
        samples=samples("background", "signal"),
    message:
        "tag: learn the thresholds of the working point {wildcards.point}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} tag working-point \
            --config {input.config:q} {params.samples:q} --output {output.thresholds:q} --summary {output.summary:q}
        """


rule tag_passing:
    """Say which jets of one chunk pass a working point."""
    input:
        config=config_of("tag", "working_points", "{point}"),
        code=code_of("tag", "passing"),
        thresholds="<results>/tag/working_points/{point}/thresholds.json",
        manifest="<results>/skim/{dataset}.json",
        events="<results>/skim/{dataset}/{chunk}.parquet",
        scores="<results>/tag/{dataset}/{chunk}.parquet",
    output:
        passing="<results>/tag/working_points/{point}/{dataset}/{chunk}.parquet",
    log:
        "<logs>/tag/working_points/{point}/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/tag/working_points/{point}/{dataset}/{chunk}.tsv"
    wildcard_constraints:
        point="[a-z0-9]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    message:
        "tag: which jets of {wildcards.dataset} {wildcards.chunk} pass {wildcards.point}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} tag passing \
            --config {input.config:q} --thresholds {input.thresholds:q} \
            --dataset {input.manifest:q} --chunk {wildcards.chunk:q} --output {output.passing:q}
        """
