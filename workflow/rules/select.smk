"""Anomaly selection: one job for each method and mass window."""


rule select_train:
    """Train one method in one mass window, score every dataset, and count what is selected."""
    input:
        config=config_of("select"),
        code=stage_code("select"),
        data=[manifest(name) for name in datasets("data")],
        background=[manifest(name) for name in datasets("background")],
        signal=[manifest(name) for name in datasets("signal")],
        events=friends("skim", *datasets("data", "background", "signal")),
        scores=method_inputs,
        reweight=(
            friends("reweight", *datasets("background")) if uses("reweight") else []
        ),
        lund=friends("calibrate", *datasets("signal")) if uses("calibrate") else [],
    output:
        summary="<results>/select/{method}/{window}.json",
        selected=friends(
            "select/{method}/{window}", *datasets("data", "background", "signal")
        ),
    log:
        "<logs>/select/{method}/{window}.log",
    benchmark:
        "<benchmarks>/select/{method}/{window}.tsv"
    wildcard_constraints:
        method="|".join(config["select"]["methods"]),
        window="|".join(config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    # One thread: the order of floating-point sums, and so the last digits, would depend on their number.
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=60,
    params:
        background=lambda wildcards, input: [
            f"--background={path}" for path in input.background
        ],
        signal=lambda wildcards, input: [f"--signal={path}" for path in input.signal],
        weights=["--reweight"] * uses("reweight") + ["--lund"] * uses("calibrate"),
    message:
        "select: {wildcards.method} in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select train \
            --config {input.config:q} --method {wildcards.method:q} --window {wildcards.window:q} \
            --data {input.data:q} {params.background:q} {params.signal:q} {params.weights:q} \
            --output {output.summary:q}
        """


rule select:
    """Everything that the stage makes: each method in each window."""
    input:
        summaries=expand(
            "<results>/select/{method}/{window}.json",
            method=config["select"]["methods"],
            window=config["select"]["windows"],
        ),


rule select_inject:
    """Put simulated signal into background, train one method in one window, and measure what it finds."""
    input:
        unpack(injected_inputs),
        config=config_of("select"),
        code=stage_code("select"),
    output:
        summary="<results>/select/inject/{method}/{window}/{dataset}/{amount}_{seed}.json",
    log:
        "<logs>/select/inject/{method}/{window}/{dataset}/{amount}_{seed}.log",
    benchmark:
        "<benchmarks>/select/inject/{method}/{window}/{dataset}/{amount}_{seed}.tsv"
    wildcard_constraints:
        window="|".join(config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=120,
    params:
        options=injection_options,
    message:
        "select: {wildcards.method} in {wildcards.window} with {wildcards.amount} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select inject \
            --config {input.config:q} --method {wildcards.method:q} --window {wildcards.window:q} \
            --data {input.data:q} --signal {input.signal:q} \
            --amount {wildcards.amount:q} --seed {wildcards.seed:q} {params.options:q} --output {output.summary:q}
        """


rule select_benchmark:
    """Significance improvement of every method against the amount of injected signal."""
    input:
        experiments=lambda wildcards: [
            path for name in injected() for path in injections(*name)
        ],
        code=stage_code("select"),
    output:
        summary="<results>/select/benchmark.json",
    log:
        "<logs>/select/benchmark.log",
    benchmark:
        "<benchmarks>/select/benchmark.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=5,
    message:
        "select: the significance improvements"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select benchmark --output {output.summary:q} {input.experiments:q}
        """


rule select_images:
    """Average the jets of selected and of rejected data in the signal region."""
    input:
        config=config_of("select"),
        code=stage_code("select"),
        data=[manifest(name) for name in datasets("data")],
        events=friends("skim", *datasets("data")),
        selected=friends("select/{method}/{window}", *datasets("data")),
    output:
        images="<results>/select/{method}/{window}_images.json",
    log:
        "<logs>/select/{method}/{window}_images.log",
    benchmark:
        "<benchmarks>/select/{method}/{window}_images.tsv"
    wildcard_constraints:
        method="|".join(config["select"]["methods"]),
        window="|".join(config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=20,
    message:
        "select: jet images of {wildcards.method} in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select images \
            --config {input.config:q} --method {wildcards.method:q} --window {wildcards.window:q} \
            --data {input.data:q} --output {output.images:q}
        """
