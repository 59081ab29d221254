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
        scores=lambda wildcards: (
            friends("tag", *datasets("data", "background", "signal"))
            if wildcards.method == "tagger"
            else []
        ),
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
        resonaut --log {log} --threads {threads} select train \
            --config {input.config} --method {wildcards.method} --window {wildcards.window} \
            --data {input.data} {params.background} {params.signal} {params.weights} \
            --output {output.summary}
        """


rule select:
    """Everything that the stage makes: each method in each window."""
    input:
        summaries=expand(
            "<results>/select/{method}/{window}.json",
            method=config["select"]["methods"],
            window=config["select"]["windows"],
        ),
