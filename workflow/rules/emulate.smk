"""Showers of a calorimeter from generative networks: one training each, its showers, its graph, and how good they are."""

from resonaut.emulate import plan as emulate_plan

EMULATORS = list(ANALYSIS.config["emulate"]["models"])
JUDGED = [*EMULATORS, emulate_plan.FLOOR]


rule emulate:
    """Everything that the stage makes: models, their showers and graphs, and the judgement of each."""
    input:
        emulate_plan.made(ANALYSIS),
    localrule: True


rule emulate_train:
    """Train a model of showers."""
    input:
        config=config_of("emulate", "train", "{model}"),
        code=code_of("emulate", "train", emulate_plan.modules, "model"),
        showers=emulate_plan.showers(ANALYSIS, "train"),
    output:
        model="<results>/emulate/{model}/model.npz",
    log:
        "<logs>/emulate/{model}/train.log",
    benchmark:
        "<benchmarks>/emulate/{model}/train.tsv"
    wildcard_constraints:
        model="|".join(EMULATORS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    # One thread: the order of floating-point sums, and so the last digits, would depend on their number.
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=240,
    params:
        showers=lambda wildcards, input: options("showers", input.showers),
        code=lambda wildcards: options(
            "code", emulate_plan.own_code(ANALYSIS, wildcards.model)
        ),
    message:
        "emulate: train {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} emulate train \
            --config {input.config:q} {params.showers:q} {params.code:q} --output {output.model:q}
        """


rule emulate_sample:
    """Make as many showers as there are to compare with, of the same energies."""
    input:
        code=code_of("emulate", "sample", emulate_plan.modules, "model"),
        model="<results>/emulate/{model}/model.npz",
        showers=emulate_plan.showers(ANALYSIS, "test"),
    output:
        showers="<results>/emulate/{model}/showers.h5",
    log:
        "<logs>/emulate/{model}/sample.log",
    benchmark:
        "<benchmarks>/emulate/{model}/sample.tsv"
    wildcard_constraints:
        model="|".join(EMULATORS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=60,
    params:
        like=lambda wildcards, input: options("like", input.showers),
        code=lambda wildcards: options(
            "code", emulate_plan.own_code(ANALYSIS, wildcards.model)
        ),
    message:
        "emulate: showers of {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} emulate sample \
            --model {input.model:q} {params.like:q} {params.code:q} --output {output.showers:q}
        """


rule emulate_export:
    """Write a model as a graph for onnxruntime, which the detector of `simulate` can use."""
    input:
        code=code_of("emulate", "export", emulate_plan.modules, "model"),
        model="<results>/emulate/{model}/model.npz",
    output:
        graph="<results>/emulate/{model}/model.onnx",
    log:
        "<logs>/emulate/{model}/export.log",
    benchmark:
        "<benchmarks>/emulate/{model}/export.tsv"
    wildcard_constraints:
        model="|".join(EMULATORS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        code=lambda wildcards: options(
            "code", emulate_plan.own_code(ANALYSIS, wildcards.model)
        ),
    message:
        "emulate: export {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} emulate export \
            --model {input.model:q} {params.code:q} --output {output.graph:q}
        """


rule emulate_evaluate:
    """Judge the showers of a model against simulated ones that it has not seen, or simulated showers: the floor."""
    input:
        config=config_of("emulate", "evaluate", "{judged}"),
        code=code_of("emulate", "evaluate"),
        simulated=emulate_plan.showers(ANALYSIS, "test"),
        training=emulate_plan.showers(ANALYSIS, "train"),
        emulated=lambda wildcards: (
            []
            if wildcards.judged == emulate_plan.FLOOR
            else f"<results>/emulate/{wildcards.judged}/showers.h5"
        ),
    output:
        evaluation="<results>/emulate/{judged}/evaluation.json",
    log:
        "<logs>/emulate/{judged}/evaluate.log",
    benchmark:
        "<benchmarks>/emulate/{judged}/evaluate.tsv"
    wildcard_constraints:
        judged="|".join(JUDGED),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        simulated=lambda wildcards, input: options("simulated", input.simulated),
        training=lambda wildcards, input: options("training", input.training),
        emulated=lambda wildcards, input: (
            [*options("emulated", [input.emulated]), f"--name={wildcards.judged}"]
            if input.emulated
            else []
        ),
    message:
        "emulate: judge {wildcards.judged}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} emulate evaluate \
            --config {input.config:q} {params.simulated:q} {params.training:q} \
            {params.emulated:q} --output {output.evaluation:q}
        """


rule emulate_time:
    """Measure how long a model takes for a shower, on two threads."""
    input:
        config=config_of("emulate", "time", "{model}"),
        code=code_of("emulate", "time", emulate_plan.modules, "model"),
        model="<results>/emulate/{model}/model.npz",
    output:
        timing="<results>/emulate/{model}/timing.json",
    log:
        "<logs>/emulate/{model}/time.log",
    benchmark:
        "<benchmarks>/emulate/{model}/time.tsv"
    wildcard_constraints:
        model="|".join(EMULATORS) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    # On two cores it has the machine for itself.
    threads: 2
    resources:
        mem_mb=memory(3000),
        runtime=60,
    params:
        code=lambda wildcards: options(
            "code", emulate_plan.own_code(ANALYSIS, wildcards.model)
        ),
    message:
        "emulate: time for a shower of {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} emulate time \
            --config {input.config:q} --name {wildcards.model:q} --model {input.model:q} {params.code:q} \
            --output {output.timing:q}
        """
