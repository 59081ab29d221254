"""Generated collisions: Pythia, a parametrised detector, jets, in NanoAOD layout."""


rule simulate:
    """Everything that the stage makes: all generated datasets."""
    input:
        [
            f"<results>/simulate/{name}/{chunk}.root"
            for name in ANALYSIS.wanted()
            if ANALYSIS.catalogue[name].generator is not None
            for chunk in ANALYSIS.chunks(name)
        ],
    localrule: True


rule simulate_chunk:
    """Generate one chunk of a dataset."""
    input:
        config=config_of("simulate", "{dataset}"),
        code=code_of("simulate", "chunk"),
        emulator=ANALYSIS.config["simulate"]["detector"]["emulator"] or [],
    output:
        "<results>/simulate/{dataset}/{chunk}.root",
    log:
        "<logs>/simulate/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/simulate/{dataset}/{chunk}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=60,
    params:
        number=lambda wildcards: int(wildcards.chunk),
    message:
        "Generating {wildcards.dataset}, chunk {wildcards.chunk}."
    shell:
        "resonaut --log {log:q} --threads {threads} simulate chunk"
        " --config {input.config:q}"
        " --name {wildcards.dataset:q} --chunk {params.number:q} --output {output:q}"
