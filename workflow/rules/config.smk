"""config: what a job reads of the configuration, frozen, so that it reruns when its own keys change."""


def frozen_text(wildcards):
    """What the file of a job holds."""
    return json.dumps(ANALYSIS.keys(wildcards.job), sort_keys=True)


def nothing_but_stale_is_remade(wildcards):
    """No input; a file with other keys is made again even if Snakemake has no record of it, as of copied results."""
    path = f"{workflow.pathvars.apply('<results>')}/config/{wildcards.job}.json"
    if Path(path).exists() and Path(path).read_text() != frozen_text(wildcards) + "\n":
        workflow.dag.forcefiles.add(path)
    return []


rule freeze:
    """Write the keys that a job reads, so that it reruns when and only when they change."""
    input:
        nothing_but_stale_is_remade,
    output:
        "<results>/config/{job}.json",
    log:
        "<logs>/config/{job}.log",
    benchmark:
        "<benchmarks>/config/{job}.tsv"
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(100),
        runtime=5,
    params:
        text=frozen_text,
    message:
        "config: freeze the keys of {wildcards.job}"
    shell:
        "printf '%s\n' {params.text:q} > {output:q} 2> {log:q}"
