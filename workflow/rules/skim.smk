"""skim: the events and columns that later stages need, from experiment or generated files."""

from resonaut.skim import kept as skim_kept, plan as skim_plan


rule skim:
    """Skim every dataset."""
    input:
        events=ANALYSIS.friends("skim", *ANALYSIS.wanted()),
        manifests=ANALYSIS.manifests(*ANALYSIS.wanted()),
    localrule: True


rule skim_chunk:
    """Select the events of one chunk of a dataset."""
    input:
        files=of(Analysis.chunk_files, "dataset", "chunk"),
        tables=lambda wildcards: [
            path
            for path in skim_plan.tables(ANALYSIS, wildcards.dataset)
            if Path(path).exists()
        ],
        config=config_of("skim", "chunk", "{dataset}"),
        code=code_of("skim", "chunk", skim_plan.modules, "dataset"),
    output:
        events="<results>/skim/{dataset}/{chunk}.parquet",
        summary="<results>/skim/{dataset}/{chunk}.json",
    log:
        "<logs>/skim/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/skim/{dataset}/{chunk}.tsv"
    wildcard_constraints:
        dataset="|".join(ANALYSIS.skims()) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    # Processes that read; the events do not depend on their number. `--set-threads skim_chunk=8` changes it.
    threads: 1 if ANALYSIS.config["skim"]["executor"] == "iterative" else 4
    resources:
        mem_mb=memory(2000),
        runtime=120,
    params:
        code=lambda wildcards: options(
            "code", skim_plan.own_code(ANALYSIS, wildcards.dataset)
        ),
    message:
        "skim: select events of {wildcards.dataset} {wildcards.chunk}"
    shell:
        """
        resonaut --log {log:q} --threads 1 skim chunk --workers {threads} \
            --config {input.config:q} --name {wildcards.dataset:q} \
            {params.code:q} --output {output.events:q} --summary {output.summary:q} {input.files:q}
        """


rule skim_merge:
    """Write a dataset's manifest: chunks, cutflow, normalisation, lost files."""
    input:
        summaries=lambda wildcards: [
            f"<results>/skim/{wildcards.dataset}/{chunk}.json"
            for chunk in ANALYSIS.chunks(wildcards.dataset)
        ],
        events=lambda wildcards: ANALYSIS.friends("skim", wildcards.dataset),
        # Data of other triggers and the same luminosity, whose events must not count again.
        before=lambda wildcards: ANALYSIS.friends(
            "skim", *skim_plan.before(ANALYSIS, wildcards.dataset)
        ),
        config=config_of("skim", "merge", "{dataset}"),
        code=code_of("skim", "merge", skim_plan.declared, "dataset"),
    output:
        manifest="<results>/skim/{dataset}.json",
    log:
        "<logs>/skim/{dataset}.log",
    benchmark:
        "<benchmarks>/skim/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(ANALYSIS.skims()) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=30,
    params:
        before=lambda wildcards, input: options("before", input.before),
        code=lambda wildcards: options(
            "code", skim_kept.format_code(ANALYSIS, wildcards.dataset)
        ),
    message:
        "skim: merge {wildcards.dataset}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} skim merge \
            --config {input.config:q} --name {wildcards.dataset:q} \
            {params.before:q} {params.code:q} --output {output.manifest:q} {input.summaries:q}
        """


for dataset in ANALYSIS.ready():
    source = skim_plan.source(ANALYSIS, dataset)

    rule:
        """Make a dataset of events that are skimmed already: by another analysis, or as parts of several eras, or drawn from simulation."""
        name:
            f"skim_{source.command}_{dataset}"
        input:
            manifests=source.manifests,
            events=source.events,
            data=source.data,
            code=code_of("skim", source.command),
        output:
            manifest=f"<results>/skim/{dataset}.json",
            events=ANALYSIS.friends("skim", dataset),
        log:
            f"<logs>/skim/{dataset}.log",
        benchmark:
            f"<benchmarks>/skim/{dataset}.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=memory(1000),
            runtime=60,
        params:
            command=source.command,
            data=lambda wildcards, input: options("data", input.data),
            options=source.options,
        message:
            f"skim: {source.command} {dataset}"
        shell:
            """
            resonaut --log {log:q} --threads {threads} skim {params.command} \
                --output {output.manifest:q} {params.data:q} {params.options:q} {input.manifests:q}
            """
