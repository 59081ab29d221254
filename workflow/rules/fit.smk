"""fit: significance, yield and limit at each mass, for every selection and window; and models of templates."""

from resonaut.fit import plan as fit_plan
from resonaut.fit.masses import plan as masses
from resonaut.fit.templates import plan as templates


rule fit:
    """The results of all selections and masses, or without data of the experiments; and of all models."""
    input:
        summary=(
            experiments.fits(ANALYSIS)
            if experiments.instead_of_data(ANALYSIS)
            else fit_plan.GIVES["summary"](ANALYSIS)
        ),
        models=fit_plan.GIVES["models"](ANALYSIS),
        mass_scans=fit_plan.GIVES["mass_scans"](ANALYSIS),
        couplings=fit_plan.GIVES["couplings"](ANALYSIS),
    localrule: True


rule fit_selection:
    """Fit one selected spectrum at each mass in its signal region."""
    input:
        selection="<results>/select/{method}/{window}.json",
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        config=config_of("fit", "selection", "{window}"),
        code=code_of("fit", "selection", fit_plan.own_code, "window"),
    output:
        result="<results>/fit/{method}/{window}.json",
        workspaces=directory("<results>/fit/{method}/{window}"),
    log:
        "<logs>/fit/{method}/{window}.log",
    benchmark:
        "<benchmarks>/fit/{method}/{window}.tsv"
    wildcard_constraints:
        method="|".join(ANALYSIS.config["select"]["methods"]),
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=20,
    params:
        data=lambda wildcards, input: options("data", input.data),
        code=lambda wildcards: options(
            "code", fit_plan.own_code(ANALYSIS, wildcards.window)
        ),
    message:
        "Fitting the {wildcards.method} selection in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit selection --config {input.config:q} {params.code:q} \
            --selection {input.selection:q} {params.data:q} \
            --output {output.result:q} --workspaces {output.workspaces:q}
        """


rule fit_selection_bias:
    """Fit toys of another background function than the fitted one, with signals of known size."""
    input:
        selection="<results>/select/{method}/{window}.json",
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        config=config_of("fit", "bias", "{window}"),
        code=code_of("fit", "selection-bias", fit_plan.bias_code, "window"),
    output:
        result="<results>/fit/{method}/{window}_bias.json",
    log:
        "<logs>/fit/{method}/{window}_bias.log",
    benchmark:
        "<benchmarks>/fit/{method}/{window}_bias.tsv"
    wildcard_constraints:
        method="|".join(ANALYSIS.config["select"]["methods"]),
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=60,
    params:
        data=lambda wildcards, input: options("data", input.data),
        code=lambda wildcards: options(
            "code", fit_plan.bias_code(ANALYSIS, wildcards.window)
        ),
    message:
        "Bias test of the {wildcards.method} selection in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit selection-bias --config {input.config:q} {params.code:q} \
            --selection {input.selection:q} {params.data:q} --output {output.result:q}
        """


rule fit_prediction:
    """Predict the background in a signal region, by a function beside it and by reweighted simulation."""
    input:
        selection="<results>/select/{method}/{window}.json",
        data=ANALYSIS.manifests(*ANALYSIS.sample("data")),
        background=ANALYSIS.manifests(*ANALYSIS.sample("background")),
        events=of(fit_plan.predicted_from, "method", "window"),
        config=config_of("fit", "prediction", "{window}"),
        code=code_of("fit", "prediction", fit_plan.own_code, "window"),
    output:
        result="<results>/fit/{method}/{window}_prediction.json",
    log:
        "<logs>/fit/{method}/{window}_prediction.log",
    benchmark:
        "<benchmarks>/fit/{method}/{window}_prediction.tsv"
    wildcard_constraints:
        method="|".join(ANALYSIS.config["select"]["methods"]),
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=20,
    params:
        samples=samples("data", "background"),
        weights=[
            f"--weights={name}={folder}"
            for name, folder in fit_plan.weighting(ANALYSIS)
        ],
        code=lambda wildcards: options(
            "code", fit_plan.own_code(ANALYSIS, wildcards.window)
        ),
    message:
        "Predicting the background of the {wildcards.method} selection in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit prediction --config {input.config:q} {params.code:q} \
            --selection {input.selection:q} {params.samples:q} {params.weights:q} \
            --output {output.result:q}
        """


rule fit_summary:
    """Collect the results of all selections and masses, and the global significances."""
    input:
        results=expand(
            "<results>/fit/{method}/{window}.json",
            method=ANALYSIS.config["select"]["methods"],
            window=ANALYSIS.config["select"]["windows"],
        ),
        code=code_of("fit", "summary"),
    output:
        summary="<results>/fit/summary.json",
    log:
        "<logs>/fit/summary.log",
    benchmark:
        "<benchmarks>/fit/summary.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=5,
    message:
        "Collecting the fits' results"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit summary --output {output.summary:q} {input.results:q}
        """


