"""report: figures and tables, with captions, from what the stages of this analysis wrote.

What a figure reads and writes stands in its module, resonaut/report/<verb>/<figure>.py; here each becomes a rule.
"""

from resonaut.report import catalogue


def shown(figure, output):
    """The files of one output, with their place in Snakemake's report."""
    files = catalogue.files(ANALYSIS, figure, output)
    if not output.shown:
        return [path for path, _ in files]
    place = {
        "category": figure.category,
        "subcategory": figure.subcategory,
        "caption": figure.caption(output),
    }
    if output.inside:
        place["patterns"] = [output.inside]
        files = [(directory(path), labels) for path, labels in files]
    return [report(path, labels=labels or None, **place) for path, labels in files]


def words(figure):
    """The arguments of a figure's command: its inputs, and its options with their paths in this analysis."""
    options = {
        name: [
            workflow.pathvars.apply(value) for value in catalogue.given(ANALYSIS, one)
        ]
        for name, one in figure.options.items()
    }
    return lambda wildcards, input: catalogue.words(
        figure, {name: input.get(name) for name in figure.reads} | options
    )


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
            code=code_of(
                "report",
                "draw",
                [f"report/{figure.path.parent.name}/{figure.path.name}"],
            ),
        output:
            **{name: shown(figure, one) for name, one in figure.writes.items()},
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
            command=figure.command,
            folder=workflow.pathvars.apply("<results>/report"),
            words=words(figure),
        message:
            f"report: {figure.name}"
        shell:
            "resonaut --log {log:q} --threads {threads} report {params.command:q} --output {params.folder:q} {params.words:q}"
