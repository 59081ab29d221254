"""Unfolding: each run of OmniFold is a job, and all of them are one table of weighted particle-level events."""

from itertools import chain

from resonaut.unfold import plan as unfold_plan

UNFOLDED = unfold_plan.unfolded(ANALYSIS)


rule unfold_train:
    """Unfold once: a member of the ensemble, a replica of data or simulation, or a systematic variation."""
    input:
        **{s: ANALYSIS.manifests(*names) for s, names in UNFOLDED.items()},
        config=config_of("unfold", "train"),
        code=code_of("unfold", "train"),
        skimmed=ANALYSIS.friends("skim", *chain(*UNFOLDED.values())),
    output:
        weights="<results>/unfold/runs/{run}.parquet",
        report="<results>/unfold/runs/{run}.json",
    log:
        "<logs>/unfold/runs/{run}.log",
    benchmark:
        "<benchmarks>/unfold/runs/{run}.tsv"
    wildcard_constraints:
        run="[A-Za-z0-9_]+",
    conda:
        "../../envs/analysis.yaml"
    # One thread: the order of floating-point sums, and so the last digits, would depend on their number.
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=240,
    params:
        samples=samples(*UNFOLDED),
    message:
        "unfold: {wildcards.run}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} unfold train \
            --config {input.config:q} {params.samples:q} --run {wildcards.run:q} --output {output.weights:q}
        """


rule unfold_merge:
    """Join the weights of all runs to one table of events, in the columns of ATLAS's release."""
    input:
        **{s: ANALYSIS.manifests(*names) for s, names in UNFOLDED.items()},
        config=config_of("unfold", "merge"),
        code=code_of("unfold", "merge"),
        skimmed=ANALYSIS.friends("skim", *chain(*UNFOLDED.values())),
        runs=expand(
            "<results>/unfold/runs/{run}.parquet", run=unfold_plan.runs(ANALYSIS)
        ),
    output:
        events="<results>/unfold/events.parquet",
        description="<results>/unfold/events.json",
    log:
        "<logs>/unfold/merge.log",
    benchmark:
        "<benchmarks>/unfold/merge.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        samples=samples(*UNFOLDED),
        runs=lambda wildcards, input: options("run", input.runs),
    message:
        "unfold: joining all runs"
    shell:
        """
        resonaut --log {log:q} --threads {threads} unfold merge \
            --config {input.config:q} {params.samples:q} {params.runs:q} --output {output.events:q}
        """


rule unfold_summarise:
    """Compare the result in bins with iterative unfolding, and with the truth where it is known."""
    input:
        **{s: ANALYSIS.manifests(*names) for s, names in UNFOLDED.items()},
        config=config_of("unfold", "summarise"),
        code=code_of("unfold", "summarise"),
        skimmed=ANALYSIS.friends("skim", *chain(*UNFOLDED.values())),
        events="<results>/unfold/events.parquet",
        description="<results>/unfold/events.json",
        runs=expand("<results>/unfold/runs/{run}.json", run=unfold_plan.runs(ANALYSIS)),
    output:
        summary="<results>/unfold/summary.json",
    log:
        "<logs>/unfold/summarise.log",
    benchmark:
        "<benchmarks>/unfold/summarise.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        samples=samples(*UNFOLDED),
        runs=lambda wildcards, input: options("run", input.runs),
    message:
        "unfold: comparing the result"
    shell:
        """
        resonaut --log {log:q} --threads {threads} unfold summarise \
            --config {input.config:q} {params.samples:q} {params.runs:q} --events {input.events:q} \
            --output {output.summary:q}
        """


rule unfold:
    """Everything that the stage makes: the table of unfolded events, its description and the summary."""
    input:
        events="<results>/unfold/events.parquet",
        description="<results>/unfold/events.json",
        summary="<results>/unfold/summary.json",
    localrule: True