rule fit_retrained:
    """p-values of experiments with injected signal, and the limit with the efficiencies that they found."""
    input:
        unpack(of(experiments.actual, "method", "window")),
        experiments=of(experiments.summaries, "method", "window", "dataset"),
        config=config_of("fit", "retrained", "{window}"),
        code=code_of("fit", "retrained", fit_plan.own_code, "window"),
    output:
        result="<results>/fit/retrained/{method}/{window}/{dataset}.json",
    log:
        "<logs>/fit/retrained/{method}/{window}/{dataset}.log",
    benchmark:
        "<benchmarks>/fit/retrained/{method}/{window}/{dataset}.tsv"
    wildcard_constraints:
        window="|".join(ANALYSIS.config["select"]["windows"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=60,
    params:
        code=lambda wildcards: options(
            "code", fit_plan.own_code(ANALYSIS, wildcards.window)
        ),
        data=lambda wildcards, input: [
            f"--{name}={path}"
            for name in ("selection", "data")
            for path in input.get(name, [])
        ],
    message:
        "Fitting the {wildcards.method} selections trained with {wildcards.dataset} in window {wildcards.window}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit retrained --config {input.config:q} {params.code:q} {params.data:q} \
            --output {output.result:q} {input.experiments:q}
        """


rule fit_injected:
    """All of them: `snakemake fit_injected`."""
    input:
        results=of(experiments.fits),
    localrule: True


rule fit_models:
    """All models of templates: `snakemake fit_models`."""
    input:
        fit_plan.GIVES["models"](ANALYSIS),
        fit_plan.GIVES["couplings"](ANALYSIS),
        fit_plan.GIVES["mass_scans"](ANALYSIS),
    localrule: True


rule fit_model_histograms:
    """Fill the histograms of a channel of a model from events, or read them from a file."""
    input:
        data=of(templates.data_manifests, "model"),
        simulation=of(templates.manifests, "model", "channel"),
        events=of(templates.events, "model", "channel"),
        file=of(templates.file_of, "model"),
        config=config_of("fit", "histograms", "{model}", "{channel}"),
        code=code_of("fit", "template-histograms"),
    output:
        histograms="<results>/fit/models/{model}/histograms/{channel}.json",
    log:
        "<logs>/fit/models/{model}/histograms/{channel}.log",
    benchmark:
        "<benchmarks>/fit/models/{model}/histograms/{channel}.tsv"
    wildcard_constraints:
        model="[A-Za-z0-9_]+",
        channel="[A-Za-z0-9_]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=60,
    params:
        samples=samples("data", "simulation"),
        weights=lambda wildcards: [
            f"--weights={name}={folder}"
            for name, folder in templates.friends(
                ANALYSIS, wildcards.model, wildcards.channel
            )
        ],
    message:
        "Histograms of the channel {wildcards.channel} of the model {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit template-histograms --config {input.config:q} \
            --channel {wildcards.channel:q} {params.samples:q} {params.weights:q} --output {output.histograms:q}
        """


rule fit_model_workspace:
    """Write the HistFactory workspace of a model, with its nuisances."""
    input:
        histograms=of(templates.histograms, "model"),
        config=config_of("fit", "workspace", "{model}"),
        code=code_of("fit", "template-workspace"),
    output:
        workspace="<results>/fit/models/{model}/workspace.json",
        description="<results>/fit/models/{model}/model.json",
    log:
        "<logs>/fit/models/{model}/workspace.log",
    benchmark:
        "<benchmarks>/fit/models/{model}/workspace.tsv"
    wildcard_constraints:
        model="[A-Za-z0-9_]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000),
        runtime=20,
    message:
        "The workspace of the model {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit template-workspace --config {input.config:q} \
            --model {wildcards.model:q} --output {output.workspace:q} --description {output.description:q} \
            {input.histograms:q}
        """


rule fit_model_result:
    """Fit a model: parameters, pulls and impacts, scans, limits, goodness of fit, and yields."""
    input:
        workspace="<results>/fit/models/{model}/workspace.json",
        config=config_of("fit", "result", "{model}"),
        code=code_of("fit", "histfactory"),
    output:
        result="<results>/fit/models/{model}/result.json",
    log:
        "<logs>/fit/models/{model}/result.log",
    benchmark:
        "<benchmarks>/fit/models/{model}/result.tsv"
    wildcard_constraints:
        model="[A-Za-z0-9_]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Fitting the model {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit histfactory --config {input.config:q} \
            --output {output.result:q} {input.workspace:q}
        """


rule fit_model_couplings:
    """Limits on the signal of a model at each value of its couplings, and their likelihood."""
    input:
        workspace="<results>/fit/models/{model}/workspace.json",
        description="<results>/fit/models/{model}/model.json",
        config=config_of("fit", "couplings", "{model}"),
        code=code_of("fit", "couplings"),
    output:
        result="<results>/fit/models/{model}/couplings.json",
    log:
        "<logs>/fit/models/{model}/couplings.log",
    benchmark:
        "<benchmarks>/fit/models/{model}/couplings.tsv"
    wildcard_constraints:
        model="[A-Za-z0-9_]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=60,
    message:
        "Couplings of the model {wildcards.model}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit couplings --config {input.config:q} \
            --description {input.description:q} --model {wildcards.model:q} --output {output.result:q} \
            {input.workspace:q}
        """


rule fit_mass_scan:
    """Gather the limits of models with signals of one mass each, on cross section and coupling."""
    input:
        fits=of(masses.results, "scan"),
        config=config_of("fit", "mass_scan", "{scan}"),
        code=code_of("fit", "mass-scan"),
    output:
        result="<results>/fit/mass_scans/{scan}.json",
    log:
        "<logs>/fit/mass_scans/{scan}.log",
    benchmark:
        "<benchmarks>/fit/mass_scans/{scan}.tsv"
    wildcard_constraints:
        scan="[A-Za-z0-9_]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory(500),
        runtime=10,
    message:
        "The scan of masses {wildcards.scan}"
    shell:
        """
        resonaut --log {log:q} --threads {threads} fit mass-scan --config {input.config:q} \
            --scan {wildcards.scan:q} --output {output.result:q} {input.fits:q}
        """
