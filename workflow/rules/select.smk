"""Anomaly selection: one job for each method and mass window."""

from resonaut.select import experiments, jobs as select_jobs

REGIONS = list(select_jobs.regions(ANALYSIS))
EVENT_SCORES = list(ANALYSIS.config["select"]["event_scores"])


rule select_train:
    """Train one method in one mass window, score every dataset, and count what is selected."""
    input:
        config=config_of("select", "{method}", "{window}"),
        code=code_of("select", "train", select_jobs.modules, "method", "window"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        background=ANALYSIS.manifests(*ANALYSIS.sample("background")),
        signal=ANALYSIS.manifests(*ANALYSIS.sample("signal")),
        events=ANALYSIS.friends(
            "skim", *ANALYSIS.sample("data", "background", "signal")
        ),
        scores=of(select_jobs.scores, "method", "window"),
        weights=select_jobs.weights(ANALYSIS, *ANALYSIS.sample("background", "signal")),
    output:
        summary="<results>/select/{method}/{window}.json",
        selected=ANALYSIS.friends(
            "select/{method}/{window}",
            *ANALYSIS.sample("data", "background", "signal"),
        ),
    log:
        "<logs>/select/{method}/{window}.log",
    benchmark:
        "<benchmarks>/select/{method}/{window}.tsv"
    wildcard_constraints:
        method="|".join(select_jobs.trained(ANALYSIS)) or "(?!)",
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    # One thread: the order of floating-point sums, and so the last digits, would depend on their number.
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=60,
    params:
        samples=samples("data", "background", "signal"),
        weights=select_jobs.weighting(
            ANALYSIS, *ANALYSIS.sample("background", "signal")
        ),
        code=lambda wildcards: options(
            "code", select_jobs.own_code(ANALYSIS, wildcards.method, wildcards.window)
        ),
    message:
        "select: {wildcards.method} in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select train \
            --config {input.config:q} --method {wildcards.method:q} --window {wildcards.window:q} \
            {params.samples:q} {params.weights:q} {params.code:q} \
            --output {output.summary:q}
        """


rule select:
    """Everything that the stage makes: each method in each window, or without data the experiments."""
    input:
        summaries=(
            experiments.all_summaries(ANALYSIS)
            if experiments.instead_of_data(ANALYSIS)
            else select_jobs.selections(ANALYSIS)
        ),
    localrule: True


rule select_event_train:
    """Train an autoencoder of whole events on part of the data, once for all windows."""
    input:
        config=config_of("select", "event_scores", "{score}"),
        code=code_of("select", "event-train"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        events=ANALYSIS.friends("skim", *ANALYSIS.sample("data")),
    output:
        model="<results>/select/event_scores/{score}.npz",
        summary="<results>/select/event_scores/{score}.json",
    log:
        "<logs>/select/event_scores/{score}.log",
    benchmark:
        "<benchmarks>/select/event_scores/{score}.tsv"
    wildcard_constraints:
        score="|".join(EVENT_SCORES) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    # One thread, as select_train.
    threads: 1
    resources:
        mem_mb=memory(2500),
        runtime=120,
    params:
        data=lambda wildcards, input: options("data", input.data),
    message:
        "select: train {wildcards.score} on whole events"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select event-train \
            --config {input.config:q} --name {wildcards.score:q} {params.data:q} --output {output.model:q}
        """


rule select_event_score:
    """Score the events of a chunk, also with shifted objects."""
    input:
        code=code_of("select", "event-score"),
        model="<results>/select/event_scores/{score}.npz",
        manifest="<results>/skim/{dataset}.json",
        events="<results>/skim/{dataset}/{chunk}.parquet",
    output:
        scores="<results>/select/event_scores/{score}/{dataset}/{chunk}.parquet",
    log:
        "<logs>/select/event_scores/{score}/{dataset}/{chunk}.log",
    benchmark:
        "<benchmarks>/select/event_scores/{score}/{dataset}/{chunk}.tsv"
    wildcard_constraints:
        score="|".join(EVENT_SCORES) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=60,
    message:
        "select: {wildcards.score} on {wildcards.dataset} {wildcards.chunk}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select event-score \
            --model {input.model:q} --dataset {input.manifest:q} --chunk {wildcards.chunk:q} --output {output.scores:q}
        """


rule select_event_region:
    """Count what a region of the most anomalous events selects in one window."""
    input:
        config=config_of("select", "{method}", "{window}"),
        code=code_of("select", "event-region"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        background=ANALYSIS.manifests(*ANALYSIS.sample("background")),
        signal=ANALYSIS.manifests(*ANALYSIS.sample("signal")),
        events=ANALYSIS.friends(
            "skim", *ANALYSIS.sample("data", "background", "signal")
        ),
        scores=of(select_jobs.events_read, "method"),
        weights=select_jobs.weights(ANALYSIS, *ANALYSIS.sample("background", "signal")),
    output:
        summary="<results>/select/{method}/{window}.json",
    log:
        "<logs>/select/{method}/{window}.log",
    benchmark:
        "<benchmarks>/select/{method}/{window}.tsv"
    wildcard_constraints:
        method="|".join(REGIONS) or "(?!)",
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=30,
    params:
        samples=samples("data", "background", "signal"),
        weights=select_jobs.weighting(
            ANALYSIS, *ANALYSIS.sample("background", "signal")
        ),
    message:
        "select: the region {wildcards.method} in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select event-region \
            --config {input.config:q} --region {wildcards.method:q} --window {wildcards.window:q} \
            {params.samples:q} {params.weights:q} --output {output.summary:q}
        """


rule select_inject:
    """Put simulated signal into background, train one method in one window, and measure what it finds."""
    input:
        unpack(of(experiments.inputs, "method", "dataset")),
        config=config_of("select", "{method}", "{window}"),
        code=code_of("select", "inject", select_jobs.modules, "method", "window"),
    output:
        summary="<results>/select/inject/{method}/{window}/{dataset}/{amount}_{seed}.json",
    log:
        "<logs>/select/inject/{method}/{window}/{dataset}/{amount}_{seed}.log",
    benchmark:
        "<benchmarks>/select/inject/{method}/{window}/{dataset}/{amount}_{seed}.tsv"
    wildcard_constraints:
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=120,
    params:
        options=lambda wildcards, input: experiments.options(
            ANALYSIS, wildcards.method, wildcards.window, wildcards.dataset, input
        ),
    message:
        "select: {wildcards.method} in {wildcards.window} with {wildcards.amount} of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select inject \
            --config {input.config:q} --method {wildcards.method:q} --window {wildcards.window:q} \
            --signal {input.signal:q} \
            --amount {wildcards.amount:q} --seed {wildcards.seed:q} {params.options:q} --output {output.summary:q}
        """


rule select_benchmark:
    """Significance improvement of every method against the amount of injected signal."""
    input:
        experiments=of(experiments.all_summaries),
        code=code_of("select", "benchmark"),
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
        config=config_of("select", "{method}", "{window}"),
        code=code_of("select", "images"),
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        events=ANALYSIS.friends("skim", *ANALYSIS.sample("data")),
        selected=ANALYSIS.friends("select/{method}/{window}", *ANALYSIS.sample("data")),
    output:
        images="<results>/select/{method}/{window}_images.json",
    log:
        "<logs>/select/{method}/{window}_images.log",
    benchmark:
        "<benchmarks>/select/{method}/{window}_images.tsv"
    wildcard_constraints:
        method="|".join(ANALYSIS.config["select"]["methods"]),
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500),
        runtime=20,
    params:
        data=lambda wildcards, input: options("data", input.data),
    message:
        "select: jet images of {wildcards.method} in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} select images \
            --config {input.config:q} --method {wildcards.method:q} --window {wildcards.window:q} \
            {params.data:q} --output {output.images:q}
        """
