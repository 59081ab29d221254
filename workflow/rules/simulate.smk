"""Generated collisions: Pythia, a parametrised detector, jets, in NanoAOD layout; showers of calorimeters."""

from resonaut.simulate import plan as simulate_plan


rule simulate:
    """Everything that the stage makes: all generated datasets, and showers."""
    input:
        simulate_plan.showers(ANALYSIS),
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


rule simulate_showers:
    """Make one chunk of a sample of calorimeter showers."""
    input:
        config=config_of("simulate", "showers", "{sample}"),
        code=code_of("simulate", "showers"),
    output:
        "<results>/simulate/showers/{sample}/{chunk}.h5",
    log:
        "<logs>/simulate/showers/{sample}/{chunk}.log",
    benchmark:
        "<benchmarks>/simulate/showers/{sample}/{chunk}.tsv"
    wildcard_constraints:
        sample="|".join(ANALYSIS.config["simulate"]["showers"]) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(800),
        runtime=240,
    params:
        number=lambda wildcards: int(wildcards.chunk),
    message:
        "Simulating showers: {wildcards.sample}, chunk {wildcards.chunk}."
    shell:
        "resonaut --log {log:q} --threads {threads} simulate showers"
        " --config {input.config:q}"
        " --name {wildcards.sample:q} --chunk {params.number:q} --output {output:q}"
