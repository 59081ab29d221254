"""Classifiers of events: one training each, their scores as friends of every dataset, and categories of events."""

from resonaut.classify import plan as classify_plan

CLASSIFIERS = list(ANALYSIS.config["classify"]["classifiers"])
CATEGORIES = list(ANALYSIS.config["classify"]["categories"])


rule classify_train:
    """Train a classifier in k folds, and measure it on the events that each fold has not seen."""
    input:
        config=config_of("classify", "train", "{classifier}"),
        code=code_of("classify", "train", classify_plan.training_modules, "classifier"),
        simulation=lambda wildcards: ANALYSIS.manifests(
            *classify_plan.learned(ANALYSIS, wildcards.classifier)
        ),
        events=lambda wildcards: classify_plan.files(
            ANALYSIS,
            wildcards.classifier,
            *classify_plan.learned(ANALYSIS, wildcards.classifier),
        ),
        weights=of(classify_plan.weights, "classifier"),
    output:
        model="<results>/classify/{classifier}.npz",
        summary="<results>/classify/{classifier}.json",
    log:
        "<logs>/classify/{classifier}.log",
    benchmark:
        "<benchmarks>/classify/{classifier}.tsv"
    wildcard_constraints:
        classifier="|".join(CLASSIFIERS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    # One thread: the order of floating-point sums, and so the last digits, would depend on their number.
    threads: 1
    resources:
        mem_mb=memory(2500),
        runtime=120,
    params:
        samples=samples("simulation"),
        weights=of(classify_plan.weighting, "classifier"),
    message:
        "classify: train {wildcards.classifier}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} classify train \
            --config {input.config:q} --name {wildcards.classifier:q} {params.samples:q} {params.weights:q} \
            --output {output.model:q}
        """


rule classify_apply:
    """Score the events of a chunk, also with shifted inputs."""
    input:
        config=config_of("classify", "apply", "{classifier}"),
        code=code_of("classify", "apply", classify_plan.modules, "classifier"),
        model="<results>/classify/{classifier}.npz",
        manifest="<results>/skim/{dataset}.json",
        events="<results>/skim/{dataset}/{chunk}.parquet",
        friends=lambda wildcards: [
            f"<results>/{folder}/{wildcards.dataset}/{wildcards.chunk}.parquet"
            for folder in classify_plan.friends(ANALYSIS, wildcards.classifier)
        ],
    output:
        scores="<results>/classify/{classifier}/{dataset}/{chunk}.parquet",
    log:
        "<logs>/classify/{classifier}/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/classify/{classifier}/{dataset}/{chunk}.tsv"
    wildcard_constraints:
        classifier="|".join(CLASSIFIERS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=60,
    message:
        "classify: {wildcards.classifier} on {wildcards.dataset} {wildcards.chunk}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} classify apply \
            --config {input.config:q} --model {input.model:q} --dataset {input.manifest:q} \
            --chunk {wildcards.chunk:q} --output {output.scores:q}
        """


rule classify_categorise:
    """Put the events of a chunk into categories."""
    input:
        config=config_of("classify", "categorise", "{categories}"),
        code=code_of("classify", "categorise"),
        manifest="<results>/skim/{dataset}.json",
        events="<results>/skim/{dataset}/{chunk}.parquet",
        friends=lambda wildcards: [
            f"<results>/{folder}/{wildcards.dataset}/{wildcards.chunk}.parquet"
            for folder in classify_plan.friends(ANALYSIS, wildcards.categories)
        ],
    output:
        categories="<results>/classify/{categories}/{dataset}/{chunk}.parquet",
    log:
        "<logs>/classify/{categories}/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/classify/{categories}/{dataset}/{chunk}.tsv"
    wildcard_constraints:
        categories="|".join(CATEGORIES) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    message:
        "classify: {wildcards.categories} of {wildcards.dataset} {wildcards.chunk}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} classify categorise \
            --config {input.config:q} --name {wildcards.categories:q} --dataset {input.manifest:q} \
            --chunk {wildcards.chunk:q} --output {output.categories:q}
        """


rule classify:
    """Everything that the stage makes: models, summaries, scores and categories."""
    input:
        classify_plan.made(ANALYSIS),
    localrule: True
