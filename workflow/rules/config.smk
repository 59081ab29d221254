"""config: sections and datasets of the configuration, frozen, so that a job reruns when its own keys change."""


rule freeze_section:
    """Write a stage's section of the configuration, so that the stage reruns when and only when it changes."""
    output:
        "<results>/config/{verb}.json",
    log:
        "<logs>/config/{verb}.log",
    benchmark:
        "<benchmarks>/config/{verb}.tsv"
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(100),
        runtime=5,
    params:
        text=lambda wildcards: json.dumps(ANALYSIS.keys(wildcards.verb), sort_keys=True),
    message:
        "config: freeze the section {wildcards.verb}"
    shell:
        "printf '%s\n' {params.text:q} > {output:q} 2> {log:q}"


rule freeze_dataset:
    """Write a dataset's entry of the configuration."""
    output:
        "<results>/config/datasets/{dataset}.json",
    log:
        "<logs>/config/datasets/{dataset}.log",
    benchmark:
        "<benchmarks>/config/datasets/{dataset}.tsv"
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(100),
        runtime=5,
    params:
        text=lambda wildcards: json.dumps(
            config["datasets"][wildcards.dataset], sort_keys=True
        ),
    message:
        "config: freeze the dataset {wildcards.dataset}"
    shell:
        "printf '%s\n' {params.text:q} > {output:q} 2> {log:q}"
