"""Generated collisions: Pythia, a parametrised detector, jets, in NanoAOD layout; showers of calorimeters; Level-1 objects."""

from resonaut.simulate import plan as simulate_plan


rule simulate:
    """Everything that the stage makes: all generated datasets, and showers."""
    input:
        simulate_plan.showers(ANALYSIS),
        simulate_plan.crossings(ANALYSIS),
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


rule simulate_level1_pool:
    """Generate and digitise one chunk of the collisions of which crossings are mixed."""
    input:
        config=config_of("simulate", "level1_pool", "{part}"),
        code=code_of("simulate", "level1-pool"),
    output:
        "<results>/simulate/level1_pool/{part}/{chunk}.npz",
    log:
        "<logs>/simulate/level1_pool/{part}/{chunk}.log",
    benchmark:
        "<benchmarks>/simulate/level1_pool/{part}/{chunk}.tsv"
    wildcard_constraints:
        part="|".join(ANALYSIS.config["simulate"]["level1"]["pool"]) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=120,
    params:
        number=lambda wildcards: int(wildcards.chunk),
    message:
        "Generating collisions for the Level-1 pool: {wildcards.part}, chunk {wildcards.chunk}."
    shell:
        "resonaut --log {log:q} --threads {threads} simulate level1-pool"
        " --config {input.config:q}"
        " --name {wildcards.part:q} --chunk {params.number:q} --output {output:q}"


rule simulate_level1:
    """Make one chunk of a sample of bunch crossings."""
    input:
        config=config_of("simulate", "level1", "{sample}"),
        code=code_of("simulate", "level1"),
        pool=of(simulate_plan.pool, "sample"),
    output:
        "<results>/simulate/level1/{sample}/{chunk}.parquet",
    log:
        "<logs>/simulate/level1/{sample}/{chunk}.log",
    benchmark:
        "<benchmarks>/simulate/level1/{sample}/{chunk}.tsv"
    wildcard_constraints:
        sample="|".join(simulate_plan.level1(ANALYSIS)) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=120,
    params:
        number=lambda wildcards: int(wildcards.chunk),
        pool=lambda wildcards, input: options("pool", input.pool),
    message:
        "Mixing bunch crossings: {wildcards.sample}, chunk {wildcards.chunk}."
    shell:
        "resonaut --log {log:q} --threads {threads} simulate level1"
        " --config {input.config:q} {params.pool:q}"
        " --name {wildcards.sample:q} --chunk {params.number:q} --output {output:q}"
