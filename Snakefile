"""Resonaut: from collision events to p-values, limits and a report.

`snakemake --cores 2` runs the analysis of config/config.yaml; `snakemake --cores 2 <verb>` stops after a stage.
"""

from snakemake.utils import min_version

min_version("9.27")


configfile: f"{workflow.basedir}/config/config.yaml"


# An analysis's own folders stand in its configuration under the same name.
pathvars:
    results="results",
    logs="logs",
    benchmarks="<results>/benchmarks",


rule all:
    """Everything that the stages of this analysis make."""
    input:
        lambda wildcards: [
            path
            for verb in config["search"]["stages"]
            for path in getattr(rules, verb).input
        ],


include: "workflow/rules/common.smk"


localrules:
    all,
    simulate,
    skim,
    tag,
    calibrate,
    reweight,
    select,
    fit,
    report,
    bias,
    freeze_section,
    freeze_dataset,


wildcard_constraints:
    dataset="[A-Za-z0-9_]+",
    chunk="[0-9]+",
    verb="|".join(VERBS),
    method="[a-z_]+",
    window="[A-Za-z0-9_]+",
    amount="[0-9.e+-]+",
    seed="[0-9]+",
    network="[a-z0-9_]+",


include: "workflow/rules/config.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/skim.smk"
include: "workflow/rules/tag.smk"
include: "workflow/rules/calibrate.smk"
include: "workflow/rules/reweight.smk"
include: "workflow/rules/select.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/report.smk"


report: "workflow/report/workflow.rst"


onstart:
    announce()
