"""config: what a job reads of the configuration, frozen, so that it reruns when its own keys change."""


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
