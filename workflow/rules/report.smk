"""report: figures and tables, with captions, from what the stages of this analysis wrote.

What a figure reads and writes stands in its module, resonaut/report/<verb>/<figure>.py; here each becomes a rule.
"""

from resonaut.report import catalogue


rule report:
    """All figures and tables of the analysis, without those that are made on request."""
    input:
        [
            path
            for figure in catalogue.wanted(ANALYSIS)
            for output in figure.writes.values()
            for path, _ in catalogue.files(ANALYSIS, figure, output)
        ],
    localrule: True


for figure in catalogue.found().values():

    rule:
        """Draw a figure or write a table: the first lines of its module say which."""
        name:
            f"report_{figure.name}"
        input:
            **{
                name: of(partial(catalogue.given, one=one))
                for name, one in figure.reads.items()
            },
            # Bound now: it is asked for when all figures have their rules.
            code=code_of("report", "draw", lambda _, module=figure.module: [module]),
        output:
            **{
                name: [
                    (
                        report(directory(path) if one.inside else path, **place)
                        if place
                        else path
                    )
                    for path, place in catalogue.files(ANALYSIS, figure, one)
                ]
                for name, one in figure.writes.items()
            },
        log:
            f"<logs>/report/{figure.name}.log",
        benchmark:
            f"<benchmarks>/report/{figure.name}.tsv"
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=memory(1000),
            runtime=10,
        params:
            words=lambda wildcards, input, figure=figure: catalogue.words(
                ANALYSIS, figure, input, workflow.pathvars.apply
            ),
        message:
            f"report: {figure.name}"
        shell:
            "resonaut --log {log:q} --threads {threads} report {params.words:q}"
